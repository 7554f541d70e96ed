"""Helpers for tables of identifiers as people type them."""

from hashlib import sha256


def digest(text):
    """The SHA-256 digest of *text*; None for None."""
    return None if text is None else sha256(text.encode()).hexdigest()


def ids(rows):
    """The test id of each row: what is typed."""
    return [ascii(row[0]) for row in rows]
