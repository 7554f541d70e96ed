"""The contract on consent: without consent a visit leaves no trace in any framework."""

from contract_apps import SHOPS
from visitor import FETCH, LANDING, calls, names

from tiktok_events.web import ConsentCookie

RULE = ConsentCookie("agreed", granted={"yes"}, denied={"no"})


def test_denied_consent_leaves_no_trace(visit, framework, sink):
    """No event, no call, no identifier; earlier cookies are expired."""
    browser = visit(framework, consent=RULE)
    browser.cookies.set("agreed", "yes", domain="shop.example")
    browser.get(LANDING)
    browser.cookies.set("agreed", "no", domain="shop.example")
    response = browser.get("/product")

    assert sink.events == []
    assert calls(response) == []
    assert all("Max-Age=0" in header for header in response.headers.get_list("set-cookie"))
    assert sorted(names(response)) == ["_tte_id", "ttclid"]


def test_unknown_consent_is_not_measured(visit, framework, sink):
    """Unknown consent blocks by default."""
    browser = visit(framework, consent=lambda request: None)
    response = browser.get("/product")

    assert sink.events == []
    assert names(response) == []
    assert "C0EXAMPLE0EXAMPLE000" not in response.text


def test_granted_consent_takes_effect_in_the_response(visit, framework):
    """The POST of the banner writes cookies, with the click id of the banner's page."""
    browser = visit(framework, consent=RULE)
    landing = "https://shop.example" + LANDING
    response = browser.post("/agree", headers={**FETCH, "referer": landing})

    assert names(response) == ["_tte_id", "ttclid"]


def test_revoked_consent_takes_effect_in_the_response(browser):
    """The cookies are expired at once."""
    browser.get(LANDING)
    response = browser.post("/refuse", headers=FETCH)

    assert sorted(names(response)) == ["_tte_id", "ttclid"]
    assert all("Max-Age=0" in header for header in response.headers.get_list("set-cookie"))


def test_the_consent_callable_reads_cookies(visit, framework, sink):
    """Every framework's request has `cookies`, and `WebRequest` has it, too."""
    browser = visit(framework, consent=lambda request: {"yes": True}.get(request.cookies.get("agreed")))
    browser.get("/product")
    browser.cookies.set("agreed", "yes", domain="shop.example")
    browser.get("/product")

    assert len(sink.events) == 1


def test_the_consent_callable_gets_the_frameworks_request(visit, framework):
    """A `WebRequest` only if there is no framework."""
    seen = []

    def consent(request):
        seen.append(request.__class__.__module__.partition(".")[0])
        return True

    visit(framework, consent=consent).get("/page")

    assert seen == [SHOPS[framework].native]


def test_a_consent_callable_that_raises_denies(visit, framework, sink):
    """The page is still rendered."""
    browser = visit(framework, consent=lambda request: 1 / 0)

    assert browser.get("/product").status_code == 200
    assert sink.events == []
