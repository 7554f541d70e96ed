"""The command `tiktok-events outbox`."""
