"""`identify`: it fills every event, and its failure loses none."""

from __future__ import annotations

from hashlib import sha256

import markers
import pytest
from web_requests import a_site, a_tracker, sent_by

from tiktok_events.web import TemplateVariable


def test_identify_fills_every_event() -> None:
    """`identify` hashes at once, so the tracker stores no raw value; an event's own identifiers win."""
    site = a_site(advanced_matching=True, phone_region="gb")
    tracker = a_tracker(site)
    tracker.identify(email=markers.EMAIL_TYPED, external_id=[markers.EXTERNAL_ID, markers.OTHER_EXTERNAL_ID])
    tracker.identify(phone=markers.PHONE)
    tracker.track("Lead", user={"email": markers.OTHER_EMAIL})
    (event,) = sent_by(site)

    assert event.user is not None
    assert event.user.email == sha256(markers.OTHER_EMAIL.encode()).hexdigest()
    assert event.user.phone == sha256(markers.PHONE.encode()).hexdigest()
    assert tracker.digests() == {
        "sha256_email": sha256(markers.EMAIL.encode()).hexdigest(),
        "sha256_phone_number": sha256(markers.PHONE.encode()).hexdigest(),
        "external_id": sha256(markers.EXTERNAL_ID.encode()).hexdigest(),
    }
    assert sha256(markers.EMAIL.encode()).hexdigest() in TemplateVariable(tracker).pixel()


def test_identify_of_the_site() -> None:
    """It is called once per request, and only with consent."""
    calls: list[object] = []

    def identify(request: object) -> dict[str, str]:
        calls.append(request)
        return {"email": markers.EMAIL}

    site = a_site(identify=identify)
    tracker = a_tracker(site)
    tracker.track("Lead")
    tracker.track("Lead")
    a_tracker(a_site(identify=identify, consent=lambda request: None)).track("Lead")

    assert calls == [tracker.request]
    assert [event.user and event.user.email for event in sent_by(site)] == [
        sha256(markers.EMAIL.encode()).hexdigest()
    ] * 2


def test_an_identify_that_fails_loses_no_event() -> None:
    """A callable that raises and an invalid field are left out; strict raises."""

    def failing(request: object) -> dict[str, str]:
        raise LookupError(markers.EMAIL)

    site = a_site(identify=failing)
    tracker = a_tracker(site)
    tracker.identify(mail=markers.EMAIL)
    tracker.identify(phone=markers.LOCAL_PHONE)

    assert tracker.track("Lead").sent
    with pytest.raises(LookupError):
        a_tracker(a_site(identify=failing, strict=True)).track("Lead")


def test_a_phone_is_read_by_the_sites_region() -> None:
    """`phone_region` goes to every user with a phone, and to no other."""
    tracker = a_tracker(a_site(phone_region="gb"))

    assert tracker.track("Lead", user={"phone": markers.PHONE}).sent
    assert tracker.track("Lead", user={"email": markers.EMAIL}).sent
