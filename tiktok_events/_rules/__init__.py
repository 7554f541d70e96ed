"""The rules: one table of what can be wrong, applied to events in memory and to bodies off the wire."""
