"""The command line, `tiktok-events`. Needs the extra `cli`; this module alone does not, so that it can say so."""

from __future__ import annotations

import importlib.util
import sys

_NEEDED = {
    "cli": ("click", "rich"),
    "flask": ("flask", "tiktok_events_flask"),
    "manager": ("jinja2", "starlette", "uvicorn"),
}


def main() -> None:
    """Run `tiktok-events`."""
    missing = advice("cli")
    if missing:
        sys.stderr.write(f"{missing}\n")
        sys.exit(2)
    from tiktok_events.cli.app import app

    app(prog_name="tiktok-events")


def advice(extra: str) -> str | None:
    """How to install *extra* if a package of it is missing, else None."""
    missing = [name for name in _NEEDED[extra] if importlib.util.find_spec(name) is None]
    if not missing:
        return None
    return f"This needs {' and '.join(missing)}, which the extra {extra} brings:\n\n    pip install 'tiktok-events[{extra}]'\n"
