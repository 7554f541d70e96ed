"""Record events in tests: the recorder, the pixel calls of a response, and the pytest plugin."""
