"""What a test sees of events: the way out of the process, what records there, and the pytest plugin."""
