"""What an import costs: fresh processes, timed inside and out."""

from __future__ import annotations

import subprocess
import sys
import time

import interleave as il

_TIMED = "import time; start = time.perf_counter(); {0}; print(time.perf_counter() - start)"
_LATE = ("ssl", "asyncio", "httpx", "http.client", "tenacity", "sqlite3", "phonenumbers", "urllib.request")


def _python(code: str) -> str:
    return subprocess.run([sys.executable, "-P", "-c", code], check=True, capture_output=True, text=True).stdout


def run(rounds: int = 15) -> None:
    """Print the table: milliseconds inside the process, and of the whole process."""
    statements = {
        "bare python": "pass",
        "attrs": "import attrs",
        "import tiktok_events": "import tiktok_events",
        "... and tt.Event": "import tiktok_events as tt; tt.Event",
        "... tt.BackgroundClient": "import tiktok_events as tt; tt.BackgroundClient",
        "segment.analytics": "import segment.analytics",
        "posthog": "import posthog",
        "facebook-business Conversions API": "from facebook_business.adobjects.serverside import event_request",
    }
    inside = {name: il.Candidate(name, list) for name in statements}
    whole = {name: il.Candidate(name, list) for name in statements}
    for turn in range(rounds + 1):
        for name, statement in statements.items():
            start = time.perf_counter()
            took = float(_python(_TIMED.format(statement)))
            if turn:  # the first round writes byte code
                inside[name].times.append(took)
                whole[name].times.append(time.perf_counter() - start)
    rows = []
    for name, one in inside.items():
        above = one.above(inside["attrs"]) * 1e3
        ours = name in {"import tiktok_events", "... and tt.Event"}
        budget, word = ("<= attrs + 40 ms (28)", il.verdict(above, 40, 28)) if ours else ("", "")
        ratio = f"attrs {above:+.0f} ms" if name not in {"bare python", "attrs"} else ""
        rows.append(
            il.Row(f"{name} (whole process {whole[name].median * 1e3:.0f} ms)", one.median * 1e3, ratio, budget, word)
        )
    il.show("Import, in a fresh process", rows, "ms")
    loaded = _python(
        f"import sys, tiktok_events as tt; tt.Event; print(*[m for m in {_LATE!r} if m in sys.modules])"
    ).strip()
    print(f"loaded too early by tt.Event: {loaded or 'nothing'}")
