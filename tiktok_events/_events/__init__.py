"""The events and their parts: values in as people have them, wire form and digests out.

Each class fills one private dict, its part of the `data[]` item, so that encoding is one `dumps`. What a person
typed never raises: it is left out and kept as a `Problem` without its value.
"""
