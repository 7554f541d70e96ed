"""The stand-in for the pixel script: its cookies."""

from __future__ import annotations

import re
import time

import pytest
from pages import CLICK, LOAD, Tab


def test_cookies(tab: Tab) -> None:
    """The pixel's own cookies, with its lifetimes and attributes."""
    tab.opens(f"{LOAD} ttq.page();", f"/?ttclid={CLICK}")
    (body,) = tab.arrived(1)
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
    """They hold for the whole registrable domain, and nothing is left of finding out which that is."""
    tab.opens(f"{LOAD} ttq.page();", f"/?ttclid={CLICK}", host="www.shop.localhost")
    tab.arrived(1)
    found = {(name, cookie["domain"]) for name, cookie in tab.cookies().items()}

    assert found == {(name, ".shop.localhost") for name in ("_ttp", "_tt_enable_cookie", "ttclid")}


def test_ttp_is_kept_and_prolonged(tab: Tab) -> None:
    """An existing value, whatever its form, is kept as it is and lives longer with each use."""
    week = int(time.time()) + 7 * 86400
    tab.context.add_cookies([{"name": "_ttp", "value": "zzpii-old_1", "url": tab.shop.url(), "expires": week}])
    tab.opens(f"{LOAD} ttq.page();", ttp_days=90)

    assert tab.arrived(1)[0]["context"]["user"]["ttp"] == "zzpii-old_1"
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
    """The cookie is written only for another click than it holds; what is sent has no time behind it."""
    if there:
        tab.context.add_cookies([{"name": "ttclid", "value": there, "url": tab.shop.url()}])
    tab.opens(f"{LOAD} ttq.page();", "/" if in_url is None else f"/?ttclid={in_url}")
    (body,) = tab.arrived(1)
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
    """Each can be left out; the click id of the URL is sent all the same."""
    tab.opens(f"{LOAD} ttq.page();", f"/?ttclid={CLICK}", **switches)

    assert tab.arrived(1)[0]["context"]["ad"] == {"callback": CLICK}
    assert set(tab.cookies()) == written


@pytest.mark.parametrize("deletes", [False, True])
def test_cookies_are_switched_on_and_off(tab: Tab, deletes: bool) -> None:
    """From then on they are used or not; a switch says whether they are deleted."""
    tab.opens(f"{LOAD} ttq.disableCookie(); ttq.page();", f"/?ttclid={CLICK}", deletes_cookies=deletes)
    tab.arrived(1)
    assert tab.cookies() == {}

    tab.runs("() => { ttq.enableCookie(); ttq.page(); }")
    tab.arrived(2)
    assert set(tab.cookies()) == {"_ttp", "_tt_enable_cookie", "ttclid"}

    tab.runs("() => { ttq.disableCookie(); ttq.page(); }")
    assert [body["context"]["user"].get("ttp") is not None for body in tab.arrived(3)] == [False, True, False]
    assert bool(tab.cookies()) is not deletes
