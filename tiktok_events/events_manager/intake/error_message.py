"""TikTok's error message for a request with problems, such as `Batch.0.event: Missing data for required field`."""

from __future__ import annotations

import re

from tiktok_events._checks.body import BodyReport
from tiktok_events._spec.problem import Problem

_INDEX = re.compile(r"\[([0-9]+)\]")

_TIKTOK_WORDING = {
    "must be a JSON string": "Not a valid string",
    "must be a JSON number": "Not a valid number",
    "must be a whole JSON number": "Not a valid integer",
    "must be true or false": "Not a valid boolean",
    "must be a list of JSON strings": "Not a valid list",
    "must be a list of JSON objects": "Not a valid list",
    "must be a JSON object": "Not a valid mapping type",
}
"""The rule table's messages about types, and TikTok's ("Not a valid string" is recorded)."""

_MISSING = frozenset({"event-missing", "event-time-missing", "source-id-missing", "app-id-missing"})


def error_message(report: BodyReport) -> str | None:
    """Return TikTok's message for the first error in *report*, None without errors. It never has the wrong value."""
    return next((_message(problem) for problem in report.problems if problem.severity == "error"), None)


def _message(problem: Problem) -> str:
    field = _INDEX.sub(r".\1", problem.field)
    field = f"Batch{field.removeprefix('data')}" if field.startswith("data.") else field
    if problem.rule in _MISSING:
        return f"{field}: Missing data for required field"
    return f"{field}: {_TIKTOK_WORDING.get(problem.message, problem.message)}"
