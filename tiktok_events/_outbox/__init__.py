"""Where events wait for delivery: the protocol, and outboxes in memory, SQLite and Redis."""
