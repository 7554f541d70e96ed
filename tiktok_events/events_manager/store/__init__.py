"""Storage of the local Events Manager: received events, their deduplication, and the summary."""
