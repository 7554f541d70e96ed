"""The page of the torture suite and the suite say the same."""

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "explanation" / "torture.md").read_text("utf-8")
SUITE = ROOT / "tests" / "torture"
CASES = runpy.run_path(str(SUITE / "cases.py"))["CASES"]


def rows(heading):
    """The cells of the table below a heading, less its head."""
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    lines = re.findall(r"^\| (.*) \|$", section, re.MULTILINE)
    lines = [line for line in lines if not set(line) <= set("-: |")]
    return [[cell.strip() for cell in line.split(" | ")] for line in lines[1:]]


def test_the_page_says_what_each_case_does():
    """In the suite's own words and order."""
    assert rows("What is done") == [list(case) for case in CASES.items()]


def test_the_page_has_a_row_for_every_case():
    """Of the suite's last long run, in the same order, and nothing is missing in any."""
    told = rows("What became of it")

    assert list(dict.fromkeys(row[0] for row in told)) == list(CASES)
    assert [row for row in told if row[7] != "0"] == []
    assert {row[1] for row in told} == {"memory", "sqlite", "redis"}


def test_accounts_on_the_page_add_up():
    """What was accepted was counted or is dead, in every row."""
    for case, outbox, accepted, counted, _doubles, dead, _memory, _missing, _seconds in rows("What became of it"):
        numbers = [int(cell.replace(",", "")) for cell in (accepted, counted, dead)]

        assert numbers[0] == numbers[1] + numbers[2], (case, outbox)
