"""A strict Content-Security-Policy in a real browser: the snippet and the pixel keep to it."""

from __future__ import annotations

from shopper import Counts, Visit
from truth import ALL


def test_nonce_and_hosts(visit: Visit, counts: Counts) -> None:
    """The snippet bears the nonce and `csp_sources()` names the hosts: the policy finds nothing to object to."""
    shopper = visit(csp="hosts")
    shopper.walks()

    counts(shopper, "CSP with nonce and hosts")

    assert (shopper.counted("both"), shopper.wrong, shopper.told("violation")) == (ALL, [], [])


def test_nonce_and_strict_dynamic(visit: Visit, counts: Counts) -> None:
    """No host is named for scripts: what the snippet loads is trusted because the snippet is."""
    shopper = visit(csp="strict-dynamic")
    shopper.walks()

    counts(shopper, "CSP with nonce and strict-dynamic")

    assert (shopper.counted("both"), shopper.wrong, shopper.told("violation")) == (ALL, [], [])


def test_nonce_alone(visit: Visit) -> None:
    """The snippet hands its nonce to the script it loads. TikTok's loads more, and then needs one of the two above."""
    shopper = visit(csp="nonce")
    shopper.goes("/product")

    assert (shopper.posts(), shopper.wrong, shopper.told("violation")) == ({"ViewContent": 1}, [], [])


def test_a_policy_that_forbids_it(visit: Visit) -> None:
    """A snippet without the page's nonce does not run, and the policy says so: violations are heard here."""
    shopper = visit(csp="hosts", nonce=lambda _request: None)
    shopper.has_pixel = False
    shopper.goes("/product")
    shopper.wait(lambda: bool(shopper.told("violation")))

    assert shopper.told("violation") == ["script-src-elem"]
    assert (shopper.traces().asked, shopper.posts()) == (set(), {})
