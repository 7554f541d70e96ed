"""Delivery behind the caller: the background client, its thread and buffer, and the worker."""
