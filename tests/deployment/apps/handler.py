"""A function that a runtime calls for each line of its input; between two lines nothing of it may run.

argv: "flush", "hope" (which does not) or "async".
"""

import asyncio
import sys

import tiktok_events as tt

source = tt.EventSource.from_env()
is_async = sys.argv[1] == "async"
tiktok = tt.BackgroundClient(tt.AsyncClient(source) if is_async else tt.Client(source))


def handler(number):
    tiktok.track(tt.Event("Purchase", event_id=number, user={"ttclid": "E.C.P.1"}))
    return tiktok.flush(5) if sys.argv[1] == "flush" else None


async def async_handler(number):
    tiktok.track(tt.Event("Purchase", event_id=number, user={"ttclid": "E.C.P.1"}))
    return await tiktok.aflush(5)


for line in sys.stdin:
    left = asyncio.run(async_handler(line.strip())) if is_async else handler(line.strip())
    print(left, file=sys.stderr, flush=True)
