"""The HTTP API of a manager: routes that read the tables and submit commands; nothing is decided here."""
