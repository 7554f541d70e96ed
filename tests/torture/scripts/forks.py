"""Fork before or after the first event; parent and child both track and end. argv: "before" or "after"."""

import os
import sys

import tracked

background = tracked.background()
if sys.argv[1] == "after":
    for number in range(30):
        tracked.track(background, [f"early-{number}"])
child = os.fork()
for number in range(60):
    tracked.track(background, [f"{'parent' if child else 'child'}-{number}"])
if child:
    _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status))
