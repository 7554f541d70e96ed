"""The example shops: a browser completes the funnel of the guide, each event once on both channels."""

import importlib.util
import json
import re
from pathlib import Path

import pytest
from markers import EMAIL, FIRST_NAME, LAST_NAME, LOCAL_PHONE, PHONE
from visitor import AGENT, NAVIGATION, SOURCE, Browser, calls

EXAMPLES = Path(__file__).parents[2] / "examples"
NEEDED = {
    "flask_shop": ("flask", "tiktok_events_flask"),
    "starlette_shop": ("starlette", "jinja2", "python_multipart", "tiktok_events_starlette"),
    "fastapi_shop": ("fastapi", "jinja2", "python_multipart", "tiktok_events_starlette"),
}
FUNNEL = ["ViewContent", "AddToCart", "InitiateCheckout", "Purchase", "Lead", "Subscribe"]


@pytest.fixture(params=sorted(NEEDED))
def shop(request, monkeypatch, sink):
    """A browser at an unchanged example, whose events the test records."""
    for module in NEEDED[request.param]:
        pytest.importorskip(module)
    for name in ("PIXEL_CODE", "ACCESS_TOKEN"):
        monkeypatch.setenv(f"TIKTOK_{name}", "C0EXAMPLE0EXAMPLE000")
    monkeypatch.setenv("TIKTOK_PIXEL_URL", "http://127.0.0.1:8765/i18n/pixel/events.js")
    monkeypatch.setenv("TIKTOK_ID_NAMESPACE", SOURCE.id_namespace)
    path = EXAMPLES / request.param / "app.py"
    spec = importlib.util.spec_from_file_location(f"example_{request.param}", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.setitem(__import__("sys").modules, spec.name, module)
    spec.loader.exec_module(module)
    object.__setattr__(module.site if hasattr(module, "site") else module.tiktok.site, "client", sink)
    browser = Browser(module.app, is_asgi=request.param != "flask_shop")
    yield browser
    browser.close()


def fill(shop, path, form):
    """Post a form: its fields, or the bytes of a body."""
    if isinstance(form, bytes):
        return shop.post(
            path, content=form, headers={**NAVIGATION, "content-type": "application/x-www-form-urlencoded"}
        )
    return shop.post(path, form)


def walk(shop, form):
    """Complete the funnel from the landing to the newsletter. Returns the pages."""
    pages = [shop.get("/products/lamp?ttclid=E.C.P.zzpii-click")]
    moved = shop.post("/cart/lamp")
    pages.append(shop.get(moved.headers["location"]))
    paying = shop.get(fill(shop, "/checkout/lamp", form).headers["location"])
    fields = dict(re.findall(r'name="(order|signature)" value="(\w+)"', paying.text))
    thanks = [shop.post("/webhook", fields) for _ in range(2)][1]
    pages += [paying, shop.get(thanks.headers["location"])]
    for path in ("/contact", "/newsletter"):
        pages.append(shop.get(fill(shop, path, form).headers["location"]))
    assert [page.status_code for page in pages] == [200] * len(pages)
    return pages


def test_the_complete_funnel_is_on_both_channels(shop, sink):
    """Consent first; then each event with the same name and id on both channels."""
    shop.get("/products/lamp?ttclid=E.C.P.zzpii-click")
    assert shop.post("/consent", {"answer": "yes"}).status_code == 303
    pages = walk(shop, {"email": EMAIL, "phone": PHONE})

    sent = list(dict.fromkeys((event["event"], event["event_id"]) for event in sink.wire()))
    called = [(call["event"], call["event_id"]) for page in pages for call in calls(page)]
    assert sorted(sent) == sorted(called)
    assert [name for name, _ in sent] == FUNNEL
    purchase = next(event for event in sink.wire() if event["event"] == "Purchase")
    assert purchase["user"]["ttclid"] == "E.C.P.zzpii-click"
    assert purchase["properties"]["value"] == 49.0


TYPED = ("email", "phone", "first_name", "last_name", "country", "tip")
GOOD = {
    "email": EMAIL,
    "phone": PHONE,
    "first_name": FIRST_NAME,
    "last_name": LAST_NAME,
    "country": "GB",
    "tip": "1,50",
}
NONSENSE = {
    "nothing": {},
    "empty": dict.fromkeys(TYPED, ""),
    "spaces": dict.fromkeys(TYPED, " \t\r\n "),
    "signs": dict.fromkeys(TYPED, "!?;--"),
    "NUL": dict.fromkeys(TYPED, "\x00\x00"),
    "no letter": dict.fromkeys(TYPED, "\u2028\u200b\ufeff"),
    "emoji": dict.fromkeys(TYPED, "\U0001f600\U0001f468\u200d\U0001f469"),
    "wrong fields": {"email": PHONE, "phone": EMAIL, "first_name": "...", "country": "Wonderland zzpii", "tip": EMAIL},
    "local phone": {"email": "zzpii@", "phone": LOCAL_PHONE, "country": "United Kingdom", "tip": "a fiver"},
    "NaN": {"email": "NaN", "phone": "NaN", "country": "NaN", "tip": "NaN"},
    "sNaN": {"email": "null", "phone": "null", "country": "null", "tip": "sNaN"},
    "infinite": {"email": "inf", "phone": "+" + "9" * 400, "country": "inf", "tip": "Infinity"},
    "huge money": {"phone": "1e5", "country": "1e5", "tip": "1e400"},
    "negative money": {"phone": "-1", "country": "-1", "tip": "-500"},
    "long": dict.fromkeys(TYPED, "@" * 100_000),
    "markup": dict.fromkeys(("email", "phone", "country", "tip"), "</script><script>alert('zzpii')</script>"),
    "SQL and CRLF": dict.fromkeys(("email", "phone", "country", "tip"), "zzpii'; DROP TABLE orders\r\nSet-Cookie: a=b"),
    "many of each": {name: ["?", "!", ";"] for name in TYPED},
    "other fields": {"value": "NaN", "currency": "</script>", "event_id": "zzpii", "key": "zzpii", "order": "zzpii"},
    "bad UTF-8": b"&".join(b"%s=%%ff%%c3%%28%%ed%%a0%%80" % name for name in (b"email", b"phone", b"country", b"tip")),
    "raw bytes": b"email=\xff\xfe&phone=\x80&country=\xff\xc3(&tip=\xf0\x9f",
    "no form": b"\x00\xff=&&&;;%%%=%=&=&email",
    "half a percent": b"email=%&phone=%f&country=%u0041&tip=%2",
}


@pytest.mark.parametrize("form", NONSENSE.values(), ids=NONSENSE)
def test_invalid_checkout_input_changes_no_status_and_loses_no_purchase(shop, sink, form):
    """Every page responds as usual; the purchase has its price, without invalid identifiers."""
    shop.post("/consent", {"answer": "yes"})
    usual = [page.status_code for page in walk(shop, GOOD)]
    sink.events.clear()
    pages = walk(shop, form)

    assert [page.status_code for page in pages] == usual
    assert list(dict.fromkeys(event["event"] for event in sink.wire())) == FUNNEL
    purchases = [event for event in sink.wire() if event["event"] == "Purchase"]
    assert len({event["event_id"] for event in purchases}) == 1
    assert not set(TYPED) & set(purchases[0]["user"])
    assert purchases[0]["properties"]["value"] == 49.0
    assert purchases[0]["user"]["user_agent"] == AGENT


def test_a_valid_checkout_form_is_sent_completely(shop, sink):
    """The comparison for the invalid forms: every identifier is sent, and the tip is in the value."""
    shop.post("/consent", {"answer": "yes"})
    walk(shop, GOOD)

    purchase = next(event for event in sink.wire() if event["event"] == "Purchase")
    assert {*TYPED[:-1], "external_id"} <= set(purchase["user"])
    assert purchase["user"]["country"] == "gb"
    assert purchase["properties"]["value"] == 50.5


def test_a_file_in_place_of_text_changes_no_status(shop, sink):
    """A form field may hold anything."""
    shop.post("/consent", {"answer": "yes"})
    files = dict.fromkeys(TYPED, ("zzpii.png", b"\x89PNG\x00\xff", "image/png"))
    moved = shop.request("POST", "/checkout/lamp", files=files, headers=NAVIGATION)
    paying = shop.get(moved.headers["location"])
    shop.post("/webhook", dict(re.findall(r'name="(order|signature)" value="(\w+)"', paying.text)))

    assert (moved.status_code, paying.status_code) == (303, 200)
    (purchase,) = sink.wire()
    assert not set(TYPED) & set(purchase["user"])


def test_nothing_is_measured_before_or_without_consent(shop, sink):
    """With unknown or denied consent the shop works and makes no call."""
    assert 'id="banner"' in shop.get("/").text
    pages = walk(shop, {"email": EMAIL})
    shop.post("/consent", {"answer": "no"})
    pages += walk(shop, {"email": EMAIL})

    assert 'id="banner"' not in pages[-1].text
    assert [call for page in pages for call in calls(page)] == []
    assert json.dumps(sink.wire()) == "[]"


def test_pages_load_only_the_shops_own_files(shop):
    """Style sheets are files of the shop: no inline style (a strict policy forbids it), nothing from other hosts."""
    pages = [shop.get("/"), *walk(shop, {"email": EMAIL}), shop.get("/contact")]
    text = re.sub(r"<script>.*?</script>", "", "".join(page.text for page in pages), flags=re.DOTALL)

    files = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', text))
    assert {Path(name).suffix for name in files} == {".css", ".svg"}
    assert {name: shop.get(name).status_code for name in files} == dict.fromkeys(files, 200)
    assert not re.search(r"<style|\sstyle=|\son\w+=|url\(|@import", text + shop.get("/static/shop.css").text)
    assert set(re.findall(r'(?:src|href|action)="([^/"][^"]*)"', text)) == {"http://127.0.0.1:8765/"}


def test_every_field_has_a_label(shop):
    """And every page has a title and a language, for screen readers."""
    pages = [shop.get("/"), *walk(shop, {"email": EMAIL}), shop.get("/contact")]

    for page in pages:
        fields = re.findall(r'<input name="\w+"', page.text)
        assert len(re.findall(r"<label>[\w-]+ <input", page.text)) == len(fields)
        assert re.search(r'<html lang="en">.*<title>[^<]+</title>.*<h1>', page.text, re.DOTALL)


def test_a_forged_webhook_is_refused(shop, sink):
    """The webhook checks the payment provider's signature."""
    response = shop.post("/webhook", {"order": "1001", "signature": "0" * 64})

    assert response.status_code == 400
    assert sink.events == []
