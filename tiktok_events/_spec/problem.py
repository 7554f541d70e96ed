"""`Rule`, a line of the rule table, and `Problem`, one rule broken by one field. Neither holds a value."""

from typing import Literal

import attrs

Severity = Literal["error", "warning"]
Effect = Literal["event", "field", "nothing"]


@attrs.frozen
class Rule:
    """One line of the rule table.

    `severity` is "error" only where TikTok refuses or the value is certainly wrong. `effect` says what a sender
    drops: the "event", the "field", or "nothing". `source` names the source of the fact and
    `confidence` is its mark (O, O2, A, 1, X, U; "-" for our own choices).
    """

    id: str
    severity: Severity
    effect: Effect
    message: str
    fix: str
    source: str
    confidence: str


@attrs.frozen
class Problem:
    """One rule that is broken by one field of one event. Its text never holds the value.

    `rule` is a rule id, `severity` "error" or "warning", `field` a path such as `user.phone` or
    `properties.contents[0].price`; `message` says what is wrong and `fix` how to fix it.
    """

    rule: str
    severity: Severity
    field: str
    message: str
    fix: str

    def __str__(self) -> str:
        return (
            f"{self.field}: {self.message} ({self.rule}). {self.fix}" if self.fix else f"{self.message} ({self.rule})"
        )


class Refused(ValueError):
    """Raised for a value that must not be sent. `rule` is the id of the broken rule; the value is not kept."""

    def __init__(self, rule: str) -> None:
        self.rule = rule
        super().__init__(rule)
