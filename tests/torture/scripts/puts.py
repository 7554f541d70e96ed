"""Put events for a worker to deliver. argv: how many, and names of further ones."""

import sys

import tracked

number = int(sys.argv[1])
with tracked.background(deliver=False) as background:
    for start in range(0, number, 100):
        tracked.track(background, [f"put-{n}" for n in range(start, min(start + 100, number))])
    tracked.track(background, sys.argv[2:])
