"""A sender, a vendor and a value that mean harm."""
