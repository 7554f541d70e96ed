"""A real browser on a page of this machine, beside a manager that serves the pixel's stand-in.

`nox -s browser` runs these. Without TIKTOK_EVENTS_BROWSER=1 in the environment they are not even collected: they need
Chromium, and playwright's own loop in the main thread.
"""

from __future__ import annotations

import os

collect_ignore_glob = [] if os.environ.get("TIKTOK_EVENTS_BROWSER") == "1" else ["*"]
