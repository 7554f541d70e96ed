"""The environment variables of an app that reports to a local Events Manager, ready to copy for each shell."""

from __future__ import annotations

from collections.abc import Mapping

EXAMPLE_PIXEL_CODE = "CLOCALTEST0000000000"
EXAMPLE_TOKEN = "local"  # noqa: S105 - the manager accepts any token


def local_variables(address: str, pixel_code: str | None = None) -> dict[str, str]:
    """The variables of an app that reports to the Events Manager at *address* (scheme, host and port)."""
    return {
        "TIKTOK_API_URL": f"{address}/open_api/v1.3",
        "TIKTOK_PIXEL_URL": f"{address}/i18n/pixel/events.js",
        "TIKTOK_PIXEL_CODE": pixel_code or EXAMPLE_PIXEL_CODE,
        "TIKTOK_ACCESS_TOKEN": EXAMPLE_TOKEN,
    }


def by_shell(variables: Mapping[str, str]) -> dict[str, list[str]]:
    """The lines that set *variables* in bash (and zsh), in a `.env` file, and in PowerShell."""
    return {
        "bash, zsh": [f"export {name}={value}" for name, value in variables.items()],
        ".env file": [f"{name}={value}" for name, value in variables.items()],
        "PowerShell": [f'$env:{name} = "{value}"' for name, value in variables.items()],
    }
