"""Normalising and hashing of values: types, identifiers, phone numbers, URLs and money."""
