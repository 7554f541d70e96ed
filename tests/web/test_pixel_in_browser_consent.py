"""The snippet before and after consent, and with Global Privacy Control. Run in node."""

from __future__ import annotations

import json
from typing import Any

import pytest
from browser_page import KEYED, PIXEL, RANDOM, browse, fields, needs_node, queued_methods, track_call, tracked
from test_pixel_markup import Rule

from tiktok_events.web._page.pixel import payload, render_pixel

pytestmark = needs_node

COOKIE = {"consent_rule": Rule("consent", {"yes"})}


@pytest.mark.parametrize(
    ("cookie", "hold", "methods"),
    [
        ("consent=yes", False, ["page"]),
        ('a=1; consent="yes"; consent=no', False, ["page"]),
        ("consent=no", True, None),
        ("consent=maybe", True, None),
        ("consent=", True, None),
        ("other=yes; xconsent=yes; consent", False, None),
        ("", False, None),
        ("", True, ["holdConsent", "page"]),
    ],
)
def test_the_page_reads_the_consent_cookie(cookie: str, hold: bool, methods: list[str] | None) -> None:
    """Granted makes all calls, any other value none; without the cookie calls are held or not made."""
    seen = browse(render_pixel(**fields(KEYED, hold_consent=hold, **COOKIE)), cookie=cookie)

    assert (None if seen["ttq"] is None else queued_methods(seen)) == methods
    assert tracked(seen) == ([] if methods is None else [track_call(KEYED)])
    assert len(seen["inserted"]) == (0 if methods is None else 1)


def test_held_calls_wait_without_a_rule() -> None:
    """holdConsent comes first. A held call may be lost with the page, so the tab does not record it."""
    seen = browse(render_pixel(**fields(KEYED, hold_consent=True)))

    assert queued_methods(seen) == ["holdConsent", "page"]
    assert tracked(seen) == [track_call(KEYED)]
    assert seen["storage"] == {}


def test_consent_in_a_banner_counts_at_once() -> None:
    """Every call reads the cookie: a late grant loads the pixel or releases its calls, a late denial revokes."""
    fire = f"tiktokEvents.fire({json.dumps(payload(RANDOM))});"
    yes, no = "document.cookie='consent=yes';" + fire, "document.cookie='consent=no';" + fire
    blocked = browse(render_pixel(**fields(**COOKIE)), fire, yes)
    held = browse(render_pixel(**fields(hold_consent=True, **COOKIE)), yes)
    revoked = browse(render_pixel(**fields(**COOKIE)), no, yes, cookie="consent=yes")

    assert queued_methods(blocked) == ["page"]
    assert queued_methods(held) == ["holdConsent", "page", "grantConsent"]
    assert queued_methods(revoked) == ["page", "revokeConsent", "grantConsent"]
    assert tracked(blocked) == tracked(held) == tracked(revoked) == [track_call(RANDOM)]


@pytest.mark.parametrize(
    ("gpc", "others", "cookie", "options"),
    [
        ("ldu", {}, "", {"limited_data_use": True}),
        ("deny", {}, "", None),
        ("ignore", {}, "", {}),
        ("ldu", COOKIE, "consent=yes", {"limited_data_use": True}),
        ("deny", COOKIE, "consent=yes", {"limited_data_use": True}),
        ("deny", {**COOKIE, "hold_consent": True}, "", None),
    ],
)
def test_the_page_follows_global_privacy_control(gpc: Any, others: Any, cookie: str, options: Any) -> None:
    """Limited data use for pixel and calls; a denial unless the cookie grants; or no effect."""
    seen = browse(render_pixel(**fields(KEYED, gpc=gpc, **others)), cookie=cookie, gpc=True)

    assert (None if seen["ttq"] is None else seen["ttq"]["options"][PIXEL]) == options
    assert [one[1].get("limited_data_use") for one in tracked(seen)] == (
        [] if options is None else [1 if options else None]
    )


def test_without_the_signal_nothing_is_limited() -> None:
    """Without the signal data use is not limited, unless the server's flag is set."""
    plain = browse(render_pixel(**fields(KEYED, gpc="deny")), gpc=False)
    flagged = browse(render_pixel(**fields(KEYED, limited_data_use=True)))

    assert plain["ttq"]["options"] == {PIXEL: {}}
    assert tracked(plain) == [track_call(KEYED)]
    assert flagged["ttq"]["options"] == {PIXEL: {"limited_data_use": True}}
    assert tracked(flagged)[0][1] == {**KEYED.params, "limited_data_use": 1}
