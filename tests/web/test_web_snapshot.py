"""What is kept of a visitor for the webhook that comes without them."""

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
    """The same shop, some time on, in another process."""
    return a_site(clock=lambda: NOW + seconds, **settings)


def test_a_webhook_sends_the_shoppers_context() -> None:
    """3.9: click, page and address of the order's page, the id of the order's key; as often as the webhook repeats."""
    shown = a_tracker(**LANDING)
    snapshot = shown.snapshot()
    site = later(60)
    tracked = [site.resume(snapshot).track("Purchase", key="zzpii-1") for _ in range(2)]
    users = [event.user for event in sent_by(site)]

    assert {one.event_id for one in tracked} == {shown.event_id("Purchase", "zzpii-1")}
    assert len(users) == 2
    assert all(user and (user.ttclid, user.ttp, user.ip) == (markers.TTCLID, markers.TTP, markers.IP) for user in users)


def test_a_snapshot_is_text_for_a_column() -> None:
    """A str, URL-safe, whose repr says nothing."""
    snapshot = a_tracker(**LANDING).snapshot()

    assert isinstance(snapshot, str)
    assert set(snapshot) <= set(string.ascii_letters + string.digits + "-_")
    assert repr(snapshot) == f"<Snapshot of {len(snapshot)} characters>"


def test_it_splits_for_stores_of_short_values() -> None:
    """`as_metadata()` gives pieces of 500 characters, and `resume` takes the mapping, with others' keys in it."""
    tracker = a_tracker(**LANDING)
    pieces = tracker.snapshot().as_metadata(100)

    assert list(pieces) == [f"tiktok_{index}" for index in range(len(pieces))]
    assert max(map(len, pieces.values())) == 100
    assert later(1).resume({"order": "1", **pieces}).context == tracker.context


def noise(length: int) -> str:
    return "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=length))


@pytest.mark.parametrize("agent", [markers.USER_AGENT, "zzpii" + noise(995)])
def test_it_fits_with_the_longest_click_id(agent: str) -> None:
    """At most 2,000 characters with a click id of 1,000: referrer, page and browser go first."""
    click_id = noise(1_000)
    tracker = a_tracker(query=f"ttclid={click_id}", user_agent=agent, referer=f"https://a.example/{noise(900)[::-1]}")
    snapshot = tracker.snapshot()

    assert len(snapshot) <= 2_000
    assert later(1).resume(snapshot).context.ttclid == click_id


BROKEN = [None, "", "zzpii", "\u00e9", "A" * 70_000, {}, {"tiktok_0": 1}, 7]


@pytest.mark.parametrize("given", BROKEN)
def test_what_cannot_be_read_gives_no_context(given: object) -> None:
    """3.9: orders of before have none; the e-mail still matches. Consent is unknown, so the setting decides."""
    site = a_site()
    tracker = site.resume(given)  # type: ignore[arg-type]

    assert tracker.consent is Consent.UNKNOWN
    assert tracker.track("Purchase", key=1).reason == "consent"
    assert site.resume(given, consent=True).track("Purchase", key=1).sent  # type: ignore[arg-type]
    assert sent_by(site)[0].user is None


def test_changed_old_or_foreign_ones_are_refused() -> None:
    """Every byte is signed; 28 days; one secret of several."""
    snapshot = a_tracker(**LANDING).snapshot()
    flipped = snapshot[:40] + ("A" if snapshot[40] != "A" else "B") + snapshot[41:]

    assert later(0).resume(flipped).consent is Consent.UNKNOWN
    assert later(28 * DAY + 1).resume(snapshot).consent is Consent.UNKNOWN
    assert later(28 * DAY).resume(snapshot).consent is Consent.GRANTED
    assert later(-400).resume(snapshot).consent is Consent.UNKNOWN
    assert later(0, secret_key="another secret of tests").resume(snapshot).consent is Consent.UNKNOWN
    assert later(0, secret_key=["another secret of tests", SECRET]).resume(snapshot).consent is Consent.GRANTED


def test_strict_raises_for_a_broken_one() -> None:
    """In debug mode a snapshot that was cut by its column shows; a missing one does not."""
    site = a_site(strict=True)

    with raises(InvalidSnapshot):
        site.resume("zzpii-cut")
    assert site.resume(None).consent is Consent.UNKNOWN


def test_it_carries_consent_and_the_shop_may_know_better() -> None:
    """The visitor's no travels; `consent=` says what the shop knows since."""
    refused = a_tracker(a_site(consent=lambda request: False), **LANDING).snapshot()
    site = later(1)

    assert site.resume(refused).track("Purchase", key=1).reason == "consent"
    assert site.resume(refused).context.ip is None
    assert site.resume(refused, consent=Consent.GRANTED).consent is Consent.GRANTED
    assert site.resume(refused, consent=None).consent is Consent.UNKNOWN
    with raises(TypeError):
        site.resume(refused, consent="yes")  # type: ignore[arg-type]


def test_a_yes_later_keeps_the_context() -> None:
    """`grant_consent` on a resumed tracker asks no request that is not there."""
    tracker = later(1).resume(a_tracker(**LANDING).snapshot())
    tracker.grant_consent()

    assert tracker.context.ttclid == markers.TTCLID


def test_without_a_secret_there_is_none() -> None:
    """Empty, said once, and resumed like a missing one."""
    site = a_site(secret_key=None)
    snapshot = a_tracker(site, **LANDING).snapshot()

    assert snapshot == Snapshot("")
    assert snapshot.as_metadata() == {}
    assert site.resume(snapshot).consent is Consent.UNKNOWN


def test_a_redirect_cookie_is_no_snapshot() -> None:
    """Each purpose has a key of its own."""
    site = a_site()
    signed = site.redirect_signer.sign([{"ttclid": "zzpii"}, "granted"], now=NOW)

    assert site.resume(signed).context.ttclid is None


def test_the_error_is_one_of_ours() -> None:
    """`except tt.TikTokEventsError` reads it."""
    assert issubclass(InvalidSnapshot, tt.TikTokEventsError)
