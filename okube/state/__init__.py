"""The replicated state machine: tables, indexes, apply, snapshot; pure."""
