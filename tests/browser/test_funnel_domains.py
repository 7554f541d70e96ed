"""Names and pixels: cookies on the registrable domain beside the pixel's own, and further pixels."""

from __future__ import annotations

import re

import pytest
from shopper import CLICK, EMAIL, OTHER, PIXEL, Counts, Shopper, Visit
from truth import ALL, FUNNEL

DOMAINS = pytest.mark.parametrize("domain", ["example.test", "example.co.uk"])


def domains(shopper: Shopper) -> dict[str, list[str]]:
    """Each cookie's domains."""
    found: dict[str, list[str]] = {}
    for cookie in shopper.context.cookies():
        found.setdefault(cookie["name"], []).append(cookie["domain"])
    return found


def click(shopper: Shopper) -> str:
    """The one `ttclid` cookie."""
    (value,) = [cookie["value"] for cookie in shopper.context.cookies() if cookie["name"] == "ttclid"]
    return str(value)


@DOMAINS
def test_cookies_on_the_registrable_domain(visit: Visit, counts: Counts, domain: str) -> None:
    """With `cookie_domains` ours lie beside the pixel's, which finds the click there and writes no second one."""
    shopper = visit(host=f"www.shop.{domain}", cookie_domains=[domain])
    shopper.walks(f"/product?ttclid={CLICK}")

    counts(shopper, "shop under a domain of its own")

    expected = [f".{domain}"]
    assert domains(shopper) == dict.fromkeys(("_tte_id", "ttclid", "_ttp", "_tt_enable_cookie"), expected)
    assert re.fullmatch(re.escape(CLICK) + r"\.\d{13}", click(shopper))
    assert {event.user.ttclid for event in shopper.delivery.events} == {CLICK}


def test_cookies_on_the_host_alone(visit: Visit, counts: Counts) -> None:
    """Without it ours are the host's. The pixel finds the click there too, and there is one `ttclid` still."""
    shopper = visit(host="www.shop.example.test")
    shopper.walks(f"/product?ttclid={CLICK}")

    counts(shopper, "shop under a domain of its own")

    assert domains(shopper) == {
        "_tte_id": ["www.shop.example.test"],
        "ttclid": ["www.shop.example.test"],
        "_ttp": [".example.test"],
        "_tt_enable_cookie": [".example.test"],
    }


def test_a_new_click(visit: Visit) -> None:
    """The next ad replaces the click of the one before it, for both; there is one cookie throughout."""
    shopper = visit(host="www.shop.example.test", cookie_domains=["example.test"])
    shopper.goes(f"/product?ttclid={CLICK}")
    shopper.goes("/product?ttclid=E.C.P.zzpii-second")
    shopper.goes("/product")

    assert [event.user.ttclid for event in shopper.delivery.events] == [CLICK, *["E.C.P.zzpii-second"] * 2]
    assert click(shopper).startswith("E.C.P.zzpii-second.")


def test_the_pixels_own_click_is_read(visit: Visit) -> None:
    """Where the server was not asked, as behind a page cache, the pixel keeps the click; the next event tells it."""
    shopper = visit(host="www.shop.example.test", cookie_domains=["example.test"])
    shopper.goes("/product")
    shopper.page.evaluate(f"() => history.replaceState({{}}, '', '/product?ttclid={CLICK}')")
    shopper.settles()

    assert re.fullmatch(re.escape(CLICK) + r"\.\d{13}", click(shopper))

    shopper.submits("contact", EMAIL)

    assert shopper.delivery.events[-1].user.ttclid == CLICK
    assert domains(shopper)["ttclid"] == [".example.test"]


def test_landing_on_one_name_and_paying_on_another(visit: Visit) -> None:
    """The shop's names share the visitor and the click."""
    shopper = visit(host="www.shop.example.test", cookie_domains=["example.test"])
    shopper.goes(f"/product?ttclid={CLICK}")
    shopper.url = shopper.url.replace("//www.", "//pay.")
    shopper.goes("/")
    shopper.buys()
    shopper.delivery.deliver()

    assert {event.user.ttclid for event in shopper.delivery.events} == {CLICK}
    assert len({event.user.external_id for event in shopper.delivery.events}) == 1
    assert shopper.heard("Purchase", "both") == 1


def test_revoked_on_a_domain(visit: Visit) -> None:
    """A no takes away what was written for the domain."""
    shopper = visit(
        host="www.shop.example.test",
        cookie_domains=["example.test"],
        consent=lambda request: {"yes": True, "no": False}.get(request.cookies.get("shop_consent")),
    )
    shopper.context.add_cookies([{"name": "shop_consent", "value": "yes", "url": shopper.url}])
    shopper.goes(f"/product?ttclid={CLICK}")
    shopper.has_pixel = False

    assert {"_tte_id", "ttclid"} <= shopper.cookies()

    shopper.submits("no")

    assert not {"_tte_id", "ttclid"} & shopper.cookies()


# --- further pixels ---------------------------------------------------------------------------------------------------


def test_a_further_pixel(visit: Visit) -> None:
    """It gets every event of the browser once, with the same id; the server reports to the first alone."""
    shopper = visit(pixels=[OTHER])
    shopper.walks()
    shopper.delivery.deliver()
    events = [one for one in shopper.manager.events() if one["event"] in FUNNEL]

    def told(pixel: str, channel: str) -> list[tuple[str, str]]:
        return sorted(
            (one["event"], one["event_id"])
            for one in events
            if (one["event_source_id"], one["channel"]) == (pixel, channel)
        )

    assert [name for name, _ in told(PIXEL, "browser")] == sorted(FUNNEL)
    assert told(OTHER, "browser") == told(PIXEL, "browser") == told(PIXEL, "server")
    assert told(OTHER, "server") == []
    assert (shopper.counted("both"), shopper.counted("browser_only")) == (ALL, ALL)


def test_a_further_pixel_reloaded(visit: Visit) -> None:
    """What a tab has sent it does not send again, to neither."""
    shopper = visit(pixels=[OTHER])
    shopper.goes("/")
    shopper.submits("checkout", EMAIL)
    shopper.pays()
    shopper.reloads()
    shopper.delivery.deliver()

    assert (shopper.posts()["Purchase"], shopper.heard("Purchase")) == (2, 2)
