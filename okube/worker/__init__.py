"""The agent: it owns its machine and keeps what it was assigned running."""
