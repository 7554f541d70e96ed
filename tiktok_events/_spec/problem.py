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
    """Raised for a value that breaks the rule with the id `rule`. The value itself is not kept.

    `detail` fills the placeholder of the rule's message and holds no personal data. `instead` is what is sent all the
    same, for a warning; without it the field is left out.
    """

    def __init__(self, rule: str, *, detail: str = "", instead: str = "") -> None:
        self.rule, self.detail, self.instead = rule, detail, instead
        super().__init__(rule)
