"""The page of the resilience suite has a row for every case of the suite."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "explanation" / "resilience.md").read_text("utf-8")


def cases():
    """Name and expectation of every test that is marked `case`."""
    for path in sorted((ROOT / "tests" / "resilience").glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.case":
                yield tuple(ast.literal_eval(argument) for argument in node.args)


def test_the_page_shows_every_case():
    """With the expectation that the test has."""
    rows = {
        tuple(cell.strip() for cell in line.split(" | ")) for line in re.findall(r"^\| (.*) \|$", PAGE, re.MULTILINE)
    }
    shown = {(name, expected) for name, _, expected, _ in rows} - {("case", "expected"), ("---", "---")}

    assert shown == set(cases())
