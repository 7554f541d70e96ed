"""Checks of events and request bodies against the rule table."""
