"""Splitting, isolating, stopping: what becomes of every event of a call. One story for both clients."""

import json

import httpx
import markers
import pytest
from marker_hook import raises

import tiktok_events as tt


def events(number, **fields):
    """Events e0, e1 and so on."""
    return [tt.Event("Purchase", event_id=f"e{n}", event_time=1_790_000_000, **fields) for n in range(number)]


def statuses(response):
    """One letter an event: d, p, r or f."""
    return "".join(result.status[0] for result in response.results)


def ids(request):
    """The event ids of one request."""
    return [event["event_id"] for event in request.events]


def refusing(*bad, message="parameter error", code=40002):
    """A TikTok that refuses every request that holds one of *bad*; *message* is told of it."""

    def answer(request):
        data = json.loads(request.content)["data"]
        places = [place for place, event in enumerate(data) if event["event_id"] in bad]
        if not places:
            return 0
        told = message.format(place=places[0], next=(places[0] + 1) % len(data))
        return httpx.Response(200, json={"code": code, "message": told, "request_id": "r-bad", "data": {}})

    return answer


def test_everything_delivered(client, tiktok):
    """One request, one result an event, in order."""
    response = client.track(*events(3))

    assert response.ok
    assert statuses(response) == "ddd"
    assert [result.event_id for result in response.results] == ["e0", "e1", "e2"]
    assert {result.request_id for result in response.results} == {"r1"} == {response.request_id}
    assert len(response.delivered) == 3
    assert response.rejected == ()
    assert str(response) == "3 delivered"
    assert len(tiktok.requests) == 1


def test_nothing_to_deliver(client, tiktok):
    """No events is no request, and no error."""
    assert client.track().ok
    assert client.track_many([]).ok
    assert str(client.track()) == "no events"
    assert tiktok.requests == []


def test_partial_success_raises_nothing(client, tiktok):
    """20001: TikTok does not say which events, so nothing is sent again, and `ok` is False."""
    tiktok.answers(20001)
    response = client.track(*events(3))

    assert not response.ok
    assert response.code == 20001
    assert statuses(response) == "ppp"
    assert response.rejected == ()
    assert len(tiktok.requests) == 1


def test_a_repeated_request_counts_as_partial(client, tiktok):
    """40050: it was seen before; sending it again would not help."""
    tiktok.answers(40050)

    assert statuses(client.track(*events(2))) == "pp"
    assert len(tiktok.requests) == 1


SHAPES = [
    "Batch.{place}.properties.value: Not a number",
    "data.{place}.event is invalid",
    "data[{place}].event",
    "index {place}",
]


@pytest.mark.parametrize("message", SHAPES)
@pytest.mark.parametrize("place", [0, 4, 9])
def test_the_named_event_is_taken_out(client, tiktok, message, place):
    """The neighbours are delivered with one request, the named one is tried alone before it is refused."""
    tiktok.answers(*[refusing(f"e{place}", message=message)] * 9)

    with raises(tt.RejectedError) as caught:
        client.track(*events(10))

    response = caught.value.response
    assert statuses(response) == "d" * place + "r" + "d" * (9 - place)
    assert (response.code, response.results[place].code) == (40002, 40002)
    assert response.results[place].request_id == "r-bad"
    assert [len(request.events) for request in tiktok.requests] == [10, 1, 9]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (["e3"], "parameter error"),
        (["e0", "e9"], "parameter error"),
        (["e1", "e2", "e7"], "data.{place}.event is invalid"),
        (["e3"], "data.{next}.event is invalid"),
        (["e9"], "index {next}"),
        (["e4", "e5"], "data.999.event is invalid"),
        ([f"e{n}" for n in range(10)], "parameter error"),
        ([f"e{n}" for n in range(10)], "data.{place}.event is invalid"),
    ],
    ids=[
        "no index",
        "two, no index",
        "three named",
        "lying index",
        "lying last",
        "index out of range",
        "all bad",
        "all bad, named",
    ],
)
def test_the_bad_ones_are_found(client, tiktok, bad, message):
    """With an index, without one, or with one that lies: exactly the bad events are refused."""
    tiktok.answers(*[refusing(*bad, message=message)] * 60)
    response = client.track_many(events(10))

    assert [result.event_id for result in response.rejected] == bad
    assert len(response.delivered) == 10 - len(bad)
    assert isinstance(response.error, tt.RejectedError)
    delivered = [event for request in tiktok.requests for event in ids(request)]
    assert all(delivered.count(f"e{n}") >= 1 for n in range(10))


def test_a_lying_index_is_believed_once(client, tiktok):
    """After it named an innocent, halves are tried instead: no request per event."""
    tiktok.answers(*[refusing("e63", message="data.0.event is invalid")] * 64)
    response = client.track_many(events(64))

    assert [result.event_id for result in response.rejected] == ["e63"]
    assert len(tiktok.requests) < 20


def test_too_large_is_split(client, tiktok):
    """HTTP 413 is about the body, so halves are tried."""
    tiktok.answers(httpx.Response(413, text="too large"))

    assert statuses(client.track(*events(4))) == "dddd"
    assert [len(request.events) for request in tiktok.requests] == [4, 2, 2]


@pytest.mark.parametrize("code", [40001, 40105, 40007, 40400, 40117])
def test_a_wrong_set_up_ends_it(make_client, tiktok, code):
    """Token, rights, address: what is left is not sent, and counts as failed, not as refused."""
    tiktok.answers(0, code)
    response = make_client(max_body_bytes=1250).track_many(events(10))

    assert statuses(response).startswith("d")
    assert set(statuses(response)) == {"d", "f"}
    assert len(tiktok.requests) == 2
    assert response.error.code == code


def test_a_wrong_source_id_ends_it(client, tiktok):
    """40002 that names event_source_id is no event's fault: one request, no bisection."""
    tiktok.answers(
        httpx.Response(200, json={"code": 40002, "message": "Invalid value for event_source_id: not a valid string."})
    )

    with raises(tt.RejectedError) as caught:
        client.track(*events(8))

    assert caught.value.is_configuration_error
    assert statuses(caught.value.response) == "f" * 8
    assert len(tiktok.requests) == 1


def test_a_refused_request_refuses_its_events_only(make_client, tiktok):
    """40063 is about the request, not its events: no bisection, and the next request is still made."""
    tiktok.answers(40063)
    response = make_client(max_body_bytes=1250).track_many(events(6))

    assert set(statuses(response)) == {"r", "d"}
    assert len(tiktok.requests) > 1


def test_the_network_ends_it(make_client, tiktok):
    """No answer, after all tries: the rest is not tried, and can be sent again."""
    tiktok.answers(0, httpx.ConnectError("refused"))
    client = make_client(max_body_bytes=1250, retry=tt.RetryPolicy(attempts=1))

    with raises(tt.TransportError) as caught:
        client.track(*events(8))

    assert caught.value.retryable
    assert set(statuses(caught.value.response)) == {"d", "f"}
    assert caught.value.response.code == -1
    assert len(tiktok.requests) == 2


def test_many_go_a_thousand_at_a_time(client, tiktok):
    """TikTok takes 1,000 events in one request; progress is told after each."""
    told = []
    response = client.track_many(iter(events(2500)), told.append)

    assert response.ok
    assert [len(request.events) for request in tiktok.requests] == [1000, 1000, 500]
    assert told == [1000, 2000, 2500]
    assert [result.event_id for result in response.results] == [f"e{n}" for n in range(2500)]


def test_a_call_is_split_too(client, tiktok):
    """`track` with more than 1,000 events makes several requests and one response."""
    response = client.track(*events(1001))

    assert [len(request.events) for request in tiktok.requests] == [1000, 1]
    assert len(response.results) == 1001


def test_large_bodies_are_split(make_client, tiktok):
    """No body exceeds the limit but one of a single event, which travels alone."""
    large = tt.Event("Purchase", event_id="large", event_time=1, properties={"description": "x" * 5000})
    make_client(max_body_bytes=4000).track(*events(20), large, *events(20))

    sizes = [len(request.content) for request in tiktok.requests]
    assert [size for size in sizes if size > 4000] == [len(r.content) for r in tiktok.requests if ids(r) == ["large"]]
    assert sum(len(request.events) for request in tiktok.requests) == 41


def test_many_go_on_after_a_refusal_and_stop_at_the_token(client, tiktok):
    """A refused event does not end it, a refused token does, and the results keep their order."""
    bad = tt.Event("Purchase", event_id="bad", properties={"value": "zzpii"})
    tiktok.answers(refusing("e5"), *[refusing("e5")] * 30)
    response = client.track_many([bad, *events(10), bad])
    assert statuses(response) == "r" + "dddddrdddd" + "r"
    assert isinstance(response.error, tt.EventValidationError) or response.error.code == 40002

    tiktok._script.clear()
    tiktok.answers(0, 40105)
    response = client.track_many([*events(1500), bad, *events(1500)])
    assert statuses(response) == "d" * 1000 + "f" * 500 + "r" + "f" * 1500
    assert response.error.code == 40105


def test_only_refused_beforehand(client, tiktok):
    """Then nothing is sent, and the error is theirs."""
    response = client.track_many([tt.Event("Purchase", properties={"value": "zzpii"})])

    assert statuses(response) == "r"
    assert isinstance(response.error, tt.EventValidationError)
    assert response.error.response is None
    assert tiktok.requests == []
    with raises(tt.EventValidationError) as caught:
        response.raise_for_rejected()
    assert caught.value.response is response


def test_an_error_tells_support_what_it_asks_for(client, tiktok):
    """Code and request id, in the text and as attributes; never what was sent."""
    tiktok.answers(40001)
    with raises(tt.AuthenticationError, match=r"40001.*request_id r1") as caught:
        client.track(*events(1, user=markers.user()))

    assert (caught.value.code, caught.value.request_id, caught.value.status) == (40001, "r1", 200)


def test_the_same_object_twice_is_one_conversion(client, tiktok):
    """Its id and its time are fixed when it is built."""
    event = tt.Event("Purchase", user={"email": markers.EMAIL})
    client.track(event)
    client.track(event)

    assert tiktok.events[0] == tiktok.events[1]
    assert len(tiktok.events[0]["event_id"]) == 32


def test_events_for_the_test_tab(make_client, tiktok):
    """The test code stands beside the source, never inside an event."""
    make_client(tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "token", test_event_code="TEST1")).track(*events(1))

    assert tiktok.requests[0].body["test_event_code"] == "TEST1"
    assert "test_event_code" not in tiktok.events[0]
