"""The emulators, against the vendors' own clients over real sockets."""
