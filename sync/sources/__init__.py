"""What comes in: webhooks, polls, full reads and sweeps, published on `changes` before anything is acknowledged."""
