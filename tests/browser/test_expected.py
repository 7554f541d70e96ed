"""The table of truth: the documentation's, the one written down before, and the one that was counted are the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from truth import EXPECTED, row_of, table

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "both-channels.md"


def kept() -> list[str]:
    """The lines of the page's table."""
    return [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("|")]


def test_the_page_has_the_table() -> None:
    """What people read is what the walks must come to."""
    assert kept() == table(row_of(situation, truth) for situation, truth in EXPECTED.items())


def test_the_table_was_counted(request: pytest.FixtureRequest, walked: dict[tuple[str, ...], set[str]]) -> None:
    """Each row of the page was walked in the Flask and the Starlette shop, and nothing else was counted."""
    collected = {item.path for item in request.session.items}
    if not collected >= set(Path(__file__).parent.glob("test_funnel*.py")) or request.config.option.keyword:
        pytest.skip("not all walks belong to this run")

    order = list(EXPECTED)
    assert table(sorted(walked, key=lambda row: order.index(row[0]))) == kept()
    assert {row[0] for row, shops in walked.items() if not {"flask", "starlette"} <= shops} == set()
