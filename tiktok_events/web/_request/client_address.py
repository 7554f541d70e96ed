"""The visitor's IP address, and warnings about proxies that hide it."""

from __future__ import annotations

from tiktok_events._spec.problem import Problem
from tiktok_events._spec.rules import problem
from tiktok_events.web._request.networks import CLOUDFLARE, PRIVATE, is_in, parse_address
from tiktok_events.web._request.proxies import peer_address
from tiktok_events.web._request.request import WebRequest

_FORWARDING_HEADERS = ("X-Forwarded-For", "Forwarded")
_ADDRESS_HEADERS = ("CF-Connecting-IP", "True-Client-IP", "Fly-Client-IP", "X-Azure-ClientIP", "X-Real-IP")
"""Headers in which proxies and CDNs send the visitor's address alone."""


def client_ip(request: WebRequest) -> str | None:
    """The visitor's address, if it is public; else None.

    It is the peer's address. If the peer is a trusted proxy, it is the address that its headers give.
    """
    forwarded = request.forwarded
    address = parse_address(request.peer or "") if forwarded is None else forwarded.address
    return str(address) if address is not None and address.is_global else None


def proxy_problems(request: WebRequest, ip: str | None) -> list[Problem]:
    """What is wrong with the way of *request* through proxies, if *ip* is used as the visitor's address.

    The headers of a direct visitor prove nothing, so they cause no problem.
    """
    peer = peer_address(request.peer)
    if peer is None:
        return []
    if request.forwarded is None and is_in(peer, PRIVATE):
        names = [name for name in (*_FORWARDING_HEADERS, *_ADDRESS_HEADERS) if request.header(name.lower())]
        return [problem("proxy-not-trusted", "user.ip", names[0])] if names else []
    if request.forwarded is None and not is_in(peer, CLOUDFLARE):
        return []
    for name in _ADDRESS_HEADERS:
        named = parse_address(request.header(name.lower()))
        is_visitor = named is not None and named.is_global and not request.is_proxy(named)
        if is_visitor and str(named) != ip and name.lower() != request.client_ip_header:
            return [problem("client-address-contradicted", "user.ip", name)]
    return []
