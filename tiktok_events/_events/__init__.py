"""The event classes: they normalise and hash the given values and store them in wire form.

Each class fills one private dict, its part of the `data[]` item, so that encoding is one `dumps`. Invalid user input
never raises: the value is left out, and a `Problem` that does not contain it is stored.
"""
