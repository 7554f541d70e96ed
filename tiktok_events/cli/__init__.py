"""The command line `tiktok-events`. This module runs without the extra `cli`, and says how to install it."""

from __future__ import annotations

import importlib.util
import sys

_EXTRA_PACKAGES = {
    "cli": ("click", "rich"),
    "flask": ("flask", "tiktok_events_flask"),
    "manager": ("jinja2", "starlette", "uvicorn"),
}

_EXTRA_TITLES = {"cli": "The command line", "flask": "The Flask adapter", "manager": "The Events Manager"}


def main() -> None:
    """Run `tiktok-events`."""
    missing = install_hint("cli")
    if missing:
        sys.stderr.write(f"{missing}\n")
        sys.exit(2)
    from tiktok_events.cli.app import app

    app(prog_name="tiktok-events")


def install_hint(extra: str) -> str | None:
    """Return how to install *extra* if one of its packages is missing, else None."""
    if all(importlib.util.find_spec(name) for name in _EXTRA_PACKAGES[extra]):
        return None
    return f"{_EXTRA_TITLES[extra]} is not installed. Run: pip install 'tiktok-events[{extra}]'"
