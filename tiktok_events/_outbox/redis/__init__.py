"""The outbox in Redis Streams."""
