"""What every test of the web half shares."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("hostile_requests")  # it asserts for the tests that ask through it
