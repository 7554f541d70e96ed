"""Read a request: its facts, its kind, and the address of the client."""
