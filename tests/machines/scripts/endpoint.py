"""TikTok on a host of its own, over TLS. argv: address, certificate with key, a file, "manager" or seconds.

The manager is the local Events Manager, and the file its database; its clock is ahead by the seconds in the file
"offset" beside that, if there is one. With a number it is a server that takes so many
seconds to answer, whatever the machine is busy with, and writes into the file, for each request on a line, when it
came, when it was answered, by whom it was sent, and the ids of its events.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

import uvicorn

from tiktok_events.events_manager import create_app

address, certificate, kept, what = sys.argv[1:]


def now():
    ahead = Path(kept).with_name("offset")
    return time.time() + (float(ahead.read_text("ascii") or 0) if ahead.exists() else 0)


def write(*words):
    with Path(kept).open("a", encoding="ascii") as out:
        print(*words, file=out)


async def slow(scope, receive, send):
    begun, body, more = asyncio.get_running_loop().time(), b"", True
    while more:
        message = await receive()
        body += message["body"]
        more = message["more_body"]
    ids = [event["event_id"] for event in json.loads(body)["data"]]
    await asyncio.sleep(float(what) - (asyncio.get_running_loop().time() - begun))
    write(begun, asyncio.get_running_loop().time(), scope["client"][0], *ids)
    answer = b'{"code":0,"message":"OK","request_id":"r","data":{}}'
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


app = create_app(token="example-token", db=kept, allowed_hosts=[address], clock=now) if what == "manager" else slow
uvicorn.run(
    app,
    host=address,
    port=443,
    ssl_certfile=certificate,
    http="h11",
    ws="none",
    loop="asyncio",
    lifespan="off",
    log_level="warning",
)
