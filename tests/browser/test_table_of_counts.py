"""The table of counts: the documented, the expected and the counted one are the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from expected import EXPECTED, row_of, table

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "both-channels.md"


def documented_table() -> list[str]:
    """The lines of the page's table."""
    return [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("|")]


def test_the_page_has_the_table() -> None:
    """The documentation has the expected counts."""
    assert documented_table() == table(row_of(situation, counts) for situation, counts in EXPECTED.items())


def test_the_table_was_counted(request: pytest.FixtureRequest, counted_rows: dict[tuple[str, ...], set[str]]) -> None:
    """Each row was counted in the Flask and in the Starlette shop, and there are no other rows."""
    collected = {item.path for item in request.session.items}
    if not collected >= set(Path(__file__).parent.glob("test_funnel*.py")) or request.config.option.keyword:
        pytest.skip("this run does not have all visits")

    order = list(EXPECTED)
    assert table(sorted(counted_rows, key=lambda row: order.index(row[0]))) == documented_table()
    assert {row[0] for row, shops in counted_rows.items() if not {"flask", "starlette"} <= shops} == set()
