"""When a client tries again, and how long it waits before. No test waits."""

import time

import httpx
import pytest
from marker_hook import raises

import tiktok_events as tt

PURCHASE = tt.Event("Purchase", event_id="order-1", event_time=1_790_000_000)
PASSING = [40100, 40016, 40133, 40132, 40202, 50000, 50002, 51012, 52000, 53103, 60001, 61000]


def answering(status, **options):
    """A fresh answer a request: one that was read cannot be read again."""
    return lambda request: httpx.Response(status, **options)


PASSING_ANSWERS = [
    answering(429),
    answering(500, text="oops"),
    answering(502, text="<html>502</html>"),
    answering(503),
    answering(200, text=""),
    httpx.ConnectError("refused"),
    httpx.ConnectTimeout("slow"),
    httpx.ReadTimeout("slow"),
    httpx.RemoteProtocolError("reset"),
    httpx.ProxyError("proxy"),
]


@pytest.mark.parametrize("answer", [*PASSING, *PASSING_ANSWERS])
def test_what_may_pass_is_tried_again(client, tiktok, answer):
    """The second answer counts, and the second request is the first one, byte for byte."""
    tiktok.answers(answer, 0)

    assert client.track(PURCHASE).request_id == "r2"
    assert tiktok.requests[0].content == tiktok.requests[1].content


@pytest.mark.parametrize("code", [40001, 40002, 40007, 40063, 40105, 41000])
def test_what_will_not_pass_is_not(client, tiktok, code):
    """One request, one error."""
    tiktok.answers(code)

    with raises(tt.ApiError):
        client.track(PURCHASE)

    assert len(tiktok.requests) == 1


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_tries_are_counted(make_client, tiktok, attempts):
    """After the last one its error is raised, and what became of the events hangs on it."""
    tiktok.answers(*[50000] * 9)

    with raises(tt.ServerError) as caught:
        make_client(retry=tt.RetryPolicy(attempts=attempts, first_wait=0, max_wait=0)).track(PURCHASE)

    assert len(tiktok.requests) == attempts
    assert [result.status for result in caught.value.response.results] == ["failed"]
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("answer", "policy"),
    [
        (50000, tt.RetryPolicy(first_wait=1000, max_wait=1000, max_total=5)),
        (40132, tt.RetryPolicy()),
        (61000, tt.RetryPolicy(max_total=299)),
        (60001, tt.RetryPolicy(max_total=59)),
        (answering(429, headers={"Retry-After": "120"}), tt.RetryPolicy()),
        (answering(503, headers={"Retry-After": "6"}), tt.RetryPolicy(max_total=5)),
    ],
)
def test_a_wait_that_does_not_fit_is_not_begun(make_client, tiktok, answer, policy):
    """The error is raised at once: nobody's request hangs for a pause that would not help it."""
    tiktok.answers(answer)
    begun = time.monotonic()

    with raises(tt.ApiError) as caught:
        make_client(retry=policy).track(PURCHASE)

    assert caught.value.retryable
    assert len(tiktok.requests) == 1
    assert time.monotonic() - begun < 2


def error(code=50000, wait=0.5, retry_after=None):
    """An answer as an error."""
    return tt.ServerError("x", code=code, wait=wait, retry_after=retry_after)


@pytest.mark.parametrize(
    ("policy", "wait", "attempt", "dice", "seconds"),
    [
        ({}, 0.5, 1, 1.0, 0.5),
        ({}, 0.5, 1, 0.0, 0.0),
        ({}, 0.5, 2, 1.0, 1.0),
        ({}, 0.5, 3, 0.5, 1.0),
        ({}, 0.5, 7, 1.0, 30.0),
        ({}, 0.5, 500, 1.0, 30.0),
        ({}, 1.0, 1, 1.0, 1.0),
        ({}, 1.0, 4, 1.0, 8.0),
        ({"first_wait": 2}, 1.0, 1, 1.0, 2.0),
        ({"max_wait": 300}, 0.5, 20, 1.0, 300.0),
        ({}, 60.0, 1, 0.0, 60.0),
        ({}, 300.0, 1, 0.0, 300.0),
        ({}, 300.0, 9, 1.0, 300.0),
        ({"first_wait": 0, "max_wait": 0}, 300.0, 1, 1.0, 0.0),
        ({"first_wait": 0, "max_wait": 0}, 1.0, 5, 1.0, 0.0),
    ],
)
def test_waits(policy, wait, attempt, dice, seconds):
    """Full jitter, doubling, capped; a pause that TikTok names is kept whole."""
    assert tt.RetryPolicy(**policy).wait(error(wait=wait), attempt, lambda: dice) == seconds


@pytest.mark.parametrize(
    ("asked", "seconds"), [(None, 0.5), (0.0, 0.5), (0.2, 0.5), (7.0, 7.0), (300.0, 300.0), (86_400.0, 300.0)]
)
def test_the_servers_wish_wins_when_longer(asked, seconds):
    """Up to five minutes."""
    assert tt.RetryPolicy().wait(error(retry_after=asked), 1, lambda: 1.0) == seconds


def test_the_network_waits_like_a_server_error():
    """It has no code to ask."""
    assert tt.RetryPolicy().wait(tt.TransportError("x"), 2, lambda: 1.0) == 1.0


def test_dice_are_random_by_default():
    """Processes that failed together do not come back together."""
    policy = tt.RetryPolicy(first_wait=30)

    assert len({policy.wait(error(), 1) for _ in range(20)}) > 10


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"first_wait": -1}, {"max_wait": -0.1}, {"max_total": -1}])
def test_a_policy_that_makes_no_sense_is_refused(wrong):
    """When it is made."""
    with raises(ValueError):
        tt.RetryPolicy(**wrong)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("", None),
        ("-7", None),
        ("7.5", None),
        ("soon", None),
        ("\u0667", None),
        ("9" * 9, None),
    ],
)
def test_retry_after_is_read_as_seconds(client, tiktok, header, seconds):
    """Anything else is as good as none."""
    headers = [(b"Retry-After", header.encode())]
    tiktok.answers(answering(429, headers=headers))

    with raises(tt.RateLimitError) as caught:
        client.post(b"{}")

    assert caught.value.retry_after == seconds


def test_one_request_without_retrying(client, tiktok):
    """`post` is for whoever does the waiting."""
    tiktok.answers(50000)

    with raises(tt.ServerError):
        client.post(b"{}")

    assert len(tiktok.requests) == 1
