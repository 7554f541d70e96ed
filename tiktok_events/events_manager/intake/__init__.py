"""Endpoints that receive events: `event/track/` for servers, `pixel/act` and the pixel script for browsers."""
