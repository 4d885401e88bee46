"""Reports on the agreement: what each side promised and what came of it, from the ledger of hand-offs. Pure."""
