"""Cookie domains of our cookies and the pixel's, and further pixels."""

from __future__ import annotations

import re

import pytest
from expected import ALL, FUNNEL
from shopper import CLICK, EMAIL, OTHER, PIXEL, CheckCounts, Shopper, Visit

DOMAINS = pytest.mark.parametrize("domain", ["example.test", "example.co.uk"])


def domains(shopper: Shopper) -> dict[str, list[str]]:
    """The domains of each cookie."""
    found: dict[str, list[str]] = {}
    for cookie in shopper.context.cookies():
        found.setdefault(cookie["name"], []).append(cookie["domain"])
    return found


def click(shopper: Shopper) -> str:
    """The value of the only `ttclid` cookie."""
    (value,) = [cookie["value"] for cookie in shopper.context.cookies() if cookie["name"] == "ttclid"]
    return str(value)


@DOMAINS
def test_cookies_on_the_registrable_domain(visit: Visit, check_counts: CheckCounts, domain: str) -> None:
    """With `cookie_domains` our cookies have the pixel's domain, so it finds the click and writes no second cookie."""
    shopper = visit(host=f"www.shop.{domain}", cookie_domains=[domain])
    shopper.complete_funnel(f"/product?ttclid={CLICK}")

    check_counts(shopper, "shop under a domain of its own")

    expected_domain = [f".{domain}"]
    assert domains(shopper) == dict.fromkeys(("_tte_id", "ttclid", "_ttp", "_tt_enable_cookie"), expected_domain)
    assert re.fullmatch(re.escape(CLICK) + r"\.\d{13}", click(shopper))
    assert {event.user.ttclid for event in shopper.delivery.events} == {CLICK}


def test_cookies_on_the_host_alone(visit: Visit, check_counts: CheckCounts) -> None:
    """Without it our cookies are host-only. The pixel finds the click, too, and there is still one `ttclid`."""
    shopper = visit(host="www.shop.example.test")
    shopper.complete_funnel(f"/product?ttclid={CLICK}")

    check_counts(shopper, "shop under a domain of its own")

    assert domains(shopper) == {
        "_tte_id": ["www.shop.example.test"],
        "ttclid": ["www.shop.example.test"],
        "_ttp": [".example.test"],
        "_tt_enable_cookie": [".example.test"],
    }


def test_a_new_click(visit: Visit) -> None:
    """A new click replaces the stored one for both channels; there is always one cookie."""
    shopper = visit(host="www.shop.example.test", cookie_domains=["example.test"])
    shopper.goto(f"/product?ttclid={CLICK}")
    shopper.goto("/product?ttclid=E.C.P.zzpii-second")
    shopper.goto("/product")

    assert [event.user.ttclid for event in shopper.delivery.events] == [CLICK, *["E.C.P.zzpii-second"] * 2]
    assert click(shopper).startswith("E.C.P.zzpii-second.")


def test_the_pixels_own_click_is_read(visit: Visit) -> None:
    """Behind a page cache the server sees no click, but the pixel stores it, and the next event has it."""
    shopper = visit(host="www.shop.example.test", cookie_domains=["example.test"])
    shopper.goto("/product")
    shopper.page.evaluate(f"() => history.replaceState({{}}, '', '/product?ttclid={CLICK}')")
    shopper.wait_for_events()

    assert re.fullmatch(re.escape(CLICK) + r"\.\d{13}", click(shopper))

    shopper.submit("contact", EMAIL)

    assert shopper.delivery.events[-1].user.ttclid == CLICK
    assert domains(shopper)["ttclid"] == [".example.test"]


def test_landing_on_one_name_and_paying_on_another(visit: Visit) -> None:
    """The shop's host names share the visitor and the click."""
    shopper = visit(host="www.shop.example.test", cookie_domains=["example.test"])
    shopper.goto(f"/product?ttclid={CLICK}")
    shopper.url = shopper.url.replace("//www.", "//pay.")
    shopper.goto("/")
    shopper.complete_checkout()
    shopper.delivery.deliver()

    assert {event.user.ttclid for event in shopper.delivery.events} == {CLICK}
    assert len({event.user.external_id for event in shopper.delivery.events}) == 1
    assert shopper.manager_count("Purchase", "both") == 1


def test_revoked_on_a_domain(visit: Visit) -> None:
    """Denied consent deletes the cookies of the domain."""
    shopper = visit(
        host="www.shop.example.test",
        cookie_domains=["example.test"],
        consent=lambda request: {"yes": True, "no": False}.get(request.cookies.get("shop_consent")),
    )
    shopper.context.add_cookies([{"name": "shop_consent", "value": "yes", "url": shopper.url}])
    shopper.goto(f"/product?ttclid={CLICK}")
    shopper.has_pixel = False

    assert {"_tte_id", "ttclid"} <= shopper.cookies()

    shopper.submit("no")

    assert not {"_tte_id", "ttclid"} & shopper.cookies()


# --- further pixels ---------------------------------------------------------------------------------------------------


def test_a_further_pixel(visit: Visit) -> None:
    """It gets every browser event once, with the same id; the server reports only to the first pixel."""
    shopper = visit(pixels=[OTHER])
    shopper.complete_funnel()
    shopper.delivery.deliver()
    events = [one for one in shopper.manager.events() if one["event"] in FUNNEL]

    def calls(pixel: str, channel: str) -> list[tuple[str, str]]:
        return sorted(
            (one["event"], one["event_id"])
            for one in events
            if (one["event_source_id"], one["channel"]) == (pixel, channel)
        )

    assert [name for name, _ in calls(PIXEL, "browser")] == sorted(FUNNEL)
    assert calls(OTHER, "browser") == calls(PIXEL, "browser") == calls(PIXEL, "server")
    assert calls(OTHER, "server") == []
    assert (shopper.manager_counts("both"), shopper.manager_counts("browser_only")) == (ALL, ALL)


def test_a_further_pixel_reloaded(visit: Visit) -> None:
    """A tab does not send an event again, to either pixel."""
    shopper = visit(pixels=[OTHER])
    shopper.goto("/")
    shopper.submit("checkout", EMAIL)
    shopper.pay()
    shopper.reload()
    shopper.delivery.deliver()

    assert (shopper.browser_posts()["Purchase"], shopper.manager_count("Purchase")) == (2, 2)
