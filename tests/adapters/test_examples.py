"""The example shops, walked through by a browser: the whole funnel of the guide, each event once on both channels."""

import importlib.util
import json
import re
from pathlib import Path

import pytest
from conftest import SOURCE, Browser, calls
from markers import EMAIL, PHONE

EXAMPLES = Path(__file__).parents[2] / "examples"
NEEDED = {
    "flask_shop": ("flask", "tiktok_events_flask"),
    "starlette_shop": ("starlette", "jinja2", "python_multipart", "tiktok_events_starlette"),
    "fastapi_shop": ("fastapi", "jinja2", "python_multipart", "tiktok_events_starlette"),
}
FUNNEL = ["ViewContent", "AddToCart", "InitiateCheckout", "Purchase", "Lead", "Subscribe"]


@pytest.fixture(params=sorted(NEEDED))
def shop(request, monkeypatch, sink):
    """A browser at an example that runs as it stands; only its events go to the test."""
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


def walk(shop, form):
    """From the landing to the newsletter; answers with the pages."""
    pages = [shop.get("/products/lamp?ttclid=E.C.P.zzpii-click")]
    moved = shop.post("/cart/lamp")
    pages.append(shop.get(moved.headers["location"]))
    paying = shop.get(shop.post("/checkout/lamp", form).headers["location"])
    fields = dict(re.findall(r'name="(order|signature)" value="(\w+)"', paying.text))
    thanks = [shop.post("/webhook", fields) for _ in range(2)][1]
    pages += [paying, shop.get(thanks.headers["location"])]
    for path in ("/contact", "/newsletter"):
        pages.append(shop.get(shop.post(path, form).headers["location"]))
    assert [page.status_code for page in pages] == [200] * len(pages)
    return pages


def test_the_whole_funnel_is_on_both_channels(shop, sink):
    """Consent first; then each event with the same name and id from the server and in the browser."""
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


def test_nonsense_in_the_checkout_form_loses_no_purchase(shop, sink):
    """What is no identifier is left out; the order goes through all the same."""
    shop.post("/consent", {"answer": "yes"})
    walk(shop, {"email": "zzpii nonsense", "phone": "zzpii call me"})

    purchase = next(event for event in sink.wire() if event["event"] == "Purchase")
    assert not {"email", "phone"} & set(purchase["user"])


def test_nothing_is_measured_before_or_without_consent(shop, sink):
    """Whoever was not asked, or said no, gets a shop that works and no call."""
    assert 'id="banner"' in shop.get("/").text
    pages = walk(shop, {"email": EMAIL})
    shop.post("/consent", {"answer": "no"})
    pages += walk(shop, {"email": EMAIL})

    assert 'id="banner"' not in pages[-1].text
    assert [call for page in pages for call in calls(page)] == []
    assert json.dumps(sink.wire()) == "[]"


def test_pages_are_the_shop_s_own(shop):
    """What they look like comes from the shop, by address: no style a strict policy forbids, nothing from elsewhere."""
    pages = [shop.get("/"), *walk(shop, {"email": EMAIL}), shop.get("/contact")]
    text = re.sub(r"<script>.*?</script>", "", "".join(page.text for page in pages), flags=re.DOTALL)

    files = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', text))
    assert {Path(name).suffix for name in files} == {".css", ".svg"}
    assert {name: shop.get(name).status_code for name in files} == dict.fromkeys(files, 200)
    assert not re.search(r"<style|\sstyle=|\son\w+=|url\(|@import", text + shop.get("/static/shop.css").text)
    assert set(re.findall(r'(?:src|href|action)="([^/"][^"]*)"', text)) == {"http://127.0.0.1:8765/"}


def test_every_field_has_a_label(shop):
    """And every page a title and a language, so that nobody has to see it to use it."""
    pages = [shop.get("/"), *walk(shop, {"email": EMAIL}), shop.get("/contact")]

    for page in pages:
        fields = re.findall(r'<input name="\w+"', page.text)
        assert len(re.findall(r"<label>[\w-]+ <input", page.text)) == len(fields)
        assert re.search(r'<html lang="en">.*<title>[^<]+</title>.*<h1>', page.text, re.DOTALL)


def test_a_forged_webhook_is_refused(shop, sink):
    """It takes the payment provider's signature."""
    response = shop.post("/webhook", {"order": "1001", "signature": "0" * 64})

    assert response.status_code == 400
    assert sink.events == []
