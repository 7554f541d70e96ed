"""A shop for uvicorn, plain ASGI with a lifespan."""

import tracked

from tiktok_events.web import ASGIMiddleware, Site, tracker_from

background = tracked.background()
site = Site(background.client.source, background)


async def shop(scope, receive, send):
    if scope["type"] == "lifespan":
        while (message := (await receive())["type"]) != "lifespan.shutdown":
            await send({"type": f"{message}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    name = scope["query_string"].decode()
    tracked.write("tried", [name])
    sent = tracker_from(scope).track(tracked.event(name), browser=False).sent
    tracked.write("tracked" if sent else "refused", [name])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"thanks"})


app = ASGIMiddleware(shop, site)
