"""Answers without a page in a real browser: `tiktokEvents.fire`, `.read`, and htmx of two generations."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from shopper import NO_TRACES, Counts, Shopper, Visit
from truth import ALL

from tiktok_events import web

READS = "async () => tiktokEvents.read(await fetch('/fragment', {method: 'POST'}))"
# What htmx does: its own request, and its event on the document, with the real request in it.
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


def walks(shopper: Shopper, way: str) -> None:
    """The funnel, with the cart filled by *way*."""
    shopper.goes("/product")
    shopper.page.evaluate(way)
    shopper.settles()
    shopper.buys()


@WAYS
def test_the_header_is_read(visit: Visit, counts: Counts, way: str) -> None:
    """The page fires what the header tells, and the pair counts once."""
    shopper = visit()
    walks(shopper, way)

    counts(shopper, "told in a header, read by htmx or fetch")

    assert (shopper.posts(), shopper.counted("both"), shopper.wrong) == (ALL, ALL, [])


def test_the_header_is_read_under_a_policy(visit: Visit, counts: Counts) -> None:
    """Nothing of it needs more than the policy allows."""
    shopper = visit(csp="strict-dynamic")
    walks(shopper, READS)

    counts(shopper, "told in a header, read by htmx or fetch")

    assert shopper.told("violation") == []


def test_a_payload_fired_twice(visit: Visit) -> None:
    """`fire` knows what this tab has sent, by name and id, on the next page too."""
    shopper = visit()
    shopper.goes("/product")
    told = shopper.page.evaluate("async () => (await fetch('/cart', {method: 'POST'})).json()")
    shopper.page.evaluate("(told) => { tiktokEvents.fire(told); tiktokEvents.fire([told]); }", told)
    shopper.settles()
    shopper.goes("/")
    shopper.page.evaluate("(told) => tiktokEvents.fire(told)", told)
    shopper.settles()
    shopper.delivery.deliver()

    assert shopper.posts() == {"ViewContent": 1, "AddToCart": 1}
    assert shopper.heard("AddToCart", "both") == 1


def test_one_answer_read_twice(visit: Visit) -> None:
    """The page reads it by itself and htmx's event comes too: sent once."""
    shopper = visit()
    shopper.goes("/product")
    shopper.page.evaluate(
        """async () => {
          const response = await fetch("/fragment", {method: "POST"});
          tiktokEvents.read(response);
          document.dispatchEvent(new CustomEvent("htmx:after:request", {detail: {ctx: {response}}}));
        }"""
    )
    shopper.settles()
    shopper.delivery.deliver()

    assert (shopper.posts()["AddToCart"], shopper.heard("AddToCart", "both")) == (1, 1)


@pytest.mark.parametrize(
    ("way", "word"), [(READS, "no"), (HTMX_2, None), (HTMX_4, "no")], ids=["read", "htmx2", "htmx4"]
)
def test_without_consent(visit: Visit, way: str, word: str | None) -> None:
    """The answer tells nothing, and the page sends nothing."""
    shopper = visit(consent=web.ConsentCookie("shop_consent", {"yes"}, {"no"}))
    shopper.has_pixel = False
    if word:
        shopper.context.add_cookies([{"name": "shop_consent", "value": word, "url": shopper.url}])
    shopper.goes("/product")
    shopper.page.evaluate(way)

    assert shopper.traces() == NO_TRACES


# --- htmx itself ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["2.0.11", "4.0.1"])
def htmx(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script as npm has it; skipped where npm or its registry is not at hand."""
    folder = tmp_path_factory.mktemp("htmx")
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("needs npm")
    asked = [npm, "pack", f"htmx.org@{request.param}", "--fetch-retries=0", "--fetch-timeout=10000"]
    try:
        subprocess.run(asked, cwd=folder, check=True, capture_output=True, timeout=30)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        pytest.skip("npm could not fetch htmx")
    with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
        script: Any = archive.extractfile("package/dist/htmx.min.js")
        return str(script.read().decode())


def test_htmx_itself(visit: Visit, counts: Counts, htmx: str) -> None:
    """A button with hx-post puts the fragment into the page, and the header's call is fired."""
    shopper = visit()
    shopper.goes("/product")
    shopper.page.evaluate(
        """() => document.body.insertAdjacentHTML(
          "beforeend", '<button id="buy" hx-post="/fragment" hx-target="#answer">Buy</button>')"""
    )
    shopper.page.add_script_tag(content=htmx)
    shopper.page.click("#buy")
    shopper.page.wait_for_selector("#answer p")
    shopper.wait(lambda: shopper.heard("AddToCart", "browser_alone") == 1)
    shopper.settles()
    shopper.buys()

    counts(shopper, "told in a header, read by htmx or fetch")

    assert (shopper.posts(), shopper.counted("both")) == (ALL, ALL)
