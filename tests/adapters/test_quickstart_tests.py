"""The tests in the quickstarts, as typed by a newcomer, with the installed plugin."""

import inspect

import pytest
from nested_runs import QUIET
from test_quickstarts import BASE, FASTAPI, FLASK, PRODUCT, Orders
from visitor import SECRET

TEST_CHECKOUT = """
import re
from decimal import Decimal
from types import SimpleNamespace as N

import pytest
import stripe

from flask_shop.app import app


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_test")
    paid = N(type="checkout.session.completed", data=N(object=N(payment_status="paid", client_reference_id="1001")))
    monkeypatch.setattr(stripe.Webhook, "construct_event", lambda *a, **k: paid)
    return app.test_client()


def test_a_paid_order_is_one_purchase(client, tiktok):
    client.set_cookie("cookie_consent", "yes")
    client.post("/checkout")
    client.post("/webhooks/stripe", headers={"Stripe-Signature": "x"})
    client.post("/webhooks/stripe", headers={"Stripe-Signature": "x"})       # Stripe delivers at least once
    page = client.get("/thanks/t0k")
    client.get("/thanks/t0k")                                                 # reload

    assert len({e.event_id for e in tiktok.sent("Purchase")}) == 1
    tiktok.assert_deduplicated(page)
    event = tiktok.sent("Purchase")[0]
    assert event.properties.value == Decimal("46.00")


def test_nothing_leaves_without_consent(client, tiktok):
    client.set_cookie("cookie_consent", "no")
    client.post("/checkout")
    client.post("/webhooks/stripe", headers={"Stripe-Signature": "x"})
    tiktok.assert_not_sent("Purchase")
    assert tiktok.browser_calls(client.get("/thanks/t0k")) == []
"""
TEST_API = """
import json
import httpx, pytest
from fastapi_shop.main import app

@pytest.fixture
def anyio_backend(): return "asyncio"

@pytest.mark.anyio
async def test_funnel(tiktok):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.example", cookies={"cookie_consent": "yes"}, follow_redirects=True) as c:
        page = await c.get("/products/sku-1"); tiktok.assert_deduplicated(page)
        page = await c.post("/newsletter", data={"email": "ada@example.com"}); assert page.url.path == "/welcome"; tiktok.assert_deduplicated(page)
        tiktok.assert_sent("Subscribe", user={"email": "ada@example.com"})
        api = (await c.post("/api/cart", json={"sku": "sku-1"})).json()
        assert api["tiktok"]["event_id"] == tiktok.sent("AddToCart")[0].event_id
        frag = await c.post("/cart", headers={"HX-Request": "true"})
        assert json.loads(frag.headers["tiktok-events"])[0]["event_id"] == tiktok.sent("AddToCart")[1].event_id
"""
# Tests that must fail, to check their messages.
TEST_RED = """
from flask_shop.app import app

def test_missing(tiktok):
    client = app.test_client()
    client.set_cookie("cookie_consent", "yes")
    client.post("/checkout", data={"email": "ada@example.com"})
    client.set_cookie("cookie_consent", "no")
    client.get("/products/sku-1")
    tiktok.assert_sent("Purchase", key="1001", user={"email": "ada@example.com"})

def test_not_on_the_page(tiktok):
    tiktok.assert_deduplicated(app.test_client().get("/products/sku-1"))
"""
pytestmark = pytest.mark.programs
SETTINGS = {
    "PIXEL_CODE": "C0EXAMPLE0EXAMPLE000",
    "ACCESS_TOKEN": "token",
    "SECRET_KEY": SECRET,
    "ID_NAMESPACE": "shop",
}


@pytest.fixture
def shop_of(pytester, monkeypatch):
    """A function that writes a package with an app, templates and tests, with the environment of a shop."""

    def write(name, prefix, files):
        folder = pytester.mkpydir(name)
        for path, text in files.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(text, "utf-8")
        for key, value in SETTINGS.items():
            monkeypatch.setenv(f"{prefix}TIKTOK_{key}", value)
        monkeypatch.setenv("COLUMNS", "300")
        monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
        return pytester.runpytest_subprocess(*QUIET, "-W", "error", "--tb=short")

    return write


def flask_shop(test):
    """The Flask quickstart as a package; the payment provider's library is a substitute."""
    orders = "from decimal import Decimal\nfrom types import SimpleNamespace as N\n\n" + inspect.getsource(Orders)
    page = "{% extends 'base.html' %}{% block body %}thanks{% endblock %}"
    return {
        "__init__.py": f"{orders}\ndb = Orders()\n",
        "app.py": f"import stripe\n\nfrom . import db\n{FLASK}",
        "templates/base.html": BASE,
        "templates/product.html": page,
        "templates/thanks.html": page,
        "../stripe.py": "class Webhook:\n    construct_event = None\n",
        "test_checkout.py": test,
    }


@pytest.fixture
def flask():
    """Skip without Flask and its adapter."""
    pytest.importorskip("flask")
    pytest.importorskip("tiktok_events_flask")


def test_the_tests_of_the_flask_quickstart(flask, shop_of, monkeypatch):
    """One purchase for repeated webhooks, and nothing without consent; the app is built at import."""
    monkeypatch.setenv("FLASK_SECRET_KEY", SECRET)

    shop_of("flask_shop", "FLASK_", flask_shop(TEST_CHECKOUT)).assert_outcomes(passed=2)


def test_the_tests_of_the_flask_quickstart_can_fail(flask, shop_of, monkeypatch):
    """The failures say which events were sent, which not, and why."""
    monkeypatch.setenv("FLASK_SECRET_KEY", SECRET)
    result = shop_of("flask_shop", "FLASK_", flask_shop(TEST_RED))
    output = result.stdout.str()

    result.assert_outcomes(failed=2)
    expected = "Purchase sent 0 times with this key, user.email"
    assert (
        f"{expected}; sent: InitiateCheckout x1. 1 event dropped: ViewContent, consent denied (GET /products/sku-1)"
        in output
    )
    nothing = "the response has no pixel call; sent: nothing. 1 event dropped"
    assert f"{nothing}: ViewContent, consent unknown (GET /products/sku-1)" in output


def test_the_tests_of_the_fastapi_quickstart(shop_of):
    """A page, a form with its redirect, a JSON API and an htmx fragment, with httpx as the browser."""
    pytest.importorskip("fastapi")
    pytest.importorskip("python_multipart")
    pytest.importorskip("tiktok_events_starlette")
    files = {
        "main.py": FASTAPI,
        "templates/product.html": PRODUCT,
        "templates/_cart.html": "<p>1</p>",
        "test_api.py": TEST_API,
    }

    shop_of("fastapi_shop", "", files).assert_outcomes(passed=1)
