"""When a site is on: without a token, or turned off, it does nothing; a possible mistake is logged."""

from __future__ import annotations

import logging

import pytest
from web_requests import NOW, a_site, a_tracker

import tiktok_events as tt
from tiktok_events.web import Site, TemplateVariable


def test_off_sends_nothing_and_logs_it_once(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """3.12: without a token the site renders and sends nothing, and one line is logged."""
    site = Site.from_env(clock=lambda: NOW)
    trackers = [a_tracker(site) for _ in range(3)]
    with caplog.at_level(logging.INFO, "tiktok_events"):
        tracked = [tracker.track("Purchase", key=1) for tracker in trackers]

    assert {one.reason for one in tracked} == {"off"}
    assert [TemplateVariable(tracker).pixel() for tracker in trackers] == [""] * 3
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "TIKTOK_PIXEL_CODE" in caplog.text
    assert not TemplateVariable(trackers[0]).enabled
    assert trackers[0].cookies(is_page=True) == []


def test_turned_off_logs_nothing(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """`TIKTOK_ENABLED=0` and `enabled=False` are no mistake."""
    monkeypatch.setenv("TIKTOK_ENABLED", "0")
    site = Site.from_env()

    assert site.off_reason is None
    assert a_tracker(site).track("Purchase").reason == "off"
    assert a_tracker(a_site(enabled=False)).track("Purchase").reason == "off"
    assert caplog.records == []


def test_a_site_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """With pixel code and token it is on, and makes a client that starts with the first event."""
    monkeypatch.setenv("TIKTOK_PIXEL_CODE", "C0EXAMPLE0EXAMPLE000")
    monkeypatch.setenv("TIKTOK_ACCESS_TOKEN", "example-token")
    monkeypatch.setenv("TIKTOK_SECRET_KEY", "a secret of the tests")
    outbox = tt.MemoryOutbox()
    site = Site.from_env(outbox=outbox)

    assert a_tracker(site).enabled
    assert isinstance(site.event_client(), tt.BackgroundClient)
    assert site.event_client() is site.event_client()
    assert site.redirect_signer
    site.close(0.1)


def test_off_is_logged_by_a_page_too(caplog: pytest.LogCaptureFixture) -> None:
    """3.12: also for a shop whose pages only render the pixel, once."""
    site = Site.from_env({"TIKTOK_PIXEL_CODE": "C0EXAMPLE0EXAMPLE000"})
    for _ in range(2):
        assert TemplateVariable(a_tracker(site)).pixel() == ""

    assert ["TIKTOK" in record.getMessage() for record in caplog.records] == [True]


@pytest.mark.parametrize("value", ["0", "false", " No ", "OFF"])
def test_turned_off_by_any_spelling_logs_nothing(value: str, caplog: pytest.LogCaptureFixture) -> None:
    """`TIKTOK_ENABLED=0`, with or without a token."""
    code = {"TIKTOK_PIXEL_CODE": "C0EXAMPLE0EXAMPLE000", "TIKTOK_ACCESS_TOKEN": "example-token"}
    for env in ({}, code):
        site = Site.from_env({**env, "TIKTOK_ENABLED": value})

        assert TemplateVariable(a_tracker(site)).pixel() == ""
        assert a_tracker(site).track("Lead").reason == "off"
    assert caplog.records == []
