"""The service: what decides, writes, remembers and tells."""
