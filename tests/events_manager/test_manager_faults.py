"""Faults on request, and the clients that meet them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from shops import NOW, PIXEL, TOKEN, Shop, server_event

import tiktok_events as tt
from tiktok_events.events_manager import RunningManager, running
from tiktok_events.events_manager.intake.track_response import ConnectionDroppedError

SOURCE = tt.EventSource.web(PIXEL, TOKEN)
AT_ONCE = tt.RetryPolicy(first_wait=0, max_wait=0)

# A fault as asked for: HTTP status, code in the body (None: a page in HTML), what `decode` raises.
RECORDED: dict[str, tuple[dict[str, Any], int, int | None, type[tt.ApiError]]] = {
    "200 with 40001": ({"code": 40001}, 200, 40001, tt.AuthenticationError),
    "200 with 40002": ({"code": 40002}, 200, 40002, tt.RejectedError),
    "200 with 40100": ({"code": 40100}, 200, 40100, tt.RateLimitError),
    "401 with 40100": ({"code": 40100, "status": 401}, 401, 40100, tt.RateLimitError),
    "200 with 50000": ({"code": 50000}, 200, 50000, tt.ServerError),
    "a 502 page": ({"status": 502}, 502, None, tt.ServerError),
    "a 429 page": ({"status": 429, "retry_after": 7}, 429, None, tt.RateLimitError),
    "a 200 page": ({"status": 200}, 200, None, tt.ServerError),
}


@pytest.mark.anyio
@pytest.mark.parametrize(("fault", "status", "code", "error"), RECORDED.values(), ids=RECORDED)
async def test_recorded_answers(
    shop: Shop, fault: dict[str, Any], status: int, code: int | None, error: type[tt.ApiError]
) -> None:
    """Each recorded answer can be had, is read as what it is, and leaves no event behind; then all is as usual."""
    await shop.manages("/api/faults", {"answers": [fault]})

    answer = await shop.sends(server_event())

    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/json" if code else "text/html")
    with pytest.raises(error) as caught:
        tt.decode(answer.status_code, answer.content)
    assert caught.value.code == (code or status)
    assert answer.headers.get("retry-after") == (str(fault["retry_after"]) if "retry_after" in fault else None)
    assert (await shop.summary())["received"] == 0
    assert (await shop.sends(server_event())).json()["code"] == 0


@pytest.mark.anyio
async def test_partial_success(shop: Shop) -> None:
    """20001 with the events stored is the answer that says least."""
    await shop.manages("/api/faults", {"answers": [{"code": 20001, "store": True}]})

    answer = await shop.sends(server_event())

    assert not tt.decode(answer.status_code, answer.content).ok
    assert (await shop.summary())["conversions"] == 1


@pytest.mark.anyio
async def test_faults_come_in_order(shop: Shop) -> None:
    """Answers are used up one by one, `times` over, and code 0 in between is the usual answer."""
    answers = [{"code": 40100, "times": 2}, {"code": 0}, {"status": 503}]
    waiting = await shop.manages("/api/faults", {"answers": answers})

    seen = [(await shop.sends(server_event())).status_code for _ in range(5)]

    assert waiting.json() == {"waiting": 4}
    assert seen == [200, 200, 200, 503, 200]
    assert (await shop.summary())["received"] == 2


@pytest.mark.anyio
async def test_delete_ends_them(shop: Shop) -> None:
    """DELETE brings the usual answers and the usual time back."""
    await shop.manages("/api/faults", {"answers": [{"code": 40100, "times": 100}]})
    await shop.manages("/api/clock", {"now": 5})
    await shop.manages("/api/faults", method="DELETE")
    await shop.sends(server_event())

    assert (await shop.events())[0]["received_at"] == NOW
    assert (await shop.summary())["conversions"] == 1


@pytest.mark.anyio
@pytest.mark.parametrize(("drop", "stored"), [("before", 0), ("after", 1)])
async def test_dropped_in_process(shop: Shop, drop: str, stored: int) -> None:
    """Where no socket can be cut, the app raises in its place, with the event stored or not."""
    await shop.manages("/api/faults", {"answers": [{"drop": drop}]})

    with pytest.raises(ConnectionDroppedError):
        await shop.sends(server_event())

    assert (await shop.summary())["received"] == stored


WRONG_FAULTS = [
    {},
    [],
    {"answers": []},
    {"answers": {}},
    {"answers": [{}]},
    {"answers": [{"times": 2}]},
    {"answers": [{"code": "40100"}]},
    {"answers": [{"code": True}]},
    {"answers": [{"status": 99}]},
    {"answers": [{"status": 204}]},
    {"answers": [{"drop": "never"}]},
    {"answers": [{"drop": []}]},
    {"answers": [{"delay": -1}]},
    {"answers": [{"delay": 10**400}]},
    {"answers": [{"code": 1, "body": "<html>"}]},
    {"answers": [{"code": 1, "times": 10_001}]},
    {"answers": [{"code": 1, "times": 10_000}, {"code": 1}]},
    {"answers": ["x"]},
]


@pytest.mark.anyio
@pytest.mark.parametrize("body", WRONG_FAULTS, ids=str)
async def test_wrong_faults(shop: Shop, body: Any) -> None:
    """A fault that cannot be understood is refused in words, and none of its request is queued."""
    answer = await shop.manages("/api/faults", body)

    assert answer.status_code == 400
    assert answer.json()["error"]
    assert (await shop.sends(server_event())).json()["code"] == 0


@pytest.mark.anyio
async def test_clock(shop: Shop) -> None:
    """The clock is set and moved by a request, and stands still in between."""
    set_to = await shop.manages("/api/clock", {"now": 1000})
    shop.clock.now += 50
    moved = await shop.manages("/api/clock", {"advance": 2.5})

    assert (set_to.json(), moved.json()) == ({"now": 1000.0}, {"now": 1002.5})


@pytest.mark.anyio
@pytest.mark.parametrize(
    "body", [None, {}, {"now": "x"}, {"now": 1, "advance": 1}, {"now": -1}, {"advance": -(10**11)}, {"now": True}, 5]
)
async def test_wrong_times(shop: Shop, body: Any) -> None:
    """A time outside all calendars is refused."""
    assert (await shop.manages("/api/clock", body)).status_code == 400


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/api/faults", "/api/clock"])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("is_own_page", [True, False])
async def test_without_faults_nobody_is_there(
    open_shop: Callable[..., Shop], path: str, method: str, is_own_page: bool
) -> None:
    """A manager that was started without faults knows none of their addresses."""
    shop = open_shop()
    headers = {"Origin": "http://127.0.0.1:8765"} if is_own_page else {}
    answer = await shop.http.request(method, path, json={"answers": [{"code": 40100}]}, headers=headers)

    assert answer.status_code == 404
    assert (await shop.sends(server_event())).json()["code"] == 0


@pytest.fixture
def manager() -> Any:
    """A manager on a socket."""
    with running(token=TOKEN, source_id=PIXEL, faults=True) as started:
        yield started


def ask_for(manager: RunningManager, *answers: dict[str, Any]) -> None:
    headers = {"Origin": manager.url}
    httpx.post(
        f"{manager.url}/api/faults", json={"answers": answers}, headers=headers, trust_env=False
    ).raise_for_status()


def purchase() -> tt.Event:
    return tt.Event("Purchase", key="order-1", properties={"value": 1, "currency": "EUR"})


@pytest.mark.parametrize(
    ("fault", "received"),
    [
        ({"drop": "before"}, 1),
        ({"drop": "after"}, 2),
        ({"status": 502}, 1),
        ({"status": 502, "store": True}, 2),
        ({"code": 40100, "status": 401}, 1),
        ({"code": 50002, "store": True}, 2),
    ],
)
def test_a_client_gets_through(manager: RunningManager, fault: dict[str, Any], received: int) -> None:
    """Whether the event was stored before the answer was lost or not, the retry makes it one conversion."""
    ask_for(manager, fault)

    with tt.Client(SOURCE, base_url=manager.api_url, retry=AT_ONCE) as client:
        response = client.track(purchase())

    assert response.ok
    assert (manager.summary()["received"], manager.summary()["conversions"]) == (received, 1)


def test_a_slow_answer_times_out(manager: RunningManager) -> None:
    """A delay longer than the client's patience loses the answer, not the event."""
    ask_for(manager, {"delay": 1.0})

    with tt.Client(SOURCE, base_url=manager.api_url, retry=AT_ONCE, timeout=0.2) as client:
        response = client.track(purchase())

    assert response.ok
    assert [event["outcome"] for event in manager.events()] == ["kept", "dropped"]
