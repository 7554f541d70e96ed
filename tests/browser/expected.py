"""Expected counts of each situation, with the rule that each follows from.

`docs/explanation/both-channels.md` contains this table. The test session prints the table of the counts it got.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

Figures = Mapping[str, int]

FUNNEL = ("ViewContent", "AddToCart", "InitiateCheckout", "Purchase", "Lead", "Subscribe")
ALL: Figures = dict.fromkeys(FUNNEL, 1)
NONE: Figures = {}
TWICE: Figures = dict.fromkeys(FUNNEL, 2)
BEFORE: Figures = {"ViewContent": 1, "AddToCart": 1}
AFTER: Figures = {"Lead": 1, "Subscribe": 1}
UNSEEN: Figures = {name: 1 for name in FUNNEL if name != "ViewContent"}
TWO_LEADS: Figures = {**ALL, "Lead": 2}


class Counts(NamedTuple):
    """Counts of one visit by event: with one channel alone, as TikTok counts, and as many as really happened."""

    browser_alone: Figures
    server_alone: Figures
    conversions: Figures
    happened: Figures
    rule: str


EXPECTED: dict[str, Counts] = {
    "complete funnel": Counts(ALL, ALL, ALL, ALL, "one name and id on two channels is one conversion (section 5)"),
    "pixel blocked": Counts(NONE, ALL, ALL, ALL, "an event of one channel counts as it is"),
    "server 3 minutes late": Counts(ALL, ALL, ALL, ALL, "merged within 5 minutes (section 5)"),
    "server 10 minutes late": Counts(ALL, ALL, ALL, ALL, "dropped until 48 hours (section 5)"),
    "server 50 hours late": Counts(ALL, NONE, ALL, ALL, "max_event_age=48 h: a late copy is a dead letter (section 5)"),
    "server 50 hours late, no max_event_age": Counts(ALL, ALL, TWICE, ALL, "counted again after 48 hours (section 5)"),
    "thank-you page reloaded": Counts(ALL, ALL, ALL, ALL, "a keyed id is the same on every rendering (3.2)"),
    "back and forward": Counts(ALL, ALL, ALL, ALL, "an id fires once in a browser (reference 3.4)"),
    "POST, redirect, GET, reload": Counts(ALL, ALL, ALL, ALL, "the redirect cookie is used once (3.8)"),
    "payment webhook before the thank-you page": Counts(ALL, ALL, ALL, ALL, "both make the id from the key (3.2)"),
    "payment webhook after the thank-you page": Counts(ALL, ALL, ALL, ALL, "the order of arrival does not matter"),
    "payment webhook twice": Counts(ALL, ALL, ALL, ALL, "snapshots are reusable, ids come from the key (3.9)"),
    "payment webhook repeated after 3 days": Counts(ALL, ALL, ALL, ALL, "an outbox remembers keys for 28 days (section 7)"),
    "thank-you page opened after 3 days": Counts(ALL, ALL, ALL, ALL, "a browser remembers fired calls for 28 days (section 7)"),
    "thank-you page opened after 3 days in another browser": Counts(ALL, ALL, ALL, ALL, "an event of yesterday has no pixel call (3.2)"),
    "landing with a click id, purchase 20 days later": Counts(ALL, ALL, ALL, ALL, "the click is stored for 28 days (section 5)"),
    "purchase 20 days later, pixel blocked": Counts(NONE, ALL, ALL, ALL, "the server stores the click, too (section 5)"),
    "landing through a redirect": Counts(ALL, ALL, ALL, ALL, "redirects write identifier cookies too (section 5)"),
    "two tabs": Counts(ALL, ALL, ALL, ALL, "an id fires once in a browser (reference 3.4)"),
    "two leads": Counts(TWO_LEADS, TWO_LEADS, TWO_LEADS, TWO_LEADS, "keyless ids are random: nothing merges (3.2)"),
    "call in a response header, read by htmx or fetch": Counts(ALL, ALL, ALL, ALL, "the header holds the event's id (3.7)"),
    "CSP with nonce and hosts": Counts(ALL, ALL, ALL, ALL, "the snippet has the nonce, csp_sources() the hosts"),
    "CSP with nonce and strict-dynamic": Counts(ALL, ALL, ALL, ALL, "a script with the nonce may load another (CSP 3)"),
    "shop under a domain of its own": Counts(ALL, ALL, ALL, ALL, "cookies change nothing in name and id"),
    "example shop, unchanged": Counts(ALL, ALL, ALL, ALL, "the pair of each event is one conversion (section 5)"),
    "Sec-GPC": Counts(ALL, ALL, ALL, ALL, "limited data use limits the use, not the count (3.11)"),
    "Sec-GPC, denies consent": Counts(NONE, NONE, NONE, ALL, "gpc='deny' denies unknown consent (3.12)"),
    "consent denied": Counts(NONE, NONE, NONE, ALL, "nothing is sent, rendered or stored (3.11)"),
    "consent unknown": Counts(NONE, NONE, NONE, ALL, "unknown is blocked by default (3.11)"),
    "consent granted late": Counts(AFTER, AFTER, AFTER, ALL, "events before the grant are not sent (3.11)"),
    "consent revoked": Counts(BEFORE, BEFORE, BEFORE, ALL, "nothing is sent after the revocation (3.11)"),
    "consent held, then granted": Counts(ALL, UNSEEN, ALL, ALL, "pixel calls are held, server events are not sent (3.11)"),
    "consent held, then denied": Counts(NONE, NONE, NONE, ALL, "denied consent drops the held calls (3.11)"),
}  # fmt: skip
HEAD = ("situation", "browser alone", "server alone", "counted", "happened")


def row_of(situation: str, counts: Counts) -> tuple[str, ...]:
    """A row of the table, with the sums over the funnel."""
    return (situation, *(str(sum(figures.values())) for figures in counts[:4]))


def table(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """The table as lines of Markdown."""
    return [f"| {' | '.join(cells)} |" for cells in (HEAD, ("---",) * len(HEAD), *rows)]
