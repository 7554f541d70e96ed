"""Make the tables of the reference pages, as Markdown, from the tables that the code uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sphinx.pycode import ModuleAnalyzer

from tiktok_events._spec import codes, currencies, fields, names
from tiktok_events._spec import rules as table
from tiktok_events._spec.problem import Rule

KINDS = ("web", "app", "offline", "crm")
EFFECTS = {"event": "dropped", "field": "sent without it", "nothing": "sent"}
REACTIONS = {
    "ok": "nothing",
    "partial": "do not send it again",
    "credential": "stop, and fix the token or its permissions",
    "config": "stop, and fix the settings",
    "content": "find the event, deliver the others",
    "rejected": "do not retry the request",
    "rate": "wait, then retry",
    "server": "wait, then retry",
}


def tables() -> dict[str, str]:
    """Every table by the name its page uses."""
    return {
        "event_fields": field_table(fields.EVENT),
        "user_fields": field_table(fields.USER),
        "page_fields": field_table(fields.PAGE),
        "properties_fields": field_table(_without(fields.PROPERTIES, fields.TRAVEL, fields.VEHICLE)),
        "contents_fields": field_table(fields.CONTENT),
        "travel_fields": field_table(fields.TRAVEL),
        "vehicle_fields": field_table(fields.VEHICLE),
        "ad_fields": field_table(fields.AD),
        "app_fields": field_table(fields.APP_FIELDS),
        "lead_fields": field_table(fields.LEAD),
        "envelope_fields": row_table(("field", "type"), ((code(name), field.type) for name, field in fields.ENVELOPE.items())),
        "legacy_fields": row_table(
            ("found in", "key", "use"),
            ((code(where or "body"), code(key), use) for where, keys in fields.LEGACY.items() for key, use in keys.items()),
        ),
        "standard_names": listed(names.STANDARD_NAMES),
        "app_names": listed(names.APP_NAMES),
        "deprecated_names": row_table(
            ("old name", "current name"), ((code(old), code(new) if new else "none") for old, new in names.DEPRECATED_NAMES.items())
        ),
        "reserved_names": row_table(("name", "becomes"), ((code(name), code(new)) for name, new in names.RESERVED_NAMES.items())),
        "currency_codes": listed(currencies.CURRENCIES),
        "max_events": f"{fields.MAX_EVENTS:,}",
        "rules_errors": rule_table("error"),
        "rules_warnings": rule_table("warning"),
        "answer_codes": row_table(
            ("code", "meaning", "kind", "what is done", "first wait"),
            (
                (str(one.code), one.meaning, one.kind, REACTIONS[one.kind], f"{one.wait:g} s" if one.retryable else "")
                for one in codes.CODES.values()
            ),
        ),
        **{f"about_{name.lower()}": text for module in (fields, names, currencies) for name, text in sources(module.__name__).items()},
        "about_fields": fields.__doc__ or "",
        "about_codes": codes.__doc__ or "",
    }  # fmt: skip


def field_table(table: Mapping[str, fields.Field]) -> str:
    """The fields of one object: type, the event sources that document each, and whether it is hashed."""
    rows = (
        (
            code(name),
            f"{field.type}, or several" if field.many else field.type,
            "all"
            if len(field.sources) == len(KINDS)
            else ", ".join(kind for kind in KINDS if kind in field.sources),
            "SHA-256" if field.hashed else "",
        )
        for name, field in table.items()
    )
    return row_table(("field", "type", "event sources", "hashed"), rows)


def rule_table(severity: str) -> str:
    """The rules of one severity."""
    rows = (
        (
            code(rule.id),
            _gaps(f"The value {rule.message}."),
            _gaps(rule.fix),
            EFFECTS[rule.effect],
            _source(rule),
        )
        for rule in table.RULES.values()
        if rule.severity == severity
    )
    return row_table(
        ("rule", "message", "fix", "effect: the event is", "source"), rows
    )


def sources(module: str) -> dict[str, str]:
    """What the tables of *module* say of where they come from: the strings below them."""
    analyzer = ModuleAnalyzer.for_module(module)
    return {
        name: " ".join(lines).strip()
        for (_, name), lines in analyzer.find_attr_docs().items()
    }


def row_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    titles = list(head)
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |"
        for line in lines
    )


def listed(words: Iterable[str]) -> str:
    """Words in a row."""
    return ", ".join(code(word) for word in sorted(words))


def code(word: str) -> str:
    """*word* as code."""
    return f"`{word}`"


def _source(rule: Rule) -> str:
    return (
        "our choice"
        if rule.confidence == "-"
        else f"{rule.source}, {rule.confidence}"
    )


def _gaps(text: str) -> str:
    return text.replace("{detail}", "...").replace("......", "...")


def _without(
    table: Mapping[str, fields.Field], *others: Mapping[str, fields.Field]
) -> dict[str, fields.Field]:
    return {
        name: field
        for name, field in table.items()
        if not any(name in other for other in others)
    }
