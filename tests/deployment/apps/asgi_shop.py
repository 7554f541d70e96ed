"""A shop for ASGI servers: a page reports the event whose id its query is."""

import os

import tiktok_events as tt
from tiktok_events.web import ASGIMiddleware, Site, tracker_from


async def shop(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    tracker_from(scope).track(tt.Event("Contact", event_id=scope["query_string"].decode()), browser=False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%d" % os.getpid()})


app = ASGIMiddleware(shop, Site.from_env(consent=lambda request: True))
