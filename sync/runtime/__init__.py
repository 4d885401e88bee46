"""What everything runs on: servers, the Faust overrides, the guard, budget, breaker, clock, metrics, logs."""
