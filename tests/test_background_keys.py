"""A key counts once: what `track` of clients and sites returns for a repeat, and what is counted and rendered."""

from __future__ import annotations

import pytest

import tiktok_events as tt
from tiktok_events.testing import SOURCE
from tiktok_events.web import Site, Tracker, WebRequest

DAY = 86_400
NOW = 1_800_000_000.0
BROWSER = {
    b"user-agent": b"Mozilla/5.0 (X11; Linux x86_64) Chrome/141.0",
    b"host": b"shop.example",
    b"accept": b"text/html",
}


def a_tracker(site):
    """The tracker of a visitor's navigation."""
    return Tracker(site, WebRequest(scheme="https", path="/thanks", headers=BROWSER.items(), peer="8.8.8.8"))


def test_a_client_queues_a_key_once(tiktok):
    """The number says so; keyless events are all different."""
    dropped = []
    background = tt.BackgroundClient(tiktok.client(), on_dropped=lambda ids, reason: dropped.append((ids, reason)))
    first = background.track(tt.Event("Purchase", key=1), tt.Event("Lead"))
    second = background.track(tt.Event("Purchase", key=1), tt.Event("Lead"), tt.Event("Purchase", key=2))
    event_id = tt.event_id("Purchase", 1, namespace=SOURCE.id_namespace)

    assert (first, first.repeated) == (2, ())
    assert (second, [one.event_id for one in second.repeated]) == (2, [event_id])
    assert dropped == [([event_id], "repeat")]
    assert background.close() == 0
    assert (background.stats().queued, background.stats().repeated) == (4, 1)
    assert len(tiktok.events) == 4


@pytest.mark.parametrize("key", [{"key": 1}, {"event_id": "order-1"}, {}])
def test_only_keys_are_remembered(tiktok, key):
    """An `event_id` from elsewhere may be another scheme's; TikTok deduplicates it for 48 hours."""
    with tt.BackgroundClient(tiktok.client()) as background:
        for _ in range(3):
            background.track(tt.Event("Purchase", **key))

    assert len(tiktok.events) == (1 if "key" in key else 3)


def test_another_name_is_another_conversion(tiktok):
    """The id is of both."""
    with tt.BackgroundClient(tiktok.client()) as background:
        assert background.track(tt.Event("Purchase", key=1), tt.Event("Subscribe", key=1)) == 2


def test_the_days_of_a_client(tiktok):
    """They are of its outbox in memory; another outbox has its own."""
    with tt.BackgroundClient(tiktok.client(), remember_keys=0) as background:
        assert background.track(tt.Event("Purchase", key=1)) == background.track(tt.Event("Purchase", key=1)) == 1
    with pytest.raises(tt.ConfigurationError, match="remember_keys"):
        tt.BackgroundClient(tiktok.client(), tt.MemoryOutbox(), remember_keys=5)


def test_a_shared_outbox_finds_repeats_when_it_is_filled(tiktok, tmp_path):
    """While the file is busy, or for an outbox on a network, the thread finds out."""
    outbox = tt.SQLiteOutbox(tmp_path / "outbox.db")

    class Network(tt.SQLiteOutbox):
        scope = "network"

    with tt.BackgroundClient(tiktok.client(), outbox) as background:
        background.track(tt.Event("Purchase", key=1))
    remote = Network(tmp_path / "outbox.db")
    with tt.BackgroundClient(tiktok.client(), remote) as background:
        assert background.track(tt.Event("Purchase", key=1), tt.Event("Purchase", key=2)).repeated == ()
        assert background.flush(5) == 0
        assert background.stats().repeated == 1

    assert len(tiktok.events) == 2


def test_repeats_that_are_found_later_are_counted(tiktok, tmp_path):
    """A group commit writes later, and a spill may know a key that the outbox does not: nothing is dropped in silence."""
    dropped = []
    group = tt.SQLiteOutbox(tmp_path / "outbox.db", commit="group")
    background = tt.BackgroundClient(
        tiktok.client(), group, on_dropped=lambda ids, reason: dropped.append((len(ids), reason))
    )
    for key in (1, 1, 2, 1):
        assert background.track(tt.Event("Purchase", key=key)) == 1
    assert background.close() == 0

    assert sum(number for number, _ in dropped) == background.stats().repeated == 2
    assert {reason for _, reason in dropped} == {"repeat"}
    assert len(tiktok.events) == 2


def test_repeats_of_a_spill_are_counted(tiktok, tmp_path):
    """Memory in front of an outbox that is down remembers no key; the spill does."""

    class Down(tt.MemoryOutbox):
        scope = "network"

        def put(self, records):
            raise tt.OutboxUnavailable("the outbox does not answer")

    spill = tt.SQLiteOutbox(tmp_path / "spill.db")
    background = tt.BackgroundClient(tiktok.client(), Down(), deliver=False, spill=spill)
    for _ in range(3):
        background.track(tt.Event("Purchase", key=1))
    background.close()

    assert (background.stats().spilled, background.stats().repeated, spill.depth()) == (1, 2, 1)


@pytest.fixture
def clock():
    """The time of the site and of its outbox."""
    return [NOW]


@pytest.fixture
def site(tiktok, clock):
    """A site whose outbox remembers by the same clock."""
    outbox = tt.MemoryOutbox(clock=lambda: clock[0])
    client = tt.BackgroundClient(tiktok.client(), outbox)
    yield Site(SOURCE, client, consent=lambda request: True, secret_key="a secret of the tests", clock=lambda: clock[0])
    client.close()


@pytest.mark.parametrize(
    ("passed", "has_call"), [(60, True), (DAY - 60, True), (DAY + 60, False), (3 * DAY, False), (27 * DAY, False)]
)
def test_a_view_reports_a_key_once(site, clock, tiktok, passed, has_call):
    """A thank-you page that is opened again renders its pixel call for a day, as for any event."""
    first = a_tracker(site).track("Purchase", key=1)
    clock[0] += passed
    again = a_tracker(site).track("Purchase", key=1)
    site.client.flush(5)

    assert (first.sent, first.reason) == (True, None)
    assert (again.sent, again.reason, again.event_id) == (False, "repeat", first.event_id)
    assert (again.payload is not None) is has_call
    assert len(tiktok.events) == 1


def test_a_webhook_that_is_repeated_reports_once(site, clock, tiktok):
    """Payment providers try for days."""
    snapshot = a_tracker(site).snapshot()
    results = []
    for _ in range(5):
        results.append(site.resume(snapshot).track("Purchase", key=1, event_time=NOW).reason)
        clock[0] += 3 * DAY
    site.client.flush(5)

    assert results == [None, *["repeat"] * 4]
    assert len(tiktok.events) == 1


def test_after_28_days_a_key_counts_again(site, clock, tiktok):
    """No copy of TikTok's is left either."""
    a_tracker(site).track("Purchase", key=1)
    clock[0] += 28 * DAY + 1
    tracked = a_tracker(site).track("Purchase", key=1)
    site.client.flush(5)

    assert tracked.sent
    assert len(tiktok.events) == 2


def test_another_client_of_a_site_knows_no_repeats(clock):
    """Any object with `track` may be a site's client."""

    class Plain:
        def track(self, *events):
            return None

    tracked = a_tracker(Site(SOURCE, Plain(), consent=lambda request: True, clock=lambda: clock[0])).track(
        "Purchase", key=1
    )

    assert (tracked.sent, tracked.reason) == (True, None)
