"""Where events wait: what every outbox promises, and one module for each kind. No HTTP, and no raw value, gets here."""
