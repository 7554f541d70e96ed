"""The local Events Manager: receive what a site would send to TikTok, check it, count it, and show it.

It needs the extra `manager`; importing this package does not, only using it does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tiktok_events.errors import ConfigurationError

if TYPE_CHECKING:
    from tiktok_events.events_manager.app import create_app
    from tiktok_events.events_manager.server import RunningManager, running, serve

__all__ = ["RunningManager", "create_app", "running", "serve"]

_HOME = {"create_app": "app", "RunningManager": "server", "running": "server", "serve": "server"}
_EXTRA = frozenset({"anyio", "jinja2", "markupsafe", "starlette", "uvicorn"})


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        home = importlib.import_module(f"{__name__}.{_HOME[name]}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        raise ConfigurationError(
            "the Events Manager is not installed: run pip install 'tiktok-events[manager]'"
        ) from None
    return getattr(home, name)


def __dir__() -> list[str]:
    return list(__all__)
