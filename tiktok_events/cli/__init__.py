"""The command line `tiktok-events`. This module runs without the extra `cli`, and says how to install it."""

from __future__ import annotations

import importlib.util
import sys

_NEEDED = {
    "cli": ("click", "rich"),
    "flask": ("flask", "tiktok_events_flask"),
    "manager": ("jinja2", "starlette", "uvicorn"),
}

_PARTS = {"cli": "The command line", "flask": "The Flask adapter", "manager": "The Events Manager"}


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
    return f"{_PARTS[extra]} is not installed ({', '.join(missing)} missing). Run: pip install 'tiktok-events[{extra}]'"
