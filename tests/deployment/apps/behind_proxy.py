"""A shop behind proxies, for WSGI and ASGI servers: it answers with what the event of the request holds."""

import json
import logging
import os

import tiktok_events as tt
from tiktok_events.web import ASGIMiddleware, Site, WSGIMiddleware, tracker_from


class Recorder:
    """A client that keeps its events."""

    def __init__(self):
        self.events = []

    def track(self, *events):
        self.events += events


logging.basicConfig(level=logging.WARNING)
settings = json.loads(os.environ.get("SITE", "{}"))
source = tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "example-token")
site = Site(source, Recorder(), consent=lambda request: True, **settings)


def report(tracker):
    """Track an event, and describe it as JSON."""
    tracker.track("Contact")
    event = site.client.events[-1]
    return json.dumps({
        "ip": event.user.ip,
        "url": event.page.url,
        "problems": dict(site.problem_counts),
    }).encode()


def wsgi_shop(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/html")])
    return [report(tracker_from(environ))]


async def asgi_shop(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = report(tracker_from(scope))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": body})


wsgi = WSGIMiddleware(wsgi_shop, site)
asgi = ASGIMiddleware(asgi_shop, site)
