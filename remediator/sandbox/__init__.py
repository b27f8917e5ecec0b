"""Both vendors and the sync between them as a real HTTP server, with a ledger and fault injection."""
