"""Track until killed, or until there is enough, and wait for the end. argv: what the names begin with, "deliver" or "put", the most events, the longest pause.

Calls bring 1 to 30 events, with a pause between them.
"""

import random
import sys
import time

import tracked

name, what, most, pause = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
background = tracked.background(deliver=what == "deliver")
number = 0
while number < most and not (tracked.FOLDER / "enough").exists():
    many = min(random.randint(1, 30), most - number)
    tracked.track(background, [f"{name}-{n}" for n in range(number, number + many)])
    number += many
    time.sleep(random.uniform(0, pause))
while not (tracked.FOLDER / "end").exists():
    time.sleep(0.01)
