"""`capture()`: what every client would send is there at once, told apart as TikTok counts it, and nothing is sent."""

import asyncio
import json
import threading
from decimal import Decimal

import markers
import pytest
from marker_hook import raises

import tiktok_events as tt
from tiktok_events import testing
from tiktok_events._api import network_guard
from tiktok_events.testing import SOURCE, capture

SHOP = tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "token", id_namespace="shop")
AT_IMPORT = tt.BackgroundClient(tt.Client(SHOP))


@pytest.fixture
def recorder():
    """What the fixture `tiktok` of the plugin is; that name is a fake TikTok's in this suite."""
    with capture() as recording:
        yield recording


def purchase(key="1001", value="46.00", **user):
    """An order, as a shop tells of it."""
    return tt.Event("Purchase", key=key, user=user, properties={"value": value, "currency": "EUR", "order_id": key})


def by_client(event):
    return tt.Client(SHOP).track(event).ok


def by_many(event):
    return tt.Client(SHOP).track_many([event]).ok


def by_async_client(event):
    return asyncio.run(tt.AsyncClient(SHOP).track(event)).ok


def by_async_many(event):
    return asyncio.run(tt.AsyncClient(SHOP).track_many([event])).ok


def by_background_client(event):
    return AT_IMPORT.track(event) == 1


def by_one_that_only_puts(event):
    return tt.BackgroundClient(tt.Client(SHOP), deliver=False).track(event) == 1


def by_worker(event):
    outbox = tt.MemoryOutbox()
    (item,) = json.loads(tt.encode(SHOP, [event]))["data"]
    outbox.put([tt.Record("web", "C0EXAMPLE0EXAMPLE000", None, item["event_id"], json.dumps(item).encode())])
    return tt.Worker(outbox, tt.Client(SHOP)).drain_once() == 1


WAYS = [by_client, by_many, by_async_client, by_async_many, by_background_client, by_one_that_only_puts, by_worker]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_every_client_is_recorded(way, recorder):
    """Whenever it was made, and at once: with the id, the digests and the numbers that TikTok would get."""
    threads = threading.active_count()

    assert way(purchase(email=markers.EMAIL))
    (event,) = recorder.sent()
    assert event.event_id == tt.event_id("Purchase", "1001", namespace="shop")
    assert event.user.email == tt.User(email=markers.EMAIL).email
    assert event.properties.value == Decimal("46.00")
    assert threading.active_count() == threads


def test_a_background_client_counts_and_holds_nothing_back(recorder):
    """Its numbers read as after a delivery, and its outbox is empty."""
    background = tt.BackgroundClient(tt.Client(SHOP))
    background.track(purchase("1"), purchase("2"))

    stats = background.stats()
    assert (stats.queued, stats.delivered, stats.waiting) == (2, 2, 0)
    assert background.flush(0) == 0


def test_hooks_run_as_ever(recorder):
    """What `before_send` makes of an event is recorded, and that it dropped one is told."""
    settled = []
    background = tt.BackgroundClient(
        tt.AsyncClient(SHOP),
        before_send=lambda event: event if event.key == "1" else None,
        on_sent=settled.extend,
    )
    queued = background.track(purchase("1"), purchase("2"))

    assert [queued, len(recorder.sent()), len(settled)] == [1, 1, 1]
    assert [str(one) for one in recorder.dropped] == ["before_send, it returned None"]
    assert [one.event for one in recorder.dropped] == ["Purchase"]


def test_a_thread_is_recorded_too(recorder):
    """Executors and live servers run in threads."""
    thread = threading.Thread(target=AT_IMPORT.track, args=(purchase(),))
    thread.start()
    thread.join()

    recorder.assert_sent("Purchase")


def test_posts_are_told_from_conversions(recorder):
    """A webhook that comes twice is two posts and one conversion; another pixel's is one of its own."""
    AT_IMPORT.track(purchase())
    AT_IMPORT.track(purchase())

    assert len(recorder.sent("Purchase")) == 2
    assert recorder.sent("Lead") == []
    assert recorder.assert_sent("Purchase").event_id == recorder.sent()[0].event_id

    tt.Client(tt.EventSource.web("C0ANOTHER0PIXEL00000", "token", id_namespace="shop")).track(purchase())

    recorder.assert_sent("Purchase", times=2)


def test_what_an_assertion_gives_is_hashed_and_normalised(recorder):
    """As the shop's own values were; of several identifiers one must be it, and None is an absent field."""
    user = {"email": markers.EMAIL_TYPED, "phone": markers.PHONE_TYPED}
    AT_IMPORT.track(purchase(**user, external_id=[markers.EXTERNAL_ID, markers.OTHER_EXTERNAL_ID]))

    recorder.assert_sent(
        "Purchase",
        key=1001,
        user={"email": markers.EMAIL, "phone": markers.PHONE, "external_id": markers.OTHER_EXTERNAL_ID, "ttclid": None},
        value=Decimal(46),
        currency="eur",
        order_id=1001,
        description=None,
    )


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"key": "1002"}, "key"),
        ({"user": {"email": markers.OTHER_EMAIL}}, "user.email"),
        ({"user": {"ttclid": markers.TTCLID}}, "user.ttclid"),
        ({"user": {"email": None}}, "user.email"),
        ({"user": {"email": [markers.EMAIL, markers.OTHER_EMAIL]}}, "user.email"),
        ({"value": "46.01"}, "properties.value"),
        ({"currency": None}, "properties.currency"),
        ({"contents": [{"content_id": "cup"}]}, "properties.contents"),
        ({"key": "1002", "user": {"phone": markers.PHONE}, "value": 46}, "key, user.phone"),
    ],
)
def test_a_failure_names_what_differs_and_shows_no_value(asked, named, recorder):
    """`raises` looks for personal data, and for its digests, in the message."""
    AT_IMPORT.track(purchase(email=markers.EMAIL))
    with raises(AssertionError) as caught:
        recorder.assert_sent("Purchase", **asked)

    asked_for = ", ".join([*(["key"] if "key" in asked else []), *(f"user.{one}" for one in asked.get("user", ()))])
    asked_for += "".join(f", properties.{one}" for one in asked if one not in ("key", "user"))
    expected = f"Purchase sent 0 times with this {asked_for.strip(', ')}; sent: Purchase x1."
    assert str(caught.value) == f"{expected} The nearest Purchase differs in {named}."


def test_a_failure_says_what_was_sent_and_what_was_dropped(recorder):
    """Silent drops are the first cause of a red test."""
    with raises(AssertionError, match=r"^Purchase sent 0 times; sent: nothing\.$"):
        recorder.assert_sent("Purchase")
    AT_IMPORT.track(purchase("1"), purchase("2"), purchase("2"), tt.Event("InitiateCheckout"))
    with raises(tt.EventValidationError):
        tt.Client(SHOP).track(tt.Event("Purchase", properties={"value": f"{markers.PHONE} euros"}))

    dropped = r"1 event dropped: invalid, properties\.value: is not a number \(value-malformed\)\..*"
    with raises(
        AssertionError, match=rf"^Purchase sent 2 times, not 1; sent: Purchase x2, InitiateCheckout x1\. {dropped}"
    ):
        recorder.assert_sent("Purchase")
    with raises(
        AssertionError, match=r"^Purchase sent 2 times, not 0; sent: Purchase x2, InitiateCheckout x1\. 1 event"
    ):
        recorder.assert_not_sent("Purchase")
    with raises(
        AssertionError, match=r"^InitiateCheckout sent 1 time, not 2; .* 1 event dropped: Purchase, invalid, prop"
    ):
        recorder.assert_sent("InitiateCheckout", times=2)
    recorder.assert_not_sent("Lead")
    assert repr(recorder) == "Recorder(4 sent, 1 dropped)"


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"times": 0}, ValueError),
        ({"user": {"phone": "no phone"}}, tt.EventValidationError),
        ({"value": "many"}, tt.EventValidationError),
        ({"prize": 46}, TypeError),
        ({"key": None}, TypeError),
    ],
)
def test_an_assertion_that_cannot_hold_is_a_mistake(asked, error, recorder):
    """A field that is none, or that no value is left of, would match everything."""
    AT_IMPORT.track(purchase())
    with raises(error):
        recorder.assert_sent("Purchase", **asked)


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"user": {"phone": markers.PHONE + "x"}}, "phone-malformed"),
        ({"properties": {"value": 46}}, "currency-missing"),
        ({"properties": {"value": "many"}}, "value-malformed"),
    ],
)
def test_a_background_client_raises_what_a_shop_would_log(fields, rule, caplog):
    """In a test, unless it, or the capture, says otherwise; outside of one never."""
    fields = {"user": {"email": markers.EMAIL}, **fields}
    event = tt.Event("Purchase", **fields)
    with capture(), raises(tt.EventValidationError) as caught:
        AT_IMPORT.track(event)
    with capture() as lenient:
        tt.BackgroundClient(tt.Client(SHOP), strict=False).track(event)
    with capture(strict=False) as lenient_too:
        AT_IMPORT.track(event)
    outside = tt.BackgroundClient(tt.Client(SHOP), deliver=False).track(event)

    assert rule in [one.rule for one in caught.value.problems]
    left = int(rule != "value-malformed")
    assert len(lenient.sent()) == len(lenient_too.sent()) == outside == left
    assert [one.reason for one in (*lenient.dropped, *lenient_too.dropped)] == ["invalid"] * 2 * (1 - left)


def test_the_inner_of_two_captures_records(recorder):
    """And the outer one goes on afterwards."""
    with capture() as inner:
        AT_IMPORT.track(purchase("1"))
    AT_IMPORT.track(purchase("2"))

    assert [len(inner.sent()), len(recorder.sent())] == [1, 1]


def test_it_ends_with_its_block_even_when_that_fails():
    """What comes later is not recorded, here or anywhere."""
    with raises(RuntimeError), capture() as recording:
        raise RuntimeError("the test failed")
    tt.BackgroundClient(tt.Client(SHOP), deliver=False).track(purchase())

    assert network_guard.recorder is None
    assert recording.sent() == []


def test_what_is_logged_once_is_logged_again(caplog, monkeypatch):
    """A test before has not used it up, and this one does not use it up for the process."""
    monkeypatch.setattr("tiktok_events._runtime.log_once._repeats", {})
    site = tt.Site(SOURCE)
    for _ in range(2):
        with capture():
            site.resume(None)
            site.resume(None)
    inside = len(caplog.records)
    site.resume(None)
    site.resume(None)

    assert [inside, len(caplog.records)] == [2, 3]


class InTheManner(testing.TikTokEventsTestCase):
    """A test case as its users write them; run below."""

    def runTest(self):
        """One conversion in each."""
        AT_IMPORT.track(purchase())

        self.tiktok.assert_sent("Purchase")
        assert len(self.tiktok.sent()) == 1


def test_a_test_case_records_by_itself():
    """Each test of a class from its start, and no longer."""
    case = InTheManner()
    results = [case.run() for _ in range(2)]

    assert [result.wasSuccessful() for result in results] == [True, True]
    assert network_guard.recorder is None
