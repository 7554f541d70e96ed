"""ASGI and WSGI middleware, and the headers they add to responses."""
