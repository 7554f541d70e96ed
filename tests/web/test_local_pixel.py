"""With the API on this machine, the pixel's script comes from the same local Events Manager."""

from __future__ import annotations

import pytest

from tiktok_events.web._page.pixel import SCRIPT_URL
from tiktok_events.web._tracking.template import script_url


@pytest.mark.parametrize(
    ("api_url", "pixel_url", "expected"),
    [
        (None, None, SCRIPT_URL),
        ("http://127.0.0.1:8765/open_api/v1.3", None, "http://127.0.0.1:8765/i18n/pixel/events.js"),
        ("http://localhost:9000/open_api/v1.3/", None, "http://localhost:9000/i18n/pixel/events.js"),
        ("http://[::1]:8765/open_api/v1.3", None, "http://[::1]:8765/i18n/pixel/events.js"),
        ("https://business-api.tiktok.com/open_api/v1.3", None, SCRIPT_URL),
        ("https://proxy.example.com/open_api/v1.3", None, SCRIPT_URL),
        (
            "http://127.0.0.1:8765/open_api/v1.3",
            "https://static.example.com/events.js",
            "https://static.example.com/events.js",
        ),
    ],
)
def test_the_script_is_where_the_api_is(
    monkeypatch: pytest.MonkeyPatch, api_url: str | None, pixel_url: str | None, expected: str
) -> None:
    """Test traffic does not reach the live pixel; an address that is given is used."""
    for name, value in (("TIKTOK_API_URL", api_url), ("TIKTOK_PIXEL_URL", pixel_url)):
        if value is not None:
            monkeypatch.setenv(name, value)

    assert script_url() == expected
