"""Arbitrary requests through both middlewares: responses only get additions."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import markers
import pytest
from hostile_requests import Answer, Headers, View, check_only_added, over_asgi, over_wsgi
from hypothesis import given
from hypothesis import strategies as st
from web_requests import NOW_MS, VISITOR_COOKIE, a_site, sent_by

import tiktok_events as tt
from tiktok_events.testing import SOURCE
from tiktok_events.web import ConsentCookie, TemplateVariable, Tracker


@contextmanager
def caught_errors() -> Iterator[list[str]]:
    """Errors that the middleware catches and logs, so that the response is sent; there should be none."""
    caught: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: caught.append(record.getMessage())  # type: ignore[method-assign]
    handler.addFilter(lambda record: record.funcName == "with_our_headers")
    logging.getLogger("tiktok_events").addHandler(handler)
    try:
        yield caught
    finally:
        logging.getLogger("tiktok_events").removeHandler(handler)


COOKIES = [VISITOR_COOKIE, f"ttclid={markers.TTCLID}.{NOW_MS}", "ttclid=", "_tte_next=zzpii", "agreed=yes", "a[b]=c; ="]
HEADER_VALUES = st.one_of(
    st.sampled_from([
        *(b"document", b"empty", b"navigate", b"cross-site", b"1", b"true", b"prefetch", b"XMLHttpRequest"),
        *(b"text/html", b"curl/8", b"shop.example", b"[::1]:80", b"https://shop.example/?ttclid=zzpii", b"https://[a"),
        *(markers.USER_AGENT.encode(), b"de-AT,de;q=0.8", b"9.9.9.9, 10.0.0.1", *(one.encode() for one in COOKIES)),
    ]),
    st.binary(max_size=40),
)
REQUEST_HEADERS = (
    "host cookie Cookie referer user-agent accept accept-language sec-fetch-dest sec-fetch-mode sec-fetch-site sec-gpc "
    "sec-purpose hx-request hx-current-url x-forwarded-for x-requested-with turbo-frame"
)
RESPONSE_HEADERS = (
    "Content-Type content-type Set-Cookie set-cookie Cache-Control cache-control tiktok-events Location ETag vary x"
)
RESPONSE_VALUES = st.one_of(
    st.sampled_from([
        *(b"text/html", b"text/html; charset=utf-8", b"application/json", b"public, max-age=60", b"s-maxage=5"),
        *(b"private", b"no-store", b"no-cache, ,must-revalidate", b"_tte_id=own; Path=/", b"ttclid=", b"a=b", b"[]"),
    ]),
    st.binary(max_size=20),
)
RULES: list[Any] = [
    None,
    lambda request: True,
    lambda request: False,
    lambda request: None,
    lambda request: request.headers["zzpii"],
    ConsentCookie("agreed", granted={"yes"}, denied={"no"}),
]
ACTIONS: list[View] = [
    lambda tracker: tracker.track("Lead"),
    lambda tracker: tracker.track("Purchase", key="zzpii-1", properties={"value": 1}),
    lambda tracker: tracker.track("Search", properties={"query": "</script>\u2028\ud800\r\n"}),
    lambda tracker: tracker.track("Purchase", properties={"value": "zzpii"}),
    lambda tracker: tracker.track("ViewContent").payload,
    lambda tracker: tracker.identify(email="zzpii", phone="zzpii"),
    lambda tracker: TemplateVariable(tracker).pixel(),
    lambda tracker: TemplateVariable(tracker).data(),
    lambda tracker: TemplateVariable(tracker).consent,
    lambda tracker: tracker.snapshot(),
    lambda tracker: tracker.event_id("Lead"),
    lambda tracker: tracker.grant_consent(),
    lambda tracker: tracker.revoke_consent(),
]


@pytest.mark.parametrize("over", [over_asgi, over_wsgi], ids=["asgi", "wsgi"])
@given(
    request=st.lists(st.tuples(st.sampled_from(REQUEST_HEADERS.split()).map(str.encode), HEADER_VALUES), max_size=12),
    query=st.one_of(st.just(f"ttclid={markers.TTCLID}".encode()), st.binary(max_size=40)),
    method=st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "BREW"]),
    path=st.text(max_size=20),
    status=st.integers(100, 999),
    answer=st.lists(st.tuples(st.sampled_from(RESPONSE_HEADERS.split()).map(str.encode), RESPONSE_VALUES), max_size=6),
    chunks=st.lists(st.binary(max_size=20), max_size=4),
    actions=st.lists(st.sampled_from(ACTIONS), max_size=4),
    rule=st.sampled_from(RULES),
    unknown=st.sampled_from(["block", "hold"]),
)
def test_nothing_raises_and_a_response_is_only_added_to(
    over: Any,
    request: Headers,
    query: bytes,
    method: str,
    path: str,
    status: int,
    answer: Headers,
    chunks: list[bytes],
    actions: list[View],
    rule: Any,
    unknown: Any,
) -> None:
    """For any request, consent, view and response: status, headers and chunks arrive unchanged."""
    site = a_site(consent=rule, on_unknown_consent=unknown, trusted_proxies=["10.0.0.0/8"])

    def view(tracker: Tracker) -> None:
        for action in actions:
            action(tracker)

    rest: list[Any] = (
        chunks if over is over_wsgi else [{"type": "http.response.body", "body": chunk} for chunk in chunks]
    )
    app_answer = Answer(status, list(answer), rest)
    with caught_errors() as caught:
        seen = over(site, view, request, query, method, path, app_answer)

    assert caught == []
    assert app_answer.headers == answer
    assert seen.status == status
    assert len(seen.rest) == len(rest)
    assert all(one is other for one, other in zip(seen.rest, rest, strict=True))
    check_only_added(answer, seen.headers)
    if status == 304 or status < 200:
        assert seen.headers == answer
    for event in sent_by(site):
        assert tt.encode(SOURCE, [event])
