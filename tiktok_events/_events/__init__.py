"""Events and their parts: they normalise and hash the given values into wire form.

Each class fills one private dict, its part of the `data[]` item, so that encoding is one `dumps`. A value that a person
typed never raises: if it is invalid, it is left out and a `Problem` without the value is kept.
"""
