"""The pure core: what a message means for a lead. No I/O, no clock, no randomness."""
