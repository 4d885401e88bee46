"""`truce backfill --dry-run`: reads the systems as they are, lets the core decide on paper, and says what the first sync would do."""
