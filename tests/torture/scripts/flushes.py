"""Track events in one call, wait until they are settled, and print the counts as JSON.

argv: how many, the seconds to wait at most, and names of further events among them.
"""

import json
import logging
import sys

import attrs
import tracked

logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
number, seconds, *further = sys.argv[1:]
names = [f"e{n}" for n in range(int(number))]
with tracked.background() as background:
    tracked.track(background, [*names[: len(names) // 2], *further, *names[len(names) // 2 :]])
    left = background.flush(float(seconds))
    tracked.write("dead", [letter.record.event_id for letter in background.outbox.dead()])
    print(json.dumps({"left": left, **attrs.asdict(background.stats())}))
