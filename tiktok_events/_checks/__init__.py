"""Check events and request bodies against the rule table: schema of raw JSON, semantics, duplicates."""
