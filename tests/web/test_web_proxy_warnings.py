"""Warnings about proxies that are not trusted, and about headers that contradict the visitor's address."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from web_requests import a_request_from, a_site

from tiktok_events.web import Tracker

VISITOR, OTHER, EDGE = "8.8.8.8", "1.1.1.1", "172.68.1.1"  # public addresses: two resolvers, and Cloudflare


WARNED: list[tuple[str, str | None, dict[str, str], dict[str, Any], str | None]] = [
    ("a router that is not trusted", "10.0.0.1", {"X-Forwarded-For": VISITOR}, {}, "proxy-not-trusted"),
    ("a Unix socket that is not trusted", None, {"X-Forwarded-For": VISITOR}, {}, "proxy-not-trusted"),
    ("Forwarded", "172.17.0.1", {"Forwarded": f"for={VISITOR}"}, {}, "proxy-not-trusted"),
    ("X-Real-IP", "127.0.0.1", {"X-Real-IP": VISITOR}, {}, "proxy-not-trusted"),
    (
        "the wrong proxy is trusted",
        "10.0.0.1",
        {"X-Forwarded-For": VISITOR},
        {"trusted_proxies": ["192.168.0.1"]},
        "proxy-not-trusted",
    ),
    (
        "a CDN before a trusted router",
        "10.0.0.1",
        {"X-Forwarded-For": f"{VISITOR}, {EDGE}", "CF-Connecting-IP": VISITOR},
        {"trusted_proxies": ["private"]},
        "client-address-contradicted",
    ),
    ("Cloudflare itself, nothing set", EDGE, {"CF-Connecting-IP": VISITOR}, {}, "client-address-contradicted"),
    (
        "Fly",
        "10.0.0.1",
        {"X-Forwarded-For": OTHER, "Fly-Client-IP": VISITOR},
        {"trusted_proxies": ["private"]},
        "client-address-contradicted",
    ),
    (
        "True-Client-IP",
        "10.0.0.1",
        {"X-Forwarded-For": OTHER, "True-Client-IP": VISITOR},
        {"trusted_proxies": ["private"]},
        "client-address-contradicted",
    ),
    (
        "Azure",
        "10.0.0.1",
        {"X-Forwarded-For": OTHER, "X-Azure-ClientIP": VISITOR},
        {"trusted_proxies": ["private"]},
        "client-address-contradicted",
    ),
    ("a direct visitor", VISITOR, {}, {}, None),
    ("a direct visitor with forged headers", VISITOR, {"X-Forwarded-For": OTHER, "CF-Connecting-IP": OTHER}, {}, None),
    ("a developer on the same machine", "127.0.0.1", {}, {}, None),
    (
        "a router that is trusted",
        "10.0.0.1",
        {"X-Forwarded-For": VISITOR, "X-Real-IP": VISITOR},
        {"trusted_proxies": ["private"]},
        None,
    ),
    (
        "both are trusted",
        "10.0.0.1",
        {"X-Forwarded-For": f"{VISITOR}, {EDGE}", "CF-Connecting-IP": VISITOR, "X-Real-IP": EDGE},
        {"trusted_proxies": ["private", "cloudflare"]},
        None,
    ),
    (
        "the header is set",
        "10.0.0.1",
        {"X-Forwarded-For": f"{VISITOR}, {EDGE}", "CF-Connecting-IP": VISITOR},
        {"trusted_proxies": ["private"], "client_ip_header": "CF-Connecting-IP"},
        None,
    ),
]


@pytest.mark.parametrize(
    ("peer", "headers", "settings", "rule"), [row[1:] for row in WARNED], ids=[row[0] for row in WARNED]
)
def test_a_wrong_address_is_not_silent(
    peer: str | None,
    headers: dict[str, str],
    settings: dict[str, Any],
    rule: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is logged once, with the header and the setting, and counted; a direct visitor causes no warning."""
    site = a_site(**settings)
    with caplog.at_level(logging.WARNING, "tiktok_events"):
        for key in (1, 2, 3):
            Tracker(site, a_request_from(peer, headers)).track("Purchase", key=key)
    messages = [record.getMessage() for record in caplog.records]

    assert site.problem_counts == ({rule: 3} if rule else {})
    assert len(messages) == (rule is not None)
    assert not any(address in message for message in messages for address in (VISITOR, OTHER, EDGE))
    assert not rule or ("Site(" in messages[0] and any(header in messages[0] for header in headers))
