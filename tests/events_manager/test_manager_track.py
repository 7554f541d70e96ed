"""`POST event/track/`, answered as TikTok answers it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from shops import DIGEST, TOKEN, Shop, body_of, server_event

import tiktok_events as tt
from tiktok_events.events_manager.intake.request_body import MAX_BODY

pytestmark = pytest.mark.anyio


async def test_success(shop: Shop) -> None:
    """A good request is answered with TikTok's four keys and code 0."""
    answer = await shop.sends(server_event())
    body = answer.json()

    assert answer.status_code == 200
    assert body == {"code": 0, "message": "OK", "request_id": body["request_id"], "data": {}}
    assert tt.decode(answer.status_code, answer.content).ok


@pytest.mark.parametrize(
    ("token", "status", "code", "message"),
    [
        (None, 401, 40104, "Access token is null, you should set it in http header with key Access-Token."),
        ("", 401, 40104, "Access token is null, you should set it in http header with key Access-Token."),
        ("wrong-zzpii", 200, 40105, "Access token is incorrect or has been revoked."),
        (TOKEN + "x", 200, 40105, "Access token is incorrect or has been revoked."),
    ],
)
async def test_tokens(shop: Shop, token: str | None, status: int, code: int, message: str) -> None:
    """A missing and a wrong token are refused by their own codes, and the given one is shown nowhere."""
    answer = await shop.sends(server_event(), token=token)

    assert (answer.status_code, answer.json()["code"], answer.json()["message"]) == (status, code, message)
    assert (await shop.summary())["rejected_by_code"] == {str(code): 1}
    assert "wrong-zzpii" not in json.dumps(await shop.events())
    with pytest.raises(tt.AuthenticationError):
        tt.decode(answer.status_code, answer.content)


async def test_any_token_will_do_without_one(open_shop: Callable[..., Shop]) -> None:
    """Started without a token the manager takes any, but it takes one, as TikTok does."""
    shop = open_shop()

    assert (await shop.sends(server_event(), token="anything")).json()["code"] == 0
    assert (await shop.sends(server_event(), token=None)).json()["code"] == 40104


async def test_tokens_that_are_no_text(shop: Shop) -> None:
    """A header of arbitrary bytes is a wrong token, not a fault."""
    answer = await shop.http.post("/open_api/v1.3/event/track/", content=b"{}", headers={"Access-Token": b"\xff\xfe"})

    assert answer.json()["code"] == 40105


async def test_wrong_pixel(shop: Shop) -> None:
    """Another source than the manager's own is one the token has no rights on."""
    answer = await shop.sends(server_event(), event_source_id="C0OTHER00OTHER000000")

    assert answer.status_code == 200
    assert (answer.json()["code"], answer.json()["message"]) == (40001, "No permission to operate pixel code")
    with pytest.raises(tt.AuthenticationError):
        tt.decode(answer.status_code, answer.content)


def contents(**fields: Any) -> dict[str, Any]:
    return {"properties": {**server_event()["properties"], "contents": [{"content_id": "a"}, fields]}}


# What is wrong with the second of two events: TikTok's message.
REFUSED = {
    "content_id is a number": (contents(content_id=47), "Batch.1.properties.contents.1.content_id: Not a valid string"),
    "price is text": (contents(content_id="a", price="9"), "Batch.1.properties.contents.1.price: Not a valid number"),
    "event_id is a number": ({"event_id": 5}, "Batch.1.event_id: Not a valid string"),
    "no name": ({"event": None}, "Batch.1.event: Missing data for required field"),
    "an empty name": ({"event": ""}, "Batch.1.event: Missing data for required field"),
    "no time": ({"event_time": None}, "Batch.1.event_time: Missing data for required field"),
    "event_time is text": ({"event_time": "now"}, "Batch.1.event_time: Not a valid integer"),
    "milliseconds": ({"event_time": 10**12}, "Batch.1.event_time: is in milliseconds or out of range"),
    "email in the clear": ({"user": {"email": "zzpii.ada@example.com"}}, "Batch.1.user.email: is not a SHA-256 digest"),
    "user is a list": ({"user": ["zzpii"]}, "Batch.1.user: Not a valid mapping type"),
    "value with a comma": (
        {"properties": {"value": "12,50 zzpii"}},
        "Batch.1.properties.value: is not a number",
    ),
    "limited_data_use is text": ({"limited_data_use": "no"}, "Batch.1.limited_data_use: Not a valid boolean"),
}


@pytest.mark.parametrize(("fields", "message"), REFUSED.values(), ids=REFUSED)
async def test_a_bad_event_refuses_the_request(shop: Shop, fields: dict[str, Any], message: str) -> None:
    """The message names index and field in TikTok's shape, never the value, and the client reads the index from it."""
    answer = await shop.sends(server_event(), server_event(**{"event_id": "order-2", **fields}))

    assert answer.status_code == 200
    assert (answer.json()["code"], answer.json()["message"]) == (40002, message)
    with pytest.raises(tt.RejectedError) as caught:
        tt.decode(answer.status_code, answer.content)
    assert caught.value.index == 1
    assert [event["outcome"] for event in await shop.events()] == ["rejected", "rejected"]
    assert "zzpii" not in json.dumps(await shop.events())


# A body that is wrong as a whole: TikTok's message.
WRONG_BODIES = {
    "not JSON": (b"{", "body: is not JSON"),
    "nothing": (b"", "body: is not JSON"),
    "not UTF-8": (b'{"event_source": "\xff"}', "body: is not JSON"),
    "not an object": (b"[1]", "body: is not a JSON object"),
    "NaN": (json.dumps(body_of(server_event(properties={"value": float("nan")}))).encode(), "body: is not JSON"),
    "nested deeply": (b"[" * 200_000, "body: is not JSON"),
    "no source": (
        json.dumps({"event_source": "web", "data": [server_event()]}).encode(),
        "event_source_id: Missing data for required field",
    ),
    "Meta's source": (
        json.dumps(body_of(server_event(), event_source="website")).encode(),
        "event_source: is not web, app, offline or crm",
    ),
    "no events": (json.dumps(body_of()).encode(), "data: contains no events"),
    "1,001 events": (
        json.dumps(body_of(*[server_event()] * 1001)).encode(),
        "data: contains more than 1,000 events, so TikTok refuses the request",
    ),
    "the token in the body": (
        json.dumps(body_of(server_event(), access_token="zzpii-token")).encode(),
        "access_token: contains the access token",
    ),
}


@pytest.mark.parametrize(("body", "message"), WRONG_BODIES.values(), ids=WRONG_BODIES)
async def test_wrong_bodies(shop: Shop, body: bytes, message: str) -> None:
    """A body that cannot be an Events API request gets code 40002 and is listed."""
    answer = await shop.sends_raw(body)

    assert (answer.status_code, answer.json()["code"], answer.json()["message"]) == (200, 40002, message)
    assert (await shop.summary())["accepted"] == 0
    assert (await shop.summary())["rejected"] == 1
    assert "zzpii" not in json.dumps(await shop.events())


async def test_1000_events_are_taken(shop: Shop) -> None:
    """As many events as TikTok takes in one request are taken, each counted."""
    answer = await shop.sends(*(server_event(event_id=f"order-{number}") for number in range(1000)))

    assert answer.json()["code"] == 0
    assert (await shop.summary())["conversions"] == 1000


@pytest.mark.parametrize(("size", "status", "code"), [(MAX_BODY, 200, 0), (MAX_BODY + 1, 413, 40002)])
async def test_body_limit(shop: Shop, size: int, status: int, code: int) -> None:
    """A body may be as large as the limit, and not a byte larger."""
    body = json.dumps(body_of(server_event())).encode()

    answer = await shop.sends_raw(body + b" " * (size - len(body)))

    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_warnings_do_not_refuse(shop: Shop) -> None:
    """What TikTok lets pass is taken, and listed with the rule and its fix."""
    await shop.sends(server_event(event_id=None, user={"emial": DIGEST}))

    (event,) = await shop.events()
    rules = {one["rule"] for one in event["problems"]}

    assert rules == {"empty-value", "unknown-field", "no-identifier"}
    assert all(one["fix"] and one["severity"] == "warning" for one in event["problems"])
    assert (await shop.summary())["warnings_by_rule"]["unknown-field"] == 1


async def test_refusals_are_counted_by_rule(shop: Shop) -> None:
    """An event that breaks a rule twice counts once for it; its neighbour counts for none."""
    await shop.sends(server_event(), server_event(user={"email": ["zzpii", "zzpii"]}, event_id=7))

    summary = await shop.summary()

    assert summary["rejected_by_rule"] == {"not-hashed": 1, "wrong-type": 1}
    assert (summary["received"], summary["accepted"], summary["rejected"]) == (2, 0, 2)


async def test_other_sources(open_shop: Callable[..., Shop]) -> None:
    """Offline, CRM and app events are taken by the rules of their kind."""
    shop = open_shop()
    user = {"phone": [DIGEST]}
    await shop.sends(server_event(user=user), event_source="offline", event_source_id="70001")
    await shop.sends(server_event(user=user, lead={"lead_id": "l1"}), event_source="crm", event_source_id="70002")
    await shop.sends(server_event(app={"app_id": "com.example"}), event_source="app", event_source_id="70003")
    refused = await shop.sends(server_event(event="MyOwn", user=user), event_source="offline", event_source_id="70001")

    assert [event["event_source"] for event in await shop.events()] == ["offline", "crm", "app", "offline"]
    assert (await shop.summary())["identifiers"]["lead_id"]["conversions"] == 1
    assert refused.json()["code"] == 40002


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/open_api/v1.3/event/track", "POST", 404),
        ("/open_api/v1.2/event/track/", "POST", 404),
        ("/open_api/v1.3/event/track/", "GET", 405),
    ],
)
async def test_wrong_addresses(shop: Shop, path: str, method: str, status: int) -> None:
    """A missing slash, another version or method answers without an envelope, and is never redirected."""
    answer = await shop.http.request(method, path, headers={"Access-Token": TOKEN})

    assert answer.status_code == status
    assert "code" not in answer.text


# Text that storage, JSON or a reader could choke on, in every place of an event that is kept.
ODD_TEXTS = {"a lone surrogate": "\ud800", "NUL": "a\0b", "direction marks": "a\u202eb", "long": "x" * 100_000}


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS)
async def test_odd_text_is_kept_harmless(open_shop: Callable[..., Shop], text: str) -> None:
    """No text breaks the manager, and what it lists is short and printable."""
    shop = open_shop()
    event = server_event(
        event=text, event_id=text, properties={"value": 1, "currency": text}, page={"url": f"https://a.example/{text}"}
    )
    body = json.dumps(body_of(event, event_source_id=text, test_event_code=text)).encode()

    answer = await shop.sends_raw(body)
    listed = (await shop.http.get("/api/events")).json()["events"][0]
    page = await shop.http.get("/")

    assert answer.status_code == 200
    assert page.status_code == 200
    for name in ("event", "event_id", "currency", "page", "event_source_id", "test_event_code"):
        assert listed[name] is None or (listed[name].isprintable() and len(listed[name]) <= 300)


@pytest.mark.parametrize("number", [10**400, -(10**400), 1e308, 2**63, True, "1", [], None])
@pytest.mark.parametrize("field", ["event_time", "value", "limited_data_use", "attribution_share"])
async def test_odd_numbers(shop: Shop, field: str, number: Any) -> None:
    """No number breaks the manager."""
    fields = {field: number} if field in ("event_time", "limited_data_use") else {}
    properties = {"value": number, "currency": "EUR"} if field == "value" else {}
    ad = {field: number} if field == "attribution_share" else {}

    answer = await shop.sends(server_event(properties=properties, ad=ad, **fields))

    assert answer.json()["code"] in (0, 40002)
    assert (await shop.http.get("/")).status_code == 200
    assert (await shop.summary())["received"] == 1


async def test_pii_is_never_returned(shop: Shop) -> None:
    """Neither JSON nor page holds an identifier's value or digest: only which of them were there."""
    secret = {
        "email": [DIGEST],
        "phone": [DIGEST[::-1]],
        "external_id": "1" + DIGEST[1:],
        "ttclid": "E.C.P.zzpii",
        "ttp": "zzpii-ttp",
        "ip": "203.0.114.77",
        "user_agent": "Mozilla/5.0 zzpii",
        "first_name": "2" + DIGEST[1:],
        "city": "zzpiicity",
    }
    await shop.sends(
        server_event(
            user=secret, page={"url": "https://zzpii:zzpii@shop.example/u/zzpii.ada@example.com?q=zzpii#zzpii"}
        )
    )
    await shop.browses(event_id="order-9")

    shown = [(await shop.http.get(path)).text for path in ("/", "/rows", "/api/events", "/api/summary")]
    event = (await shop.events())[0]

    assert sorted(secret) == sorted(event["identifiers"])
    assert event["page"] == "https://shop.example/u/…"
    for text in shown:
        assert "zzpii" not in text
        assert "203.0.114.77" not in text
        assert not any(value in text for value in (DIGEST, DIGEST[::-1], DIGEST[1:]))


async def test_problems_of_one_event_are_bounded(shop: Shop) -> None:
    """An event that breaks rules ten thousand times is listed with the errors first, and not with all of it."""
    unknown = {f"key{number}": 1 for number in range(10_000)}
    await shop.sends(server_event(user={**unknown, "email": "zzpii"}))

    (event,) = await shop.events()

    assert len(event["problems"]) == 50
    assert event["problems"][0]["rule"] == "not-hashed"
