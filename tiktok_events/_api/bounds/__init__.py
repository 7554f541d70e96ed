"""Bounds of one exchange: its time, the size of its answer, and the connection it leaves."""
