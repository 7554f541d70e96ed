"""`Rule` (a line of the rule table), `Problem` (a rule that a field breaks), and `Refused` (an invalid value)."""

from typing import Literal

import attrs

Severity = Literal["error", "warning"]
Effect = Literal["event", "field", "nothing"]


@attrs.frozen
class Rule:
    """One line of the rule table.

    `severity` is "error" only where TikTok refuses the value or it is certainly wrong, else "warning". `effect` is what
    a sender drops: the "event", the "field", or "nothing". `source` names the source of the fact, and `confidence` is
    its mark (O, O2, A, 1, X, U; "-" for a choice of this project).
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
    """A rule that one field of an event breaks. No text of it contains the value.

    `rule` is the id of the rule, `severity` "error" or "warning", `field` a path such as `user.phone` or
    `properties.contents[0].price`. `message` describes the problem, `fix` the solution.
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
    """Raised for a value that breaks the rule with the id `rule`. The exception does not contain the value.

    `detail` replaces `{detail}` in the texts of the rule and contains no personal data. `instead` is the value to send
    after a warning; without it the field is left out.
    """

    def __init__(self, rule: str, *, detail: str = "", instead: str = "") -> None:
        self.rule, self.detail, self.instead = rule, detail, instead
        super().__init__(rule)
