"""Pages for people over the store: they read, and never change anything by themselves."""
