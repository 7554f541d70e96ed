"""Rules of the command line: what can be wrong with a line of a file before it is an event."""

from __future__ import annotations

from tiktok_events._events.normalize.values import UnknownField, WrongType
from tiktok_events._spec.fields import LEGACY
from tiktok_events._spec.problem import Problem, Rule
from tiktok_events._spec.rules import RULES
from tiktok_events._spec.rules import problem as core_problem

_OURS = "tiktok-events"


def _rule(name: str, message: str, fix: str) -> Rule:
    return Rule(name, "error", "event", message, fix, _OURS, "-")


FILE_RULES: dict[str, Rule] = {
    rule.id: rule
    for rule in (
        _rule("line-not-utf8", "is not UTF-8 text", "Save the file as UTF-8; in a spreadsheet choose CSV UTF-8."),
        _rule("line-too-long", "is longer than 1 MB", "Write one event a line."),
        _rule("csv-quotes", "is no CSV record: a quote is not closed or stands where none may", "Put cells with quotes or line breaks in quotes, and double each quote inside."),
        _rule("csv-cells", "has {detail}", "Quote cells that hold the delimiter; a line cut short was not exported whole."),
        _rule("cell-json", "is not the JSON that this column takes", "Write a JSON list or object in the cell, such as [{\"content_id\": \"sku-1\", \"price\": 9.5}]."),
        _rule("cell-boolean", "is neither true nor false", "Write true or false."),
        _rule("line-is-body", "is a whole request body", "Write one item of its data a line. To check bodies, use tiktok-events lint."),
        _rule("time-malformed", "is neither Unix seconds nor a date in ISO 8601", "Write 1767225600 or 2026-01-01T00:00:00+00:00."),
        _rule("time-without-zone", "has no time zone", "Add its offset, such as +01:00, or give --timezone, such as Europe/Berlin."),
        _rule("id-empty", "is there and empty", "Give the order's number, or leave it out to get an id made from the line."),
        _rule("key-and-event-id", "gives both key and event_id, and key makes the event_id", "Keep one of them."),
        _rule("item-unusable", "holds what no event can hold", "Give extra plain JSON without TikTok's own field names, nested at most 20 levels."),
    )
}  # fmt: skip
"""The rules of files by id; `lint --rules` lists them behind those of the core."""

ALL_RULES: dict[str, Rule] = RULES | FILE_RULES
"""Every rule that the command line can name."""


def problem(rule: str, field: str, detail: str = "") -> Problem:
    """The problem of *field* with *rule*, a rule of the core or of the command line."""
    if rule in RULES:
        return core_problem(rule, field, detail)
    found = FILE_RULES[rule]
    return Problem(rule, "error", field, found.message.replace("{detail}", detail), found.fix)


def problem_of(error: Exception) -> Problem:
    """The problem that a constructor's *error* means for its line.

    In code these are mistakes and raise; in a file they belong to the line. The text of an error may hold a value, so
    only errors whose text never does are used.
    """
    if isinstance(error, WrongType):
        return core_problem("wrong-type", _path(error.field), error.wanted)
    if isinstance(error, UnknownField):
        return _unknown(error)
    return problem("item-unusable", "event")


def _unknown(error: UnknownField) -> Problem:
    where, _, key = error.field.partition(".")
    legacy = LEGACY.get(where, {}).get(key)
    if legacy:
        return core_problem("legacy-field", _path(error.field), legacy)
    # TikTok would accept and ignore the field, so a file has to name it in `extra`.
    hint = str(error).partition("; did you mean ")[2].partition("?")[0]
    shown = hint if hint.isascii() and hint.replace("_", "").replace(".", "").isalnum() else ""
    return core_problem("unknown-field", _path(error.field), f"; it reads like {shown}" if shown else "", "error")


def _path(field: str) -> str:
    # An event's own fields have no prefix on the wire; a key that is no name may be anything, so it is not shown.
    path = field.removeprefix("event.")
    *places, key = path.split(".")
    plain = key.partition("[")[0]
    shown = key if plain.isascii() and plain.isidentifier() and len(key) <= 40 else "(a key)"
    kept = [one for one in places if one.isascii() and one.replace("[", "").replace("]", "").isidentifier()]
    return ".".join([*kept, shown])
