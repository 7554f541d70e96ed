"""Responses without a page in a real browser: `tiktokEvents.fire`, `.read`, and htmx 2 and 4."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from expected import ALL
from shopper import NO_TRACES, CheckCounts, Shopper, Visit

from tiktok_events import web

READS = "async () => tiktokEvents.read(await fetch('/fragment', {method: 'POST'}))"
# What htmx does: a request, and then an event on the document with that request in it.
HTMX_2 = """() => new Promise((done) => {
  const xhr = new XMLHttpRequest();
  xhr.open("POST", "/fragment");
  xhr.setRequestHeader("HX-Request", "true");
  xhr.onload = () => {
    document.body.dispatchEvent(new CustomEvent("htmx:afterRequest", {bubbles: true, detail: {xhr, successful: true}}));
    done();
  };
  xhr.send();
})"""
HTMX_4 = """async () => {
  const raw = await fetch("/fragment", {method: "POST", headers: {"HX-Request": "true"}});
  const ctx = {response: {raw, status: raw.status, headers: raw.headers}};
  document.body.dispatchEvent(new CustomEvent("htmx:after:request", {bubbles: true, detail: {ctx}}));
}"""
WAYS = pytest.mark.parametrize("way", [READS, HTMX_2, HTMX_4], ids=["read", "htmx2", "htmx4"])


def complete_funnel(shopper: Shopper, way: str) -> None:
    """Complete the funnel, with the cart filled by *way*."""
    shopper.goto("/product")
    shopper.page.evaluate(way)
    shopper.wait_for_events()
    shopper.complete_checkout()


@WAYS
def test_the_header_is_read(visit: Visit, check_counts: CheckCounts, way: str) -> None:
    """The page fires the call in the header, and the pair counts once."""
    shopper = visit()
    complete_funnel(shopper, way)

    check_counts(shopper, "call in a response header, read by htmx or fetch")

    assert (shopper.browser_posts(), shopper.manager_counts("both"), shopper.errors) == (ALL, ALL, [])


def test_the_header_is_read_under_a_policy(visit: Visit, check_counts: CheckCounts) -> None:
    """Reading the header needs nothing that the policy forbids."""
    shopper = visit(csp="strict-dynamic")
    complete_funnel(shopper, READS)

    check_counts(shopper, "call in a response header, read by htmx or fetch")

    assert shopper.page_reports("violation") == []


def test_a_payload_fired_twice(visit: Visit) -> None:
    """`fire` skips a name and id that this tab has sent, also on the next page."""
    shopper = visit()
    shopper.goto("/product")
    payload = shopper.page.evaluate("async () => (await fetch('/cart', {method: 'POST'})).json()")
    shopper.page.evaluate("(payload) => { tiktokEvents.fire(payload); tiktokEvents.fire([payload]); }", payload)
    shopper.wait_for_events()
    shopper.goto("/")
    shopper.page.evaluate("(payload) => tiktokEvents.fire(payload)", payload)
    shopper.wait_for_events()
    shopper.delivery.deliver()

    assert shopper.browser_posts() == {"ViewContent": 1, "AddToCart": 1}
    assert shopper.manager_count("AddToCart", "both") == 1


def test_one_response_read_twice(visit: Visit) -> None:
    """The page reads the response, and htmx's event does, too: the call is sent once."""
    shopper = visit()
    shopper.goto("/product")
    shopper.page.evaluate(
        """async () => {
          const response = await fetch("/fragment", {method: "POST"});
          tiktokEvents.read(response);
          document.dispatchEvent(new CustomEvent("htmx:after:request", {detail: {ctx: {response}}}));
        }"""
    )
    shopper.wait_for_events()
    shopper.delivery.deliver()

    assert (shopper.browser_posts()["AddToCart"], shopper.manager_count("AddToCart", "both")) == (1, 1)


@pytest.mark.parametrize(
    ("way", "value"), [(READS, "no"), (HTMX_2, None), (HTMX_4, "no")], ids=["read", "htmx2", "htmx4"]
)
def test_without_consent(visit: Visit, way: str, value: str | None) -> None:
    """The response has no call, and the page sends nothing."""
    shopper = visit(consent=web.ConsentCookie("shop_consent", {"yes"}, {"no"}))
    shopper.has_pixel = False
    if value:
        shopper.context.add_cookies([{"name": "shop_consent", "value": value, "url": shopper.url}])
    shopper.goto("/product")
    shopper.page.evaluate(way)

    assert shopper.traces() == NO_TRACES


# --- htmx itself ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["2.0.11", "4.0.1"])
def htmx(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script from npm; skipped where npm or its registry is not available."""
    folder = tmp_path_factory.mktemp("htmx")
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("needs npm")
    command = [npm, "pack", f"htmx.org@{request.param}", "--fetch-retries=0", "--fetch-timeout=10000"]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=30)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        pytest.skip("npm could not fetch htmx")
    with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
        script: Any = archive.extractfile("package/dist/htmx.min.js")
        return str(script.read().decode())


def test_real_htmx(visit: Visit, check_counts: CheckCounts, htmx: str) -> None:
    """A button with hx-post puts the fragment into the page, and the call in the header is fired."""
    shopper = visit()
    shopper.goto("/product")
    shopper.page.evaluate(
        """() => document.body.insertAdjacentHTML(
          "beforeend", '<button id="buy" hx-post="/fragment" hx-target="#answer">Buy</button>')"""
    )
    shopper.page.add_script_tag(content=htmx)
    shopper.page.click("#buy")
    shopper.page.wait_for_selector("#answer p")
    shopper.wait(lambda: shopper.manager_count("AddToCart", "browser_alone") == 1)
    shopper.wait_for_events()
    shopper.complete_checkout()

    check_counts(shopper, "call in a response header, read by htmx or fetch")

    assert (shopper.browser_posts(), shopper.manager_counts("both")) == (ALL, ALL)
