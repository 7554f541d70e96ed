"""Who walks through a shop in a real browser, and what of it was seen by whom."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
from serving import PATIENCE
from shop_apps import EMAIL
from truth import FUNNEL

import tiktok_events as tt

PIXEL, OTHER, TOKEN, SECRET = "C0EXAMPLE0EXAMPLE000", "D0EXAMPLE0EXAMPLE999", "local", "a secret of sixteen or more"
CLICK = "E.C.P.zzpii-click"
# Headless Chromium says so in its name, and is taken for the program it is.
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
BARRIER = "Search"
DAY = 86_400
# Told before any script of the page runs: what it writes into cookies, what its policy forbids, when it is shown.
WATCH = """(() => {
  const cookie = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
  Object.defineProperty(Document.prototype, "cookie", {
    ...cookie, set(text) { window.seen("cookie", String(text)); cookie.set.call(this, text); },
  });
  document.addEventListener("securitypolicyviolation", (event) => window.seen("violation", event.effectiveDirective));
  addEventListener("pageshow", (event) => window.seen("shown", event.persisted ? "revived" : "loaded"));
})()"""

BARRED = """async ([event, patience]) => {
  for (let waited = 0; !(window.ttq && ttq._standIn); waited += 2) {
    if (waited > patience) throw new Error("the pixel did not come");
    await new Promise((done) => setTimeout(done, 2));
  }
  ttq.track(event);
}"""
SENDS = """([form, email]) => {
  const one = document.getElementById(form);
  one.elements.email.value = email;
  one.querySelector("button").click();
}"""


class Calendar:
    """The day it is for the shop and the manager: today, or `behind` seconds before it."""

    behind = 0.0

    def __call__(self) -> float:
        return time.time() - self.behind


class Delivery:
    """What a site sends to: the client every shop has, and the test sees what it was given.

    With *held* nothing leaves before `deliver`, as when a worker is down.
    """

    def __init__(self, *, held: bool = False) -> None:
        self.events: list[tt.Event] = []
        self.client = tt.Client(tt.EventSource.web(PIXEL, TOKEN))
        self.outbox = tt.MemoryOutbox()
        self.held = held
        self.background = tt.BackgroundClient(self.client, self.outbox, deliver=not held)

    def track(self, *events: tt.Event) -> int:
        """Keep and pass on."""
        self.events += events
        return self.background.track(*events)

    def deliver(self) -> None:
        """See that all of it has arrived."""
        if self.held:
            tt.Worker(self.outbox, self.client).drain_once()
            assert self.outbox.depth() == 0
        else:
            assert self.background.flush(PATIENCE) == 0

    def close(self) -> None:
        """For good."""
        self.background.close(PATIENCE)
        self.client.close()


class Traces(NamedTuple):
    """What a visit left: where the browser asked beside the shop, cookies written, what the manager and the site got."""

    asked: set[str]
    written: set[str]
    received: int
    tracked: list[str]


NO_TRACES = Traces(set(), set(), 0, [])


class Shopper:
    """One visitor's browser at the shop, and what the manager has heard of it."""

    def __init__(self, context: Any, url: str, manager: Any, delivery: Any, *, host: str = "127.0.0.1") -> None:
        self.url, self.manager, self.delivery = url.replace("127.0.0.1", host), manager, delivery
        self._webhook = f"{url}/webhook/1001"
        self.asked: list[str] = []
        self.wrong: list[str] = []
        self.seen: list[tuple[str, str]] = []
        self._received = self._tracked = 0
        self.has_pixel = True
        self.opens(context)

    def opens(self, context: Any) -> None:
        """Look at the shop from this browser from now on."""
        self.context = context
        context.on("request", lambda request: self.asked.append(request.url))
        context.on("weberror", lambda error: self.wrong.append(str(error.error)))
        context.on("console", self._hears)
        context.expose_binding("seen", lambda _page, kind, text: self.seen.append((kind, text)))
        context.add_init_script(WATCH)
        self.new_tab()

    def _hears(self, said: Any) -> None:
        if said.type == "error" and not said.location["url"].endswith("/favicon.ico"):  # the examples have none
            self.wrong.append(f"{said.text} {said.location['url'].partition('?')[0]}")

    def _answered(self, answer: Any) -> None:
        for name, value in answer["headers"].items():
            if name.lower() == "set-cookie":
                self.seen += [("cookie", one) for one in value.split("\n")]

    def blocks_the_pixel(self) -> None:
        """As an ad blocker does."""
        self.has_pixel = False
        self.context.route("**/events.js*", lambda route: route.abort())

    def new_tab(self) -> None:
        """The same browser, another tab: the cookies are there, the tab's own storage is not."""
        self.page = self.context.new_page()
        session = self.context.new_cdp_session(self.page)
        session.on("Network.responseReceivedExtraInfo", self._answered)
        session.send("Network.enable")

    def leaves(self) -> None:
        """Close the browser."""
        self.context.close()

    # --- what a person does -------------------------------------------------------------------------------------------

    def goes(self, path: str) -> None:
        """Open a page and wait for its events."""
        self.page.goto(self.url + path)
        self.settles()

    def submits(self, form: str, email: str = "") -> None:
        """Fill in and send a form, and wait for the events of the page it leads to."""
        with self.page.expect_navigation():
            self.page.evaluate(SENDS, [form, email])
        self.settles()

    def clicks(self, selector: str, email: str = "") -> None:
        """Press a button or a link, with the form's address filled in, and wait for the page it leads to."""
        if email:
            self.page.locator("input[name=email]").first.fill(email)
        with self.page.expect_navigation():
            self.page.locator(selector).first.click()
        self.settles()

    def moves(self, steps: int) -> str:
        """Back or forward by so many pages; says whether the page was "loaded" again or "revived" from memory."""
        before = self.told("shown")
        self.page.evaluate(f"() => void setTimeout(() => history.go({steps}))")
        self.wait(lambda: len(self.told("shown")) > len(before))
        self.settles()
        return self.told("shown")[-1]

    def reloads(self) -> None:
        """Load the page again."""
        self.page.reload()
        self.settles()

    def adds_to_cart(self) -> None:
        """By fetch: the answer says what the page reports."""
        self.page.evaluate(
            """async () => { const answer = await fetch("/cart", {method: "POST"});
            const told = await answer.json(); if (told && window.tiktokEvents) tiktokEvents.fire(told); }"""
        )
        self.settles()

    def is_paid(self, times: int = 1) -> None:
        """The payment provider tells the shop, with no cookie of the visitor's."""
        for _ in range(times):
            answer = httpx.post(self._webhook, headers={"user-agent": "Stripe/1.0"}, trust_env=False)
            assert answer.status_code == 200

    def pays(self) -> None:
        """The provider tells the shop, and the shopper comes back to be thanked."""
        self.is_paid()
        self.goes("/thanks/1001")

    def walks(self, landing: str = "/product", *, pays: Callable[[], object] | None = None) -> None:
        """The whole funnel: each of its events happens once. *pays* is another way to the thank-you page."""
        self.goes(landing)
        self.adds_to_cart()
        self.buys(pays)

    def buys(self, pays: Callable[[], object] | None = None) -> None:
        """The funnel from the checkout on."""
        self.submits("checkout", EMAIL)
        (pays or self.pays)()
        self.submits("contact", EMAIL)
        self.submits("newsletter", EMAIL)

    # --- what was seen of it ------------------------------------------------------------------------------------------

    def settles(self) -> None:
        """Wait until the manager has what the page reports. The pixel reports in order, so one more event tells."""
        if not self.has_pixel:
            return
        before = self.heard(BARRIER)
        self.page.evaluate(BARRED, [BARRIER, PATIENCE * 1000])
        end = time.monotonic() + PATIENCE
        while self.heard(BARRIER) == before:  # a question to the manager, none to the browser
            assert time.monotonic() < end, "it did not come"
            time.sleep(0.002)

    def wait(self, is_so: Callable[[], bool]) -> None:
        """Until *is_so*, but not for ever."""
        end = time.monotonic() + PATIENCE
        while not is_so():
            assert time.monotonic() < end, "it did not come"
            self.page.wait_for_timeout(5)

    def told(self, kind: str) -> list[str]:
        """What the pages told of that kind: "cookie", "violation", "shown"."""
        return [text for one, text in self.seen if one == kind]

    def heard(self, name: str, figure: str = "conversions") -> int:
        """One figure of an event in the manager's summary."""
        return next((one[figure] for one in self.manager.summary()["events"] if one["event"] == name), 0)

    def counted(self, figure: str = "conversions") -> dict[str, int]:
        """That figure of all the funnel's events that have it."""
        return {name: many for name in FUNNEL if (many := self.heard(name, figure))}

    def posts(self) -> Counter[str]:
        """How often the browser sent each event of the funnel, whatever became of it."""
        return Counter(one["event"] for one in self._events() if one["channel"] == "browser")

    def posted_ids(self) -> Counter[tuple[str, str]]:
        """The same by name and id."""
        return Counter((one["event"], one["event_id"]) for one in self._events() if one["channel"] == "browser")

    def _events(self) -> list[dict[str, Any]]:
        return [one for one in self.manager.events() if one["event"] in FUNNEL]

    def server_copy(self, name: str) -> dict[str, Any]:
        """The one server event of that name, as the manager shows it."""
        (found,) = [one for one in self._events() if (one["event"], one["channel"]) == (name, "server")]
        return found

    def cookies(self) -> set[str]:
        """The names of what the browser holds."""
        return {cookie["name"] for cookie in self.context.cookies()}

    def forgets(self) -> None:
        """What was seen so far is no trace: `traces` begins here."""
        self.asked.clear()
        self.seen.clear()
        self._received = self.manager.summary()["received"]
        self._tracked = len(self.delivery.events)

    def traces(self) -> Traces:
        """What was sent and kept since the beginning. The shop's own consent cookie and expiries are no traces."""
        self.page.evaluate("0")  # what the page has told by now has come
        asked = {url.partition("?")[0] for url in self.asked if not url.startswith((self.url, "data:"))}
        lasting = (text for text in self.told("cookie") if "max-age=0" not in text.lower())
        written = {text.partition("=")[0].strip() for text in lasting} - {"shop_consent", "consent"}
        received = self.manager.summary()["received"] - self._received
        return Traces(asked, written, received, [one.event for one in self.delivery.events[self._tracked :]])

    def turns_clock(self, seconds: float) -> None:
        """Let *seconds* pass for the manager."""
        url = self.manager.url
        answer = httpx.post(f"{url}/api/clock", json={"advance": seconds}, headers={"origin": url}, trust_env=False)
        assert answer.status_code == 200


Visit = Callable[..., Shopper]
"""The fixture `visit`: opens a shop with the site's settings."""
Counts = Callable[[Shopper, str], None]
"""The fixture `counts`: compares a walk with a row of the table."""
