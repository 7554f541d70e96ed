"""The rules themselves: one table of what can be wrong, and what a problem is. `_checks` applies them."""
