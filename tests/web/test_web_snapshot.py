"""Snapshots of a visitor, and trackers resumed from them."""

from __future__ import annotations

import random
import string

import markers
import pytest
from marker_hook import raises
from web_requests import CLICKED, DAY, NOW, SECRET, VISITOR_COOKIE, a_site, a_tracker, sent_by

import tiktok_events as tt
from tiktok_events.web import Consent, InvalidSnapshot, Site, Snapshot

LANDING = {"query": CLICKED, "cookie": f"{VISITOR_COOKIE}; _ttp={markers.TTP}"}


def later(seconds: float, **settings: object) -> Site:
    """The same shop *seconds* later, in another process."""
    return a_site(clock=lambda: NOW + seconds, **settings)


def test_a_webhook_sends_the_shoppers_context() -> None:
    """3.9: click, page and address of the order's request, the id of the order's key; any number of times."""
    tracker = a_tracker(**LANDING)
    snapshot = tracker.snapshot()
    site = later(60)
    tracked = [site.resume(snapshot).track("Purchase", key="zzpii-1") for _ in range(2)]
    users = [event.user for event in sent_by(site)]

    assert {one.event_id for one in tracked} == {tracker.event_id("Purchase", "zzpii-1")}
    assert len(users) == 2
    assert all(user and (user.ttclid, user.ttp, user.ip) == (markers.TTCLID, markers.TTP, markers.IP) for user in users)


def test_a_snapshot_is_text_for_a_column() -> None:
    """A URL-safe str, whose repr has no value."""
    snapshot = a_tracker(**LANDING).snapshot()

    assert isinstance(snapshot, str)
    assert set(snapshot) <= set(string.ascii_letters + string.digits + "-_")
    assert repr(snapshot) == f"<Snapshot of {len(snapshot)} characters>"


def test_it_splits_for_stores_of_short_values() -> None:
    """`as_metadata()` returns parts of 500 characters, and `resume` takes the mapping, also with other keys."""
    tracker = a_tracker(**LANDING)
    pieces = tracker.snapshot().as_metadata(100)

    assert list(pieces) == [f"tiktok_{index}" for index in range(len(pieces))]
    assert max(map(len, pieces.values())) == 100
    assert later(1).resume({"order": "1", **pieces}).context == tracker.context


def noise(length: int) -> str:
    return "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=length))


@pytest.mark.parametrize("agent", [markers.USER_AGENT, "zzpii" + noise(995)])
def test_it_fits_with_the_longest_click_id(agent: str) -> None:
    """At most 2,000 characters with a click id of 1,000: referrer, URL and user agent are dropped first."""
    click_id = noise(1_000)
    tracker = a_tracker(query=f"ttclid={click_id}", user_agent=agent, referer=f"https://a.example/{noise(900)[::-1]}")
    snapshot = tracker.snapshot()

    assert len(snapshot) <= 2_000
    assert later(1).resume(snapshot).context.ttclid == click_id


BROKEN = [None, "", "zzpii", "\u00e9", "A" * 70_000, {}, {"tiktok_0": 1}, 7]


@pytest.mark.parametrize("snapshot", BROKEN)
def test_an_unreadable_snapshot_gives_no_context(snapshot: object) -> None:
    """3.9: older orders have none; the email still matches. Consent is unknown, so the setting decides."""
    site = a_site()
    tracker = site.resume(snapshot)  # type: ignore[arg-type]

    assert tracker.consent is Consent.UNKNOWN
    assert tracker.track("Purchase", key=1).reason == "consent"
    assert site.resume(snapshot, consent=True).track("Purchase", key=1).sent  # type: ignore[arg-type]
    assert sent_by(site)[0].user is None


def test_changed_old_or_foreign_snapshots_are_refused() -> None:
    """Every byte is signed; 28 days; one of several secrets."""
    snapshot = a_tracker(**LANDING).snapshot()
    flipped = snapshot[:40] + ("A" if snapshot[40] != "A" else "B") + snapshot[41:]

    assert later(0).resume(flipped).consent is Consent.UNKNOWN
    assert later(28 * DAY + 1).resume(snapshot).consent is Consent.UNKNOWN
    assert later(28 * DAY).resume(snapshot).consent is Consent.GRANTED
    assert later(-400).resume(snapshot).consent is Consent.UNKNOWN
    assert later(0, secret_key="another secret of tests").resume(snapshot).consent is Consent.UNKNOWN
    assert later(0, secret_key=["another secret of tests", SECRET]).resume(snapshot).consent is Consent.GRANTED


def test_strict_raises_for_a_broken_snapshot() -> None:
    """In debug mode a snapshot that its column has cut raises; a missing one does not."""
    site = a_site(strict=True)

    with raises(InvalidSnapshot):
        site.resume("zzpii-cut")
    assert site.resume(None).consent is Consent.UNKNOWN


def test_it_has_consent_which_the_shop_may_override() -> None:
    """The snapshot has the denial; `consent=` is what the shop knows since then."""
    refused = a_tracker(a_site(consent=lambda request: False), **LANDING).snapshot()
    site = later(1)

    assert site.resume(refused).track("Purchase", key=1).reason == "consent"
    assert site.resume(refused).context.ip is None
    assert site.resume(refused, consent=Consent.GRANTED).consent is Consent.GRANTED
    assert site.resume(refused, consent=None).consent is Consent.UNKNOWN
    with raises(TypeError):
        site.resume(refused, consent="yes")  # type: ignore[arg-type]


def test_granting_consent_later_keeps_the_context() -> None:
    """`grant_consent` on a resumed tracker reads no request."""
    tracker = later(1).resume(a_tracker(**LANDING).snapshot())
    tracker.grant_consent()

    assert tracker.context.ttclid == markers.TTCLID


def test_without_a_secret_there_is_no_snapshot() -> None:
    """It is empty, logged once, and resumed like a missing one."""
    site = a_site(secret_key=None)
    snapshot = a_tracker(site, **LANDING).snapshot()

    assert snapshot == Snapshot("")
    assert snapshot.as_metadata() == {}
    assert site.resume(snapshot).consent is Consent.UNKNOWN


def test_a_redirect_cookie_is_no_snapshot() -> None:
    """Each purpose has its own key."""
    site = a_site()
    signed = site.redirect_signer.sign([{"ttclid": "zzpii"}, "granted"], now=NOW)

    assert site.resume(signed).context.ttclid is None


def test_the_error_is_one_of_ours() -> None:
    """`except tt.TikTokEventsError` catches it."""
    assert issubclass(InvalidSnapshot, tt.TikTokEventsError)
