"""How fast a worker goes, which routes it leaves alone, and what it does while an outbox fails."""

import itertools
import logging

import pytest
from marker_hook import raises

import tiktok_events as tt
from tiktok_events._delivery.circuit_breaker import CircuitBreakers
from tiktok_events._delivery.outage import Outage
from tiktok_events._delivery.rate_limit import TokenBucket

WEB = ("web", "C0EXAMPLE0EXAMPLE000", None)
APP = ("app", "7001", None)


def test_so_many_a_second_and_no_more(clock):
    """3,000 requests at 1,000 a second take three seconds, less the tenth that a full bucket allows at once."""
    bucket = TokenBucket(1000, clock=clock, sleep=clock.sleep)
    for _ in range(3000):
        bucket.take()

    assert clock.now - 1000 == pytest.approx(2.9)


def test_an_idle_bucket_fills_no_further_than_a_tenth_of_a_second(clock):
    """An hour of silence is no licence for a flood."""
    bucket = TokenBucket(100, clock=clock, sleep=clock.sleep)
    clock.now += 3600
    for _ in range(20):
        bucket.take()

    assert sum(clock.slept) == pytest.approx(0.1)


def test_a_clock_that_goes_back_costs_nothing(clock):
    """Nobody waits an hour because of it."""
    bucket = TokenBucket(10, clock=clock, sleep=clock.sleep)
    bucket.take()
    clock.now -= 3600
    bucket.take()

    assert sum(clock.slept) <= 0.1


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_is_positive(rate):
    """Anything else would never send, or be no rate."""
    with raises(ValueError, match="rate"):
        TokenBucket(rate)


def test_a_route_that_failed_is_left_alone_and_the_others_are_not(clock):
    """For the time given; one success makes it as if nothing had been."""
    circuits = CircuitBreakers(clock)
    circuits.record_failure(WEB, 5)
    assert circuits.ready({WEB, APP}) == {APP}
    assert (circuits.wait(WEB), circuits.wait(APP)) == (5, 0)

    clock.now += 5
    assert circuits.ready({WEB, APP}) == {WEB, APP}
    assert circuits.failures(WEB) == 1
    assert circuits.record_success(WEB)
    assert not circuits.record_success(WEB)
    assert circuits.failures(WEB) == 0


def test_one_try_at_a_time_finds_out(clock):
    """While one thread tries a route that was down, the others wait for what it finds."""
    circuits = CircuitBreakers(clock)
    circuits.record_failure(WEB, 0)
    with circuits.trial(WEB):
        assert circuits.ready({WEB}) == frozenset()
    assert circuits.ready({WEB}) == {WEB}

    with circuits.trial(APP):
        assert circuits.ready({APP}) == {APP}


def test_an_outage_is_said_once_and_its_end_too(caplog):
    """What is raised names its kind alone, unless it is ours."""
    caplog.set_level(logging.INFO)

    def fail(error):
        raise error

    outage = Outage()
    for _ in range(3):
        assert outage.guard(lambda: fail(tt.OutboxUnavailable("the disk is full")), 7) == 7
    assert outage.guard(lambda: 1, 0) == 1
    outage.guard(lambda: fail(OSError("zzpii")), 0)

    assert [record.getMessage() for record in caplog.records] == [
        "the disk is full; the events are kept",
        "delivery works again",
        "delivery failed; the events are kept (OSError)",
    ]


def test_what_began_before_an_outage_changed_is_no_news(caplog):
    """Another thread's late failure begins it no second time, and a late success does not end it."""
    caplog.set_level(logging.INFO)
    outage = Outage(itertools.count().__next__)

    def fail():
        raise tt.OutboxUnavailable("the server does not answer")

    def fail_late():
        outage.guard(fail, 0)
        outage.guard(lambda: 1, 0)
        fail()

    def succeed_late():
        outage.guard(fail, 0)
        return 1

    assert outage.guard(fail_late, 0) == 0
    assert outage.guard(succeed_late, 0) == 1
    assert outage.guard(lambda: 1, 0) == 1

    assert [record.getMessage() for record in caplog.records] == [
        "the server does not answer; the events are kept",
        "delivery works again",
    ] * 2
