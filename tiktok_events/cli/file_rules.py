"""Rules for lines of a file that cannot be read as an event, and problems from them."""

from __future__ import annotations

from tiktok_events._events.normalize.values import UnknownField, WrongType
from tiktok_events._spec.fields import LEGACY, replacement
from tiktok_events._spec.problem import Problem, Rule
from tiktok_events._spec.rules import RULES
from tiktok_events._spec.rules import problem as core_problem

_SOURCE = "tiktok-events"


def _rule(name: str, message: str, fix: str) -> Rule:
    return Rule(name, "error", "event", message, fix, _SOURCE, "-")


FILE_RULES: dict[str, Rule] = {
    rule.id: rule
    for rule in (
        _rule("line-not-utf8", "is not UTF-8 text", "Save the file as UTF-8 (in a spreadsheet: CSV UTF-8), or name its encoding: --encoding cp1252 for Western Europe, cp1250 for Central Europe."),
        _rule("line-not-encoded", "cannot be decoded as {detail}", "Give the encoding of the file with --encoding, such as cp1252, cp1250 or utf-16."),
        _rule("line-too-long", "is longer than 1 MB", "Write one event per line."),
        _rule("csv-quotes", "is not a CSV record: a quote is not closed or is misplaced", "Put cells with quotes or line breaks in quotes, and double each quote inside."),
        _rule("csv-cells", "has {detail}", "Quote cells that contain the delimiter. A line with too few cells was cut off: export it again."),
        _rule("cell-json", "is not valid JSON", "Write a JSON list or object in the cell, such as [{\"content_id\": \"sku-1\", \"price\": 9.5}]."),
        _rule("cell-boolean", "is neither true nor false", "Write true or false."),
        _rule("cell-decimal-comma", "has a decimal comma", "Use --decimal-comma if all numbers of the file have one; else write a decimal point."),
        _rule("line-is-body", "is a whole request body", "Write each item of its data on a line of its own. To check bodies, use tiktok-events lint."),
        _rule("time-malformed", "is not a time in Unix seconds, ISO 8601 or the format of --date-format", "Write a time such as 1767225600 or 2026-01-01T00:00:00+00:00, or give its format: --date-format '%d.%m.%Y %H:%M'."),
        _rule("time-without-zone", "has no time zone", "Add the UTC offset, such as +01:00, or use --timezone, such as --timezone Europe/Berlin."),
        _rule("id-empty", "is present but empty", "Give the order number, or remove the field: the id is then derived from the line."),
        _rule("key-and-event-id", "is given together with key, from which an event_id is derived", "Remove key or event_id."),
        _rule("item-unusable", "contains a value that cannot be sent", "In extra, use plain JSON without TikTok's own field names, nested at most 20 levels deep."),
    )
}  # fmt: skip
"""The rules for files by id. `lint --rules` lists them after the rules of the core."""

ALL_RULES: dict[str, Rule] = RULES | FILE_RULES
"""All rules that the command line reports."""


def problem(rule: str, field: str, detail: str = "") -> Problem:
    """Make the problem of *field* for the rule with id *rule*, of the core or of `FILE_RULES`."""
    if rule in RULES:
        return core_problem(rule, field, detail)
    file_rule = FILE_RULES[rule]
    return Problem(rule, "error", field, file_rule.message.replace("{detail}", detail), file_rule.fix)


def problem_from_error(error: Exception) -> Problem:
    """Make the problem of a line from the *error* that a constructor raised.

    In code such an error is a programmer's mistake; in a file it is a problem of one line. The text of an error may
    contain a value of the file, so it is used only for the error types whose text never does.
    """
    if isinstance(error, WrongType):
        return core_problem("wrong-type", _shown_path(error.field), error.expected)
    if isinstance(error, UnknownField):
        return _unknown(error)
    return problem("item-unusable", "event")


def _unknown(error: UnknownField) -> Problem:
    where, _, key = error.field.partition(".")
    legacy = LEGACY.get(where, {}).get(key)
    if legacy is not None:
        return core_problem("legacy-field", _shown_path(error.field), replacement(legacy))
    # TikTok would accept and ignore the field, so a file has to name it in `extra`.
    hint = str(error).partition("; did you mean ")[2].partition("?")[0]
    shown = hint if hint.isascii() and hint.replace("_", "").replace(".", "").isalnum() else ""
    return core_problem(
        "unknown-field", _shown_path(error.field), f"; the closest name is {shown}" if shown else "", "error"
    )


def _shown_path(field: str) -> str:
    # Top-level fields have no prefix on the wire. A key that is not an identifier may hold any text: it is not shown.
    path = field.removeprefix("event.")
    *parents, key = path.split(".")
    plain = key.partition("[")[0]
    shown = key if plain.isascii() and plain.isidentifier() and len(key) <= 40 else "(a key)"
    shown_parents = [one for one in parents if one.isascii() and one.replace("[", "").replace("]", "").isidentifier()]
    return ".".join([*shown_parents, shown])
