"""A shop for WSGI servers: a page reports the event whose id its query is, "slow" after a second. TRACK_AT_IMPORT reports one before."""

import os
import time
from pathlib import Path

import tiktok_events as tt
from tiktok_events.web import Site, WSGIMiddleware, tracker_from

site = Site.from_env(consent=lambda request: True)
if name := os.environ.get("TRACK_AT_IMPORT"):
    site.event_client().track(tt.Event("Contact", event_id=name, user={"ttclid": "E.C.P.1"}))


def shop(environ, start_response):
    page = environ["QUERY_STRING"]
    if page == "slow":
        Path("under-way").touch()
        time.sleep(1)
    tracker_from(environ).track(tt.Event("Contact", event_id=page), browser=False)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d" % os.getpid()]


app = application = WSGIMiddleware(shop, site)
