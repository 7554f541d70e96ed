"""A shop for gunicorn. With `preload_app` it has tracked, and its thread runs, before the first worker is forked."""

import tracked

from tiktok_events.web import Site, WSGIMiddleware, tracker_from

background = tracked.background()
site = Site(background.client.source, background)
for number in range(30):
    tracked.track(background, [f"preload-{number}"])


def shop(environ, start_response):
    name = environ["QUERY_STRING"]
    tracked.write("tried", [name])
    sent = tracker_from(environ).track(tracked.event(name), browser=False).sent
    tracked.write("tracked" if sent else "refused", [name])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"thanks"]


app = WSGIMiddleware(shop, site)
