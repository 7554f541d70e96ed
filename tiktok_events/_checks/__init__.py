"""Applying the rules: to events in memory, to raw items, and to whole request bodies."""
