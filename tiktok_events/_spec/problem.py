"""A rule, and a problem: what one rule says about one field. Neither ever holds a value."""

from typing import Literal

import attrs

Severity = Literal["error", "warning"]
Effect = Literal["event", "field", "nothing"]


@attrs.frozen
class Rule:
    """One line of the rule table.

    `severity` is "error" only where TikTok refuses or the value is certainly wrong. `effect` says what a sender
    does about it: drop the "event", leave out the "field", or send it as it is ("nothing"). `source` and
    `confidence` say where the fact comes from and how sure it is (O, O2, A, 1, X, U; "-" for our own choices).
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
    """What one rule says about one field of one event, in words that never hold the value.

    `rule` is a rule id, `severity` "error" or "warning", `field` a path such as `user.phone` or
    `properties.contents[0].price`; `message` says what is wrong and `fix` how to mend it.
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
    """A value that TikTok must not get; `rule` says why. Holds no value."""

    def __init__(self, rule: str) -> None:
        self.rule = rule
        super().__init__(rule)
