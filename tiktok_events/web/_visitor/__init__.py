"""The visitor: consent, cookies, context for events, signing, and snapshots."""
