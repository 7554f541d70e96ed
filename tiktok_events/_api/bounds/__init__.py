"""Bounds of one exchange over HTTP: its time, and the size of its answer."""
