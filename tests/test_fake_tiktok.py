"""The fake that users test with does what it says."""

import httpx
import pytest
from marker_hook import raises

import tiktok_events as tt
from tiktok_events.testing import FakeTikTok

PURCHASE = tt.Event("Purchase", event_id="order-1", event_time=1_790_000_000)


def test_codes_in_order_then_success(client, tiktok):
    """Scripted answers first, then code 0 for ever."""
    tiktok.answers(40002, 20001)
    with raises(tt.RejectedError):
        client.track(PURCHASE)

    assert client.track(PURCHASE).code == 20001
    assert client.track(PURCHASE).code == 0
    assert client.track(PURCHASE).request_id == "r4"


@pytest.mark.parametrize(
    "answer", [httpx.ConnectError("x"), httpx.ConnectTimeout, lambda request: httpx.ReadError("x")]
)
def test_exceptions_are_raised(make_client, tiktok, answer):
    """An instance, a class, or what a callable returns."""
    if isinstance(answer, type):
        answer = answer("x")
    tiktok.answers(answer)

    with raises(tt.TransportError):
        make_client(retry=tt.RetryPolicy(attempts=1)).track(PURCHASE)


def test_responses_and_callables_answer(client, tiktok):
    """As they are; a callable may return a code."""
    seen = []
    tiktok.answers(
        lambda request: httpx.Response(200, json={"code": 0, "request_id": "own"}),
        lambda request: seen.append(request.url) or 20001,
    )

    assert client.track(PURCHASE).request_id == "own"
    assert client.track(PURCHASE).code == 20001
    assert len(seen) == 1


def test_what_was_sent_is_kept_without_the_token(client, tiktok):
    """Body, events, headers."""
    client.track(PURCHASE, PURCHASE)
    (request,) = tiktok.requests

    assert request.events == tiktok.events == request.body["data"]
    assert len(tiktok.events) == 2
    assert "access-token" not in request.headers
    assert request.url.endswith("/event/track/")
    assert "order-1" not in repr(request)


def test_its_clients_do_not_wait(tiktok):
    """However often they try."""
    tiktok.answers(*[60001] * 5)

    assert tiktok.client().track(PURCHASE).ok
    assert isinstance(tiktok.async_client(), tt.AsyncClient)
    assert isinstance(FakeTikTok().client(timeout=1), tt.Client)
