"""What a background client tells its owner, and what a hook may change."""

import logging

import httpx
import markers
import pytest

import tiktok_events as tt


def events(number):
    """Events e0, e1 and so on."""
    return [tt.Event("Purchase", event_id=f"e{n}") for n in range(number)]


class Told:
    """Every hook, and what it was told."""

    def __init__(self):
        self.sent, self.retried, self.rejected, self.dropped = [], [], [], []

    def hooks(self):
        return {
            "on_sent": self.sent.extend,
            "on_retry": lambda results, delay: self.retried.append((len(results), delay)),
            "on_rejected": self.rejected.extend,
            "on_dropped": lambda event_ids, reason: self.dropped.append((list(event_ids), reason)),
        }


@pytest.fixture
def told():
    """What the hooks were told."""
    return Told()


def test_what_is_sent_is_told_of(tiktok, told):
    """With TikTok's word on each; a partial success is one that was sent."""
    tiktok.answers(0, 20001)
    with tt.BackgroundClient(tiktok.client(), **told.hooks()) as background:
        background.track(*events(1))
        background.flush(5)
        background.track(tt.Event("Purchase", event_id="p"))
        background.flush(5)

    assert [(one.event_id, one.status) for one in told.sent] == [("e0", "delivered"), ("p", "partial")]
    assert told.rejected == told.retried == told.dropped == []


def test_what_is_refused_and_retried_is_told_of(tiktok, told):
    """Each in its own hook."""
    refusal = httpx.Response(200, json={"code": 40002, "message": "event is invalid"})
    tiktok.answers(lambda request: refusal)
    with tt.BackgroundClient(tiktok.client(), **told.hooks()) as background:
        background.track(*events(1))
        background.flush(5)
        tiktok.answers(40132)
        background.track(tt.Event("Purchase", event_id="later"))
        background.flush(0.5)
        stats = background.stats()

    assert [(one.event_id, one.code) for one in told.rejected] == [("e0", 40002)]
    assert told.retried == [(1, 300)]
    assert told.sent == []
    assert (stats.rejected, stats.retried) == (1, 1)


def test_what_is_dropped_is_told_of(tiktok, told):
    """With the reason: no room, or wrong as a whole."""
    outbox = tt.MemoryOutbox(max_events=1)
    background = tt.BackgroundClient(tiktok.client(), outbox, deliver=False, **told.hooks())
    background.track(*events(2))
    background.track(tt.Event("Purchase", event_id="bad", properties={"value": float("nan")}))

    assert told.dropped == [(["e0", "e1"], "full"), (["bad"], "invalid")]
    assert (background.stats().dropped, background.stats().invalid) == (2, 1)


def test_before_send_may_change_an_event(tiktok):
    """What it returns is checked and sent."""
    with tt.BackgroundClient(
        tiktok.client(), before_send=lambda event: tt.Event("Lead", event_id=event.event_id)
    ) as background:
        background.track(*events(1))
        background.flush(5)

    assert [(event["event"], event["event_id"]) for event in tiktok.events] == [("Lead", "e0")]


@pytest.mark.parametrize("answer", [None, "Purchase", RuntimeError(markers.EMAIL)])
def test_before_send_may_hold_an_event_back(tiktok, told, caplog, answer):
    """With None; a hook that fails or answers nonsense holds back too, since it is there to keep something in."""

    def before_send(event):
        if isinstance(answer, Exception):
            raise answer
        return answer

    with tt.BackgroundClient(tiktok.client(), before_send=before_send, **told.hooks()) as background:
        assert background.track(*events(1)) == 0
        assert background.flush(5) == 0
        assert background.stats().dropped == 1

    assert tiktok.requests == []
    assert told.dropped == [(["e0"], "before_send")]
    assert bool(caplog.records) == (answer is not None)


@pytest.mark.parametrize("hook", ["on_sent", "on_dropped"])
def test_a_hook_that_fails_changes_nothing(tiktok, caplog, hook):
    """The log names the kind of error, not its text; delivery goes on."""

    def fail(*told):
        raise RuntimeError(markers.EMAIL)

    with tt.BackgroundClient(tiktok.client(), **{hook: fail}) as background:
        background.track(tt.Event("Purchase", event_id="bad", properties={"value": float("nan")}))
        background.track(*events(2))
        assert background.flush(5) == 0

    assert len(tiktok.events) == 2
    assert [record.getMessage() for record in caplog.records if "hook" in record.getMessage()] == [
        f"the hook {hook} raised RuntimeError"
    ]
    assert all(record.levelno == logging.ERROR for record in caplog.records if "hook" in record.getMessage())
