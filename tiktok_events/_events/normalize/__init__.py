"""Normalise and hash values: types, identifiers, e-mail addresses, phone numbers, click ids, URLs and money."""
