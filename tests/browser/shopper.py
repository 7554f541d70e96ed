"""A visitor of a shop in a real browser, and what the browser, the site and the Events Manager observe."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
from expected import FUNNEL
from serving import PATIENCE
from shop_apps import EMAIL

import tiktok_events as tt

PIXEL, OTHER, TOKEN, SECRET = "C0EXAMPLE0EXAMPLE000", "D0EXAMPLE0EXAMPLE999", "local", "a secret of sixteen or more"
CLICK = "E.C.P.zzpii-click"
# The user agent of headless Chromium names it as a bot, so tests use that of a visitor.
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
BARRIER = "Search"
DAY = 86_400
# Runs before the page's scripts. Reports cookies that scripts write, policy violations, and how the page was shown.
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
    if (waited > patience) throw new Error("the pixel was not loaded");
    await new Promise((done) => setTimeout(done, 2));
  }
  ttq.track(event);
}"""
SENDS = """([form, email]) => {
  const element = document.getElementById(form);
  element.elements.email.value = email;
  element.querySelector("button").click();
}"""


class Calendar:
    """The clock of the shop and of the manager: now, or `behind` seconds earlier."""

    behind = 0.0

    def __call__(self) -> float:
        return time.time() - self.behind


class Delivery:
    """The site's client: a `BackgroundClient` that also records its events.

    With *held* nothing is sent before `deliver`, as when the worker is down.
    """

    def __init__(self, *, held: bool = False, max_event_age: float | None = None, clock: Any = time.time) -> None:
        self._max_event_age, self._clock = max_event_age, clock
        self.events: list[tt.Event] = []
        self.client = tt.Client(tt.EventSource.web(PIXEL, TOKEN))
        self.outbox = tt.MemoryOutbox()
        self.held = held
        self.background = tt.BackgroundClient(self.client, self.outbox, deliver=not held)

    def track(self, *events: tt.Event) -> int:
        """Record and queue the events."""
        self.events += events
        return self.background.track(*events)

    def deliver(self) -> None:
        """Wait until all events have arrived."""
        if self.held:
            tt.Worker(self.outbox, self.client, max_event_age=self._max_event_age, wall_clock=self._clock).drain_once()
            assert self.outbox.depth() == 0
        else:
            assert self.background.flush(PATIENCE) == 0

    def close(self) -> None:
        """Close the client and the outbox."""
        self.background.close(PATIENCE)
        self.client.close()


class Traces(NamedTuple):
    """Traces of a visit: requested URLs of other hosts, written cookies, and events received and tracked."""

    requested: set[str]
    written: set[str]
    received: int
    tracked: list[str]


NO_TRACES = Traces(set(), set(), 0, [])


class Shopper:
    """One visitor's browser at the shop, and what the manager received from it."""

    def __init__(self, context: Any, url: str, manager: Any, delivery: Any, *, host: str = "127.0.0.1") -> None:
        self.url, self.manager, self.delivery = url.replace("127.0.0.1", host), manager, delivery
        self._webhook = f"{url}/webhook/1001"
        self.requested: list[str] = []
        self.errors: list[str] = []
        self.reports: list[tuple[str, str]] = []
        self._received_before = self._tracked_before = 0
        self.has_pixel = True
        self.open(context)

    def open(self, context: Any) -> None:
        """Use this browser from now on."""
        self.context = context
        context.on("request", lambda request: self.requested.append(request.url))
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        context.on("console", self._on_console)
        context.expose_binding("seen", lambda _page, kind, text: self.reports.append((kind, text)))
        context.add_init_script(WATCH)
        self.new_tab()

    def _on_console(self, message: Any) -> None:
        if message.type == "error" and not message.location["url"].endswith("/favicon.ico"):  # the examples have none
            self.errors.append(f"{message.text} {message.location['url'].partition('?')[0]}")

    def _on_response(self, response: Any) -> None:
        for name, value in response["headers"].items():
            if name.lower() == "set-cookie":
                self.reports += [("cookie", one) for one in value.split("\n")]

    def block_pixel(self) -> None:
        """Block the pixel's script, as an ad blocker does."""
        self.has_pixel = False
        self.context.route("**/events.js*", lambda route: route.abort())

    def new_tab(self) -> None:
        """Open another tab of the same browser: with its cookies, without the first tab's session storage."""
        self.page = self.context.new_page()
        session = self.context.new_cdp_session(self.page)
        session.on("Network.responseReceivedExtraInfo", self._on_response)
        session.send("Network.enable")

    def close(self) -> None:
        """Close the browser context."""
        self.context.close()

    # --- actions of the visitor ---------------------------------------------------------------------------------------

    def goto(self, path: str) -> None:
        """Open a page and wait for its events."""
        self.page.goto(self.url + path)
        self.wait_for_events()

    def submit(self, form: str, email: str = "") -> None:
        """Fill in and submit a form, and wait for the events of the next page."""
        with self.page.expect_navigation():
            self.page.evaluate(SENDS, [form, email])
        self.wait_for_events()

    def click(self, selector: str, email: str = "") -> None:
        """Fill in the email field, click a button or a link, and wait for the next page."""
        if email:
            self.page.locator("input[name=email]").first.fill(email)
        with self.page.expect_navigation():
            self.page.locator(selector).first.click()
        self.wait_for_events()

    def go_in_history(self, steps: int) -> str:
        """Go back or forward by *steps* pages. Returns "loaded", or "revived" if the page came from memory."""
        before = self.page_reports("shown")
        self.page.evaluate(f"() => void setTimeout(() => history.go({steps}))")
        self.wait(lambda: len(self.page_reports("shown")) > len(before))
        self.wait_for_events()
        return self.page_reports("shown")[-1]

    def reload(self) -> None:
        """Reload the page."""
        self.page.reload()
        self.wait_for_events()

    def add_to_cart(self) -> None:
        """Add to the cart by fetch; the response has the page's call."""
        self.page.evaluate(
            """async () => { const response = await fetch("/cart", {method: "POST"});
            const payload = await response.json(); if (payload && window.tiktokEvents) tiktokEvents.fire(payload); }"""
        )
        self.wait_for_events()

    def send_payment_webhook(self, times: int = 1) -> None:
        """Send the payment provider's webhook, which has no cookie of the visitor."""
        for _ in range(times):
            answer = httpx.post(self._webhook, headers={"user-agent": "Stripe/1.0"}, trust_env=False)
            assert answer.status_code == 200

    def pay(self) -> None:
        """Send the payment webhook, then open the thank-you page."""
        self.send_payment_webhook()
        self.goto("/thanks/1001")

    def complete_funnel(self, landing: str = "/product", *, pays: Callable[[], object] | None = None) -> None:
        """Complete the funnel: each of its events happens once. *pays* is another way to the thank-you page."""
        self.goto(landing)
        self.add_to_cart()
        self.complete_checkout(pays)

    def complete_checkout(self, pays: Callable[[], object] | None = None) -> None:
        """Complete the funnel from the checkout on."""
        self.submit("checkout", EMAIL)
        (pays or self.pay)()
        self.submit("contact", EMAIL)
        self.submit("newsletter", EMAIL)

    # --- observations -------------------------------------------------------------------------------------------------

    def wait_for_events(self) -> None:
        """Wait until the manager has the page's events: the pixel keeps the order, so one more event comes last."""
        if not self.has_pixel:
            return
        before = self.manager_count(BARRIER)
        self.page.evaluate(BARRED, [BARRIER, PATIENCE * 1000])
        end = time.monotonic() + PATIENCE
        while self.manager_count(BARRIER) == before:  # ask the manager only, so that the browser is left alone
            assert time.monotonic() < end, "it did not come"
            time.sleep(0.002)

    def wait(self, is_so: Callable[[], bool]) -> None:
        """Wait until *is_so* returns true, for a limited time."""
        end = time.monotonic() + PATIENCE
        while not is_so():
            assert time.monotonic() < end, "it did not come"
            self.page.wait_for_timeout(5)

    def page_reports(self, kind: str) -> list[str]:
        """The page's reports of a kind: "cookie", "violation" or "shown"."""
        return [text for reported, text in self.reports if reported == kind]

    def manager_count(self, name: str, figure: str = "conversions") -> int:
        """One figure of an event in the manager's summary."""
        return next((one[figure] for one in self.manager.summary()["events"] if one["event"] == name), 0)

    def manager_counts(self, figure: str = "conversions") -> dict[str, int]:
        """One figure of each event of the funnel, without zeros."""
        return {name: count for name in FUNNEL if (count := self.manager_count(name, figure))}

    def browser_posts(self) -> Counter[str]:
        """How often the browser sent each event of the funnel, whether it was counted or not."""
        return Counter(one["event"] for one in self._events() if one["channel"] == "browser")

    def posted_ids(self) -> Counter[tuple[str, str]]:
        """How often the browser sent each pair of name and id."""
        return Counter((one["event"], one["event_id"]) for one in self._events() if one["channel"] == "browser")

    def _events(self) -> list[dict[str, Any]]:
        return [one for one in self.manager.events() if one["event"] in FUNNEL]

    def server_copy(self, name: str) -> dict[str, Any]:
        """The only server event of that name in the manager."""
        (found,) = [one for one in self._events() if (one["event"], one["channel"]) == (name, "server")]
        return found

    def cookies(self) -> set[str]:
        """The names of the browser's cookies."""
        return {cookie["name"] for cookie in self.context.cookies()}

    def reset_traces(self) -> None:
        """Forget the traces so far, so that `traces` starts here."""
        self.requested.clear()
        self.reports.clear()
        self._received_before = self.manager.summary()["received"]
        self._tracked_before = len(self.delivery.events)

    def traces(self) -> Traces:
        """The traces since the start. The shop's consent cookie and expired cookies do not count."""
        self.page.evaluate("0")  # waits until the page's reports have arrived
        requested = {url.partition("?")[0] for url in self.requested if not url.startswith((self.url, "data:"))}
        stored = (text for text in self.page_reports("cookie") if "max-age=0" not in text.lower())
        written = {text.partition("=")[0].strip() for text in stored} - {"shop_consent", "consent"}
        received = self.manager.summary()["received"] - self._received_before
        return Traces(requested, written, received, [one.event for one in self.delivery.events[self._tracked_before :]])

    def advance_clock(self, seconds: float) -> None:
        """Advance the manager's clock by *seconds*."""
        url = self.manager.url
        answer = httpx.post(f"{url}/api/clock", json={"advance": seconds}, headers={"origin": url}, trust_env=False)
        assert answer.status_code == 200


Visit = Callable[..., Shopper]
"""Type of the fixture `visit`, which opens a shop with settings of its site."""
CheckCounts = Callable[[Shopper, str], None]
"""Type of the fixture `check_counts`, which compares the counts of a visit with a row of the table."""
