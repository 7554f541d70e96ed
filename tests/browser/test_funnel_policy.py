"""The snippet and the pixel under a strict Content-Security-Policy in a real browser."""

from __future__ import annotations

from expected import ALL
from shopper import CheckCounts, Visit


def test_nonce_and_hosts(visit: Visit, check_counts: CheckCounts) -> None:
    """The snippet has the nonce and `csp_sources()` names the hosts: there is no violation."""
    shopper = visit(csp="hosts")
    shopper.complete_funnel()

    check_counts(shopper, "CSP with nonce and hosts")

    assert (shopper.manager_counts("both"), shopper.errors, shopper.page_reports("violation")) == (ALL, [], [])


def test_nonce_and_strict_dynamic(visit: Visit, check_counts: CheckCounts) -> None:
    """No host is named for scripts: the trusted snippet may load the pixel's script."""
    shopper = visit(csp="strict-dynamic")
    shopper.complete_funnel()

    check_counts(shopper, "CSP with nonce and strict-dynamic")

    assert (shopper.manager_counts("both"), shopper.errors, shopper.page_reports("violation")) == (ALL, [], [])


def test_nonce_alone(visit: Visit) -> None:
    """The snippet gives its nonce to the script it loads. TikTok's script loads more and needs one of the other policies."""
    shopper = visit(csp="nonce")
    shopper.goto("/product")

    assert (shopper.browser_posts(), shopper.errors, shopper.page_reports("violation")) == ({"ViewContent": 1}, [], [])


def test_a_policy_that_forbids_it(visit: Visit) -> None:
    """A snippet without the page's nonce does not run, and the violation is reported."""
    shopper = visit(csp="hosts", nonce=lambda _request: None)
    shopper.has_pixel = False
    shopper.goto("/product")
    shopper.wait(lambda: bool(shopper.page_reports("violation")))

    assert shopper.page_reports("violation") == ["script-src-elem"]
    assert (shopper.traces().requested, shopper.browser_posts()) == (set(), {})
