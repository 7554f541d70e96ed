"""What the local Events Manager holds: received events and how they are deduplicated."""
