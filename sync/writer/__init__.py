"""The writer of one system: doorbells in, the difference between desired and observed out, results back to the lead agent."""
