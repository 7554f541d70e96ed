"""What TikTok must count of each situation, written down before any of it is walked, beside the rule it follows from.

`docs/explanation/both-channels.md` keeps this table, and the session prints the one it counted.
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


class Truth(NamedTuple):
    """Of one walk, event by event: what each channel alone would count, what TikTok counts, and what happened."""

    browser_alone: Figures
    server_alone: Figures
    conversions: Figures
    true: Figures
    rule: str


EXPECTED: dict[str, Truth] = {
    "the whole funnel": Truth(ALL, ALL, ALL, ALL, "one name and id on two channels is one conversion (section 5)"),
    "pixel blocked": Truth(NONE, ALL, ALL, ALL, "an event of one channel counts as it is"),
    "server 3 minutes late": Truth(ALL, ALL, ALL, ALL, "merged within 5 minutes (section 5)"),
    "server 10 minutes late": Truth(ALL, ALL, ALL, ALL, "dropped until 48 hours (section 5)"),
    "server 50 hours late": Truth(ALL, ALL, TWICE, ALL, "counted again after 48 hours (section 5)"),
    "thank-you page reloaded": Truth(ALL, ALL, ALL, ALL, "a keyed id is the same on every rendering (3.2)"),
    "back and forward": Truth(ALL, ALL, ALL, ALL, "an id fires once in a tab (reference 3.4)"),
    "POST, redirect, GET, reload": Truth(ALL, ALL, ALL, ALL, "the redirect cookie is used once (3.8)"),
    "payment webhook before the thank-you page": Truth(ALL, ALL, ALL, ALL, "both make the id from the key (3.2)"),
    "payment webhook after the thank-you page": Truth(ALL, ALL, ALL, ALL, "the order of arrival does not matter"),
    "payment webhook twice": Truth(ALL, ALL, ALL, ALL, "snapshots are reusable, ids come from the key (3.9)"),
    "landing with a click id, purchase 20 days later": Truth(ALL, ALL, ALL, ALL, "the click is kept 28 days (section 5)"),
    "the same, pixel blocked": Truth(NONE, ALL, ALL, ALL, "the server keeps the click too (section 5)"),
    "landing through a redirect": Truth(ALL, ALL, ALL, ALL, "redirects write identifier cookies too (section 5)"),
    "two tabs": Truth(ALL, ALL, ALL, ALL, "a tab knows nothing of the other; the id does"),
    "two leads": Truth(TWO_LEADS, TWO_LEADS, TWO_LEADS, TWO_LEADS, "keyless ids are random: nothing merges (3.2)"),
    "told in a header, read by htmx or fetch": Truth(ALL, ALL, ALL, ALL, "the header holds the event's id (3.7)"),
    "CSP with nonce and hosts": Truth(ALL, ALL, ALL, ALL, "the snippet bears the nonce, csp_sources() the hosts"),
    "CSP with nonce and strict-dynamic": Truth(ALL, ALL, ALL, ALL, "a script with the nonce may load another (CSP 3)"),
    "shop under a domain of its own": Truth(ALL, ALL, ALL, ALL, "cookies change nothing in name and id"),
    "an example shop, as it stands": Truth(ALL, ALL, ALL, ALL, "the pair of each event is one conversion (section 5)"),
    "Sec-GPC": Truth(ALL, ALL, ALL, ALL, "limited data use limits the use, not the count (3.11)"),
    "Sec-GPC, taken as a no": Truth(NONE, NONE, NONE, ALL, "it denies where nobody was asked (3.12)"),
    "consent denied": Truth(NONE, NONE, NONE, ALL, "nothing is sent, rendered or kept (3.11)"),
    "consent not asked yet": Truth(NONE, NONE, NONE, ALL, "unknown is blocked by default (3.11)"),
    "consent granted late": Truth(AFTER, AFTER, AFTER, ALL, "what came before the grant is not sent (3.11)"),
    "consent revoked": Truth(BEFORE, BEFORE, BEFORE, ALL, "from the revocation on nothing is sent (3.11)"),
    "consent held, then granted": Truth(ALL, UNSEEN, ALL, ALL, "the browser's calls wait, the server's are not sent (3.11)"),
    "consent held, then denied": Truth(NONE, NONE, NONE, ALL, "what waited is dropped by the no (3.11)"),
}  # fmt: skip
HEAD = ("situation", "browser alone", "server alone", "counted", "true")


def row_of(situation: str, truth: Truth) -> tuple[str, ...]:
    """One line of the table: sums over the funnel."""
    return (situation, *(str(sum(figures.values())) for figures in truth[:4]))


def table(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """The lines of the table in Markdown."""
    return [f"| {' | '.join(cells)} |" for cells in (HEAD, ("---",) * len(HEAD), *rows)]
