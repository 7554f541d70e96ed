"""What TikTok, a proxy or a network may answer."""

import pytest
from gate import in_drops, refusing, reset_in_mid_answer
from stage import told

TROUBLE = {
    "429": [{"status": 429, "times": 3}],
    "429, Retry-After": [{"status": 429, "retry_after": 2, "times": 2}],
    "40100 in HTTP 200": [{"code": 40100, "times": 2}],
    "40100 in HTTP 401": [{"code": 40100, "status": 401, "times": 2}],
    "5xx": [{"status": 500}, {"code": 50000}, {"status": 503}],
    "HTML 502": [{"status": 502, "times": 3}],
}
UNDER_WAY = {
    "slow drops": (in_drops, in_drops),
    "reset in mid-answer": (reset_in_mid_answer, reset_in_mid_answer),
}


@pytest.mark.parametrize("case", TROUBLE)
def test_tried_again(stage, case):
    """Waited out at the end of a script, and nothing is sent twice that was taken."""
    stage.answers(*TROUBLE[case])
    counts = told(stage.script("flushes", 275, 30))

    row = stage.settle(case)
    assert (row.accepted, row.counted, row.doubles) == (275, 275, 0)
    assert counts["delivered"] == 275
    assert counts["retried"]


@pytest.mark.parametrize("case", UNDER_WAY)
def test_lost_on_the_way_back(stage, case):
    """Nobody can know that the events were taken: they are sent again under their first ids, and count once."""
    stage.through(*UNDER_WAY[case])
    counts = told(stage.script("flushes", 275, 30, TORTURE_TIMEOUT="1"))

    row = stage.settle(case)
    assert (row.accepted, row.counted) == (275, 275)
    # The first lost answer was about all of them, the second about those that were due: Redis counts milliseconds
    # while a script gives back one after the other. A slow machine gives up on a good answer, too.
    assert row.doubles > 275
    assert counts["delivered"] == 275


def test_connection_lost(stage):
    """Before or after the events were taken in: a client sees no difference."""
    stage.answers({"drop": "before"}, {"drop": "after"})
    told(stage.script("flushes", 275, 30))

    row = stage.settle("connection lost")
    assert (row.accepted, row.counted) == (275, 275)
    assert 0 < row.doubles <= 275  # those that were due again together


def test_partial(stage):
    """20001 does not say which events were taken: nothing is sent again, and the count says so."""
    stage.answers({"code": 20001, "store": True, "times": 2})
    counts = told(stage.script("flushes", 1_500, 30))

    row = stage.settle("20001")
    assert (row.accepted, row.counted, row.doubles) == (1_500, 1_500, 0)
    assert (counts["partial"], counts["delivered"], counts["retried"]) == (1_500, 0, 0)


def test_refused_content(stage):
    """Refused events go to the dead letters with TikTok's words; their neighbours are delivered."""
    stage.through(then=refusing("refuse-me"))
    counts = told(stage.script("flushes", 997, 30, "refuse-me-0", "refuse-me-1", "refuse-me-2"))

    assert (counts["delivered"], counts["rejected"]) == (997, 3)
    if stage.is_durable:
        assert {letter.record.event_id for letter in stage.outbox().dead()} == {f"refuse-me-{n}" for n in range(3)}
    row = stage.settle("refused content")
    assert (row.counted, row.dead, row.doubles) == (997, 3, 0)
