"""Whether a site is on: without a token, or told to be off, it does nothing, and says so when that may be a mistake."""

from __future__ import annotations

import pytest
from web_requests import a_tracker

from tiktok_events.web import Site


def test_off_is_said_by_a_page_too(caplog: pytest.LogCaptureFixture) -> None:
    """3.12: a shop whose pages only print the pixel is told as well, once."""
    site = Site.from_env({"TIKTOK_PIXEL_CODE": "C0EXAMPLE0EXAMPLE000"})
    for _ in range(2):
        assert a_tracker(site).face.pixel() == ""

    assert ["TIKTOK" in record.getMessage() for record in caplog.records] == [True]


@pytest.mark.parametrize("value", ["0", "false", " No ", "OFF"])
def test_told_to_be_off_says_nothing(value: str, caplog: pytest.LogCaptureFixture) -> None:
    """`TIKTOK_ENABLED=0`, with a token or without."""
    code = {"TIKTOK_PIXEL_CODE": "C0EXAMPLE0EXAMPLE000", "TIKTOK_ACCESS_TOKEN": "example-token"}
    for env in ({}, code):
        site = Site.from_env({**env, "TIKTOK_ENABLED": value})

        assert a_tracker(site).face.pixel() == ""
        assert a_tracker(site).track("Lead").reason == "off"
    assert caplog.records == []
