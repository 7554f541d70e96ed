"""The pixel script substitute: its cookies."""

from __future__ import annotations

import re
import time

import pytest
from pages import CLICK, LOAD, Tab


def test_cookies(tab: Tab) -> None:
    """The pixel's cookies, with their lifetimes and attributes."""
    tab.open(f"{LOAD} ttq.page();", f"/?ttclid={CLICK}")
    (body,) = tab.wait_for_bodies(1)
    cookies, now = tab.cookies(), time.time()

    assert set(cookies) == {"_ttp", "_tt_enable_cookie", "ttclid"}
    assert cookies["_tt_enable_cookie"]["value"] == "1"
    assert re.fullmatch(r"[A-Za-z0-9._-]{20,256}", cookies["_ttp"]["value"])
    assert abs(cookies["_ttp"]["expires"] - now - 390 * 86400) < 60
    assert abs(cookies["ttclid"]["expires"] - now - 86400) < 60
    click, written = re.fullmatch(r"(.*)\.(\d{13})", cookies["ttclid"]["value"]).groups()  # type: ignore[union-attr]
    assert click == CLICK
    assert abs(int(written) / 1000 - now) < 60
    for cookie in cookies.values():
        assert (cookie["path"], cookie["domain"], cookie["httpOnly"], cookie["secure"]) == (
            "/",
            "127.0.0.1",
            False,
            False,
        )
    assert (body["context"]["ad"], body["context"]["user"]["ttp"]) == ({"callback": CLICK}, cookies["_ttp"]["value"])


def test_cookies_of_a_domain(tab: Tab) -> None:
    """The cookies have the registrable domain, and no test cookie of the search for it is left."""
    tab.open(f"{LOAD} ttq.page();", f"/?ttclid={CLICK}", host="www.shop.localhost")
    tab.wait_for_bodies(1)
    found = {(name, cookie["domain"]) for name, cookie in tab.cookies().items()}

    assert found == {(name, ".shop.localhost") for name in ("_ttp", "_tt_enable_cookie", "ttclid")}


def test_ttp_is_unchanged_and_prolonged(tab: Tab) -> None:
    """An existing value of any form stays unchanged, and every use prolongs it."""
    week = int(time.time()) + 7 * 86400
    tab.context.add_cookies([{"name": "_ttp", "value": "zzpii-old_1", "url": tab.shop.url(), "expires": week}])
    tab.open(f"{LOAD} ttq.page();", ttp_days=90)

    assert tab.wait_for_bodies(1)[0]["context"]["user"]["ttp"] == "zzpii-old_1"
    assert tab.cookies()["_ttp"]["value"] == "zzpii-old_1"
    assert abs(tab.cookies()["_ttp"]["expires"] - time.time() - 90 * 86400) < 60


@pytest.mark.parametrize(
    ("there", "in_url", "is_kept", "sent"),
    [
        (f"{CLICK}.1700000000000", CLICK, True, CLICK),
        (CLICK, CLICK, True, CLICK),
        (f"{CLICK}.1700000000000", "E.C.P.zzpii-other", False, "E.C.P.zzpii-other"),
        (f"{CLICK}.170000000000", CLICK, False, CLICK),
        (f"{CLICK}.1700000000000", None, True, CLICK),
        (CLICK, None, True, CLICK),
        (f"{CLICK}.1700000000000", "a;b", True, CLICK),
        (None, "a%20b", True, None),
        (None, "", True, None),
    ],
)
def test_ttclid(tab: Tab, there: str | None, in_url: str | None, is_kept: bool, sent: str | None) -> None:
    """The cookie is written only for a new click; the sent value has no time stamp."""
    if there:
        tab.context.add_cookies([{"name": "ttclid", "value": there, "url": tab.shop.url()}])
    tab.open(f"{LOAD} ttq.page();", "/" if in_url is None else f"/?ttclid={in_url}")
    (body,) = tab.wait_for_bodies(1)
    value = tab.cookies().get("ttclid", {}).get("value")

    assert (value == there) is is_kept
    assert is_kept or re.fullmatch(re.escape(str(in_url)) + r"\.\d{13}", str(value))
    assert body["context"]["ad"].get("callback") == sent


@pytest.mark.parametrize(
    ("switches", "written"),
    [
        ({"first_party_cookies": False}, set()),
        ({"writes_ttp": False}, {"_tt_enable_cookie", "ttclid"}),
        ({"writes_ttclid": False}, {"_tt_enable_cookie", "_ttp"}),
        ({"writes_ttp": False, "writes_ttclid": False}, {"_tt_enable_cookie"}),
    ],
)
def test_cookies_by_switch(tab: Tab, switches: dict[str, bool], written: set[str]) -> None:
    """Each cookie can be switched off; the click id of the URL is sent all the same."""
    tab.open(f"{LOAD} ttq.page();", f"/?ttclid={CLICK}", **switches)

    assert tab.wait_for_bodies(1)[0]["context"]["ad"] == {"callback": CLICK}
    assert set(tab.cookies()) == written


@pytest.mark.parametrize("deletes", [False, True])
def test_cookies_are_switched_on_and_off(tab: Tab, deletes: bool) -> None:
    """Cookies are used from then on or not; a switch says whether they are deleted."""
    tab.open(f"{LOAD} ttq.disableCookie(); ttq.page();", f"/?ttclid={CLICK}", deletes_cookies=deletes)
    tab.wait_for_bodies(1)
    assert tab.cookies() == {}

    tab.evaluate("() => { ttq.enableCookie(); ttq.page(); }")
    tab.wait_for_bodies(2)
    assert set(tab.cookies()) == {"_ttp", "_tt_enable_cookie", "ttclid"}

    tab.evaluate("() => { ttq.disableCookie(); ttq.page(); }")
    assert [body["context"]["user"].get("ttp") is not None for body in tab.wait_for_bodies(3)] == [False, True, False]
    assert bool(tab.cookies()) is not deletes
