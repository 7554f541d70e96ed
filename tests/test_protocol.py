"""Bytes out, bytes in: the pure half of the protocol."""

import json

import httpx
import markers
import pytest
from marker_hook import raises

import tiktok_events as tt

PURCHASE = tt.Event("Purchase", event_id="order-1", event_time=1_790_000_000, user={"email": markers.EMAIL})
SOURCE = tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "example-token")

# code: class, retryable, is_configuration_error. Copied from the reference's table of codes.
CODES = {
    40000: (tt.RejectedError, False, False),
    40001: (tt.AuthenticationError, False, True),
    40002: (tt.RejectedError, False, False),
    40003: (tt.AuthenticationError, False, True),
    40006: (tt.RejectedError, False, True),
    40007: (tt.RejectedError, False, True),
    40008: (tt.RejectedError, False, True),
    40009: (tt.RejectedError, False, False),
    40010: (tt.RejectedError, False, True),
    40013: (tt.RejectedError, False, False),
    40014: (tt.RejectedError, False, False),
    40016: (tt.RateLimitError, True, False),
    40051: (tt.RejectedError, False, True),
    40061: (tt.RejectedError, False, False),
    40062: (tt.RejectedError, False, False),
    40063: (tt.RejectedError, False, False),
    40100: (tt.RateLimitError, True, False),
    40101: (tt.AuthenticationError, False, True),
    40102: (tt.AuthenticationError, False, True),
    40104: (tt.AuthenticationError, False, True),
    40105: (tt.AuthenticationError, False, True),
    40106: (tt.AuthenticationError, False, True),
    40113: (tt.AuthenticationError, False, True),
    40117: (tt.RejectedError, False, True),
    40118: (tt.RejectedError, False, True),
    40119: (tt.AuthenticationError, False, True),
    40124: (tt.AuthenticationError, False, True),
    40125: (tt.AuthenticationError, False, True),
    40130: (tt.AuthenticationError, False, True),
    40132: (tt.RateLimitError, True, False),
    40133: (tt.RateLimitError, True, False),
    40202: (tt.ServerError, True, False),
    40300: (tt.RejectedError, False, False),
    40301: (tt.RejectedError, False, False),
    40400: (tt.RejectedError, False, True),
    40700: (tt.RejectedError, False, False),
    41000: (tt.RejectedError, False, False),
    41001: (tt.RejectedError, False, False),
    41002: (tt.RejectedError, False, False),
    50000: (tt.ServerError, True, False),
    50002: (tt.ServerError, True, False),
    51010: (tt.ServerError, True, False),
    51999: (tt.ServerError, True, False),
    52000: (tt.ServerError, True, False),
    52999: (tt.ServerError, True, False),
    53102: (tt.ServerError, True, False),
    53103: (tt.ServerError, True, False),
    60001: (tt.ServerError, True, False),
    61000: (tt.RateLimitError, True, False),
}
STATUSES = {
    200: (tt.ServerError, True, False),
    204: (tt.ServerError, True, False),
    301: (tt.RejectedError, False, True),
    307: (tt.RejectedError, False, True),
    400: (tt.RejectedError, False, False),
    401: (tt.AuthenticationError, False, True),
    403: (tt.AuthenticationError, False, True),
    404: (tt.RejectedError, False, True),
    405: (tt.RejectedError, False, True),
    408: (tt.ServerError, True, False),
    413: (tt.RejectedError, False, False),
    429: (tt.RateLimitError, True, False),
    500: (tt.ServerError, True, False),
    502: (tt.ServerError, True, False),
    503: (tt.ServerError, True, False),
}
FORMS = [
    "<html><h1>502 Bad Gateway</h1></html>",
    "",
    "null",
    "[]",
    "0",
    '"OK"',
    "{}",
    '{"code": null}',
    '{"code": "0"}',
    '{"code": true}',
    "[" * 100_000,
    '{"code": NaN}',
    "\ufeff{",
    '{"code": 1' + "0" * 5000 + "}",
]


def answer(code, message="", **more):
    """An answer's body."""
    return json.dumps({"code": code, "message": message, "request_id": "20260901-AB", "data": {}, **more}).encode()


def refusal(status, body, **options):
    """The error that an answer becomes."""
    with raises(tt.ApiError) as caught:
        tt.decode(status, body, **options)
    return caught.value


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("status", [200, 401, 500])
def test_the_code_decides(code, status):
    """Class, retry and stop follow TikTok's code, whatever the HTTP status says."""
    error = refusal(status, answer(code, "Field is invalid"))

    assert (type(error), error.retryable, error.is_configuration_error) == CODES[code]
    assert (error.code, error.status, error.request_id) == (code, status, "20260901-AB")
    assert str(error) == f"TikTok answered {code}: Field is invalid (request_id 20260901-AB)"
    assert error.response is None


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("body", FORMS, ids=range(len(FORMS)))
def test_without_an_envelope_the_status_decides(status, body):
    """HTML, nothing, other JSON: only TikTok's own envelope is an answer."""
    error = refusal(status, body.encode())

    assert (type(error), error.retryable, error.is_configuration_error) == STATUSES[status]
    assert error.code == status
    assert error.request_id == ""
    assert f"HTTP {status}" in str(error)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("code", [-1, 1, 39999, 40999, 49999, 53000, 70000])
def test_an_unknown_code_is_judged_by_its_status(status, code):
    """And keeps its number, for whoever looks it up."""
    error = refusal(status, answer(code))

    assert (type(error), error.retryable, error.is_configuration_error) == STATUSES[status]
    assert error.code == code


@pytest.mark.parametrize("status", [200, 201, 401, 500])
def test_code_0_is_success(status):
    """Whatever the HTTP status says."""
    response = tt.decode(status, answer(0, "OK"))

    assert (response.code, response.message, response.request_id) == (0, "OK", "20260901-AB")
    assert response.ok


@pytest.mark.parametrize("code", [20001, 40050])
def test_partial_and_repeated_are_no_errors(code):
    """20001 took some; 40050 has seen the request before. Neither is sent again."""
    response = tt.decode(200, answer(code, "partial"))

    assert response.code == 20001
    assert not response.ok


@pytest.mark.parametrize(
    ("message", "index"),
    [
        ("Batch.0.properties.contents.0.content_id: Not a valid string", 0),
        ("Batch.17.event: missing", 17),
        ("data.0.event_time is invalid", 0),
        ("data.12.properties.contents.3.price", 12),
        ("data[2].event is required", 2),
        ("Invalid event at index 3", 3),
        ("index: 5 is invalid", 5),
        ("index=999", 999),
        ("BATCH.4.user", 4),
        ("Invalid value for event_id: not a valid string.", None),
        ("metadata.4.user", None),
        ("data.12345.user", None),
        ("", None),
        (5, None),
        ("x" * 3000 + " data.1.event", None),
    ],
)
def test_the_refused_event_is_read_from_the_message(message, index):
    """In every shape that was seen, and in no other."""
    assert refusal(200, answer(40002, message)).index == index


def test_a_wrong_source_id_is_nobodys_event():
    """40002 about event_source_id stops everything: every other event would be refused too."""
    error = refusal(200, answer(40002, "Invalid value for event_source_id: not a valid string."))

    assert error.is_configuration_error
    assert not error.retryable
    assert (
        refusal(200, answer(40002, "Invalid value for event_id: not a valid string.")).is_configuration_error is False
    )


ECHOES = [
    "Invalid value for email: zzpii.ada@example.com",
    "Invalid value 'Zzpiiada' for first_name",
    f"user.ip: {markers.IP} is not valid",
    f"phone {markers.PHONE} is not valid",
    "phone +1 555 010 0199 is not valid",
    "phone (555) 010-0199",
    f"hash {min(markers.DIGESTS)} was refused",
    "https://shop.example/thanks?q=zzpii is refused",
    "zzpii" * 1000,
    "data.0.user.email=zzpii@example.com; token=zzpii",
]


@pytest.mark.parametrize("message", ECHOES)
def test_what_tiktok_echoes_is_blanked(message):
    """Its words stay, values do not: the text may be logged."""
    error = refusal(200, answer(40002, message))

    assert not markers.shown_in(error.message)
    assert "\u2026" in error.message
    for digits in ("555", "010", "0199", "9.9"):
        assert digits not in error.message
    assert len(str(error)) < 700


@pytest.mark.parametrize(
    "message",
    [
        "Batch.0.properties.contents.0.content_id: Not a valid string",
        "Invalid value for event_id: not a valid string.",
        "Too many requests. Please retry in some time.",
        "Access token is null, you should set it in http header with key Access-Token.",
    ],
)
def test_tiktoks_own_words_stay(message):
    """The texts that were seen in the field are readable, but for a word or two."""
    kept = refusal(200, answer(40002, message)).message

    assert kept.count("\u2026") <= 1
    assert len(kept) > 0.8 * len(message)


@pytest.mark.parametrize("request_id", [None, 5, "", "x" * 65, "a b", "<script>", "\u00e9", "zzpii@example.com", ["1"]])
def test_an_odd_request_id_is_none(request_id):
    """What is shown and logged is an id or nothing."""
    assert refusal(200, answer(40002, request_id=request_id)).request_id == ""


def test_waits_and_wishes_travel_with_the_error():
    """The code's own wait, and the server's Retry-After."""
    assert refusal(200, answer(40132)).wait == 300
    assert refusal(200, answer(60001)).wait == 60
    assert refusal(429, b"", retry_after=7.0).retry_after == 7.0


def test_a_body_is_the_envelope_and_the_events():
    """The source, the test code when there is one, and the items in order."""
    source = tt.EventSource("web", "C0EXAMPLE0EXAMPLE000", "token", test_event_code="TEST1")
    body = json.loads(tt.encode(source, [PURCHASE, PURCHASE]))

    assert body == {
        "event_source": "web",
        "event_source_id": "C0EXAMPLE0EXAMPLE000",
        "test_event_code": "TEST1",
        "data": [PURCHASE._wire, PURCHASE._wire],
    }
    assert "test_event_code" not in json.loads(tt.encode(SOURCE, [PURCHASE]))


def test_a_keyed_event_gets_its_id_from_the_source():
    """Every process that shares the namespace makes the same one."""
    keyed = tt.Event("Purchase", key="1001", event_time=1)
    shop = tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "token", id_namespace="shop")

    assert keyed.event_id is None
    assert json.loads(tt.encode(shop, [keyed]))["data"][0]["event_id"] == tt.event_id(
        "Purchase", "1001", namespace="shop"
    )
    assert json.loads(tt.encode(SOURCE, [keyed]))["data"][0]["event_id"] == tt.event_id("Purchase", "1001")
    assert keyed.event_id is None


def test_the_request_is_what_tiktok_documents(client, tiktok):
    """POST, the path with its slash, JSON, the raw token in its header; nothing else that tells on us."""
    seen = []
    tiktok.answers(lambda request: seen.append(request) or 0)
    client.track(PURCHASE)

    request: httpx.Request = seen[0]
    assert request.method == "POST"
    assert str(request.url) == "https://business-api.tiktok.com/open_api/v1.3/event/track/"
    assert request.headers["access-token"] == "example-token"
    assert request.headers["content-type"] == "application/json"
    assert "authorization" not in request.headers
