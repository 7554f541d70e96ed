"""Track events one by one and end, without a word of goodbye. argv: how many, and what their names begin with."""

import logging
import sys

import tracked

logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
background = tracked.background()
for number in range(int(sys.argv[1])):
    tracked.track(background, [f"{sys.argv[2] if len(sys.argv) > 2 else 'e'}{number}"])
