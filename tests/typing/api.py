"""Typical use, and mistakes that a type checker must see. Checked, never run.

Each `type: ignore` proves a mistake: mypy complains about the ignore itself when the mistake goes unseen.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import ip_address
from uuid import uuid4

import httpx

import tiktok_events as tt
from tiktok_events import web
from tiktok_events.testing import Dropped, Recorder, TikTokEventsTestCase, capture

source: tt.EventSource = tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "token", test_event_code="TEST1")
from_environment: tt.EventSource = tt.EventSource.from_env("offline")

event = tt.Event(
    "Purchase",
    key=uuid4(),
    event_time=datetime.now(UTC),
    user={"email": ["a@example.com", None], "phone": "+15550100199", "external_id": 7, "ip": ip_address("9.9.9.9")},
    page={"url": "https://shop.example/"},
    properties={
        "value": Decimal("46.00"),
        "currency": "EUR",
        "contents": [{"content_id": 1, "price": "23.00", "quantity": 2}, tt.Content(content_id="2")],
        "content_ids": [1, "2", uuid4()],
        "travel_class": "eco",
    },
    ad={"campaign_id": 1},
    app=tt.App(app_id=1),
    lead=tt.Lead(lead_id="1"),
    limited_data_use=False,
    extra={"device": {"mobile": True}},
)
by_classes = tt.Event(
    event="Purchase",
    event_id=5,
    user=tt.User(email="a@example.com", phone_region="DE"),
    properties=tt.Properties(value="46.00", content_type="product", vin="x", contents=iter([tt.Content(price=1.5)])),
    page=tt.Page(url="https://shop.example/", referrer=None),
    ad=tt.Ad(attribution_share=0.5),
)
name: str | None = event.event
moment: int | None = event.event_time
email: str | tuple[str, ...] | None = event.user.email if event.user else None
value: Decimal | None = event.properties.value if event.properties else None
items: tuple[tt.Content, ...] = event.properties.contents if event.properties else ()
problems: list[tt.Problem] = tt.check(event, source, now=0.0)
severities: list[str] = [problem.severity for problem in problems]
body: bytes = tt.encode(source, [event])
answer: tt.TrackResponse = tt.decode(200, body)
made: str = tt.event_id("Purchase", 1001, namespace="shop")
money: Decimal = tt.from_minor_units(4600, "EUR")


def blocking() -> int:
    """The blocking client, and what `except` reads."""
    retry = tt.RetryPolicy(attempts=3, max_total=10)
    with tt.Client(source, timeout=5, retry=retry, http=httpx.Client(proxy="http://127.0.0.1:1")) as client:
        try:
            response = client.track(event, by_classes)
        except tt.EventValidationError as error:
            return len(error.problems)
        except tt.ApiError as error:
            return error.code if error.retryable else len(error.response.results if error.response else ())
        many: tt.TrackResponse = client.track_many(several(), print)
        return len(response.rejected) + len(many.delivered)


def several() -> Iterator[tt.Event]:
    """Events from anywhere."""
    yield event


async def asynchronous() -> bool:
    """The same for async code."""
    async with tt.AsyncClient(source) as client:
        return (await client.track(event)).ok


def in_the_background() -> tt.Stats:
    """Queue, deliver elsewhere."""
    outboxes: list[tt.Outbox] = [tt.MemoryOutbox(max_events=10), tt.RedisOutbox("redis://localhost", streams=2)]
    outbox = outboxes[0]
    with tt.BackgroundClient(tt.Client(source), outbox) as background:
        queued: int = background.track(event)
        left: int = background.flush(1.0)
        tried: int = tt.Worker(outbox, background.client).drain_once() + queued + left
        return background.stats() if tried else tt.Stats()


def in_a_request(tracker: web.Tracker) -> str | None:
    """What a view says, with classes or mappings."""
    tracker.identify(email="a@example.com", phone=["+12025550143"])
    tracker.track(event, server=False)
    tracked: web.Tracked = tracker.track(
        "Purchase", key=1001, user={"email": "a@example.com"}, properties={"value": "46.00"}
    )
    payload: dict[str, object] | None = tracked.payload
    return tracked.event_id if payload else str(tracker.snapshot().as_metadata())


def test_purchase(tiktok: Recorder) -> None:
    """What a test asks the fixture."""
    found: tt.Event = tiktok.assert_sent("Purchase", times=1, key=1001, user={"email": "a@example.com"}, value="46.00")
    posts: list[tt.Event] = [found, *tiktok.sent("Purchase"), *tiktok.sent()]
    calls: list[dict[str, object]] = [*tiktok.browser_calls("<head></head>"), {"posts": posts}]
    tiktok.assert_not_sent("Lead")
    tiktok.assert_deduplicated("<head></head>")
    dropped: list[Dropped] = tiktok.dropped
    assert [one.reason == "consent" and one.request for one in dropped] or calls
    with capture(strict=False) as inner:
        inner.assert_sent("Lead", user={"emial": "a@example.com"})  # type: ignore[arg-type]
        inner.assert_sent("Lead", valeu=46)  # type: ignore[call-arg]
        inner.assert_sent("Lead", key=None)  # type: ignore[arg-type]


class CheckoutTest(TikTokEventsTestCase):
    """The same in unittest's manner."""

    def test_purchase(self) -> None:
        """Nothing is sent by nothing."""
        self.tiktok.assert_not_sent("Purchase")


asyncio.run(asynchronous())

# Mistakes.
tt.Event("Purchase", user={"emial": "a@example.com"})  # type: ignore[arg-type]
tt.Event("Purchase", properties={"contents_ids": ["1"]})  # type: ignore[arg-type]
tt.Event("Purchase", properties={"contents": [{"content_idd": "1"}]})  # type: ignore[arg-type]
tt.Event("Purchase", page={"url": 5})  # type: ignore[arg-type]
tt.Event("Purchase", key=None)  # type: ignore[arg-type]
tt.Event("Purchase", event_id=None)  # type: ignore[arg-type]
tt.Event("Purchase", usr={})  # type: ignore[call-arg]
tt.Event("Purchase", event_time=[2026])  # type: ignore[arg-type]
tt.Event("Purchase", "order-1")  # type: ignore[call-arg]
tt.Event()  # type: ignore[call-arg]
tt.User(emial="a@example.com")  # type: ignore[call-arg]
tt.User("a@example.com")  # type: ignore[call-arg]
tt.Properties(prize=5)  # type: ignore[call-arg]
tt.Properties(value=[5])  # type: ignore[arg-type]
tt.Page(url=5)  # type: ignore[arg-type]
tt.Ad(ad=5)  # type: ignore[call-arg]
tt.EventSource("website", "id", "token")  # type: ignore[arg-type]
tt.Client("token")  # type: ignore[arg-type]
tt.Client(source, http=httpx.AsyncClient())  # type: ignore[arg-type]
tt.Client(source).track({"event": "Purchase"})  # type: ignore[arg-type]
tt.event_id("Purchase", None)  # type: ignore[arg-type]
tt.from_minor_units(46.0, "EUR")  # type: ignore[arg-type]
site = tt.Site(source, strict=None)
site.resume(None).track("Purchase", usr={})  # type: ignore[call-arg]
site.resume(None).track("Purchase", user={"emial": "a@example.com"})  # type: ignore[arg-type]
site.resume(None).track("Purchase", key=None)  # type: ignore[arg-type]
site.resume(None).identify(emial="a@example.com")  # type: ignore[call-arg]
site.resume(None, consent="yes")  # type: ignore[arg-type]
