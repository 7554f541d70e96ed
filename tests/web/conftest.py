"""What every test of the web half shares."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("hostile_requests")  # it asserts for the tests that ask through it


@pytest.fixture(autouse=True)
def _said_by_no_test_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is logged once a process is not used up by the tests before."""
    monkeypatch.setattr("tiktok_events._runtime.log_once._logged", set())
