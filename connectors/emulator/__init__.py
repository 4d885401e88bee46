"""Servers that speak vendors' own wire protocols, with faults on demand and a journal: for the demo, tests and training."""
