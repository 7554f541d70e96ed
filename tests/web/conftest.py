"""Fixtures for all tests of the web half."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("hostile_requests")  # its functions contain assertions


@pytest.fixture(autouse=True)
def _nothing_logged_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reset `log_once`, so that earlier tests suppress no message."""
    monkeypatch.setattr("tiktok_events._runtime.log_once._repeats", {})
