"""The client's IP address: the peer, or X-Forwarded-For behind trusted proxies."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from tiktok_events.errors import ConfigurationError
from tiktok_events.web._request.request import WebRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(trusted: Sequence[str | Network]) -> tuple[Network, ...]:
    """The addresses and networks in *trusted* as network objects.

    Raises:
        ConfigurationError: If an element is not an address or network.
    """
    try:
        return tuple(
            ipaddress.ip_network(network, strict=False) if isinstance(network, str) else network for network in trusted
        )
    except ValueError:
        raise ConfigurationError("trusted_proxies must be a list of addresses and networks") from None


def client_ip(request: WebRequest, trusted: Sequence[Network]) -> str | None:
    """The visitor's address, if it is public; else None.

    It is the peer's address. If the peer is *trusted*, it is the rightmost address of X-Forwarded-For that is not.
    """
    address = _address(request.peer or "")
    if address is None:
        return None
    if _is_trusted(address, trusted):
        for hop in reversed(request.header("x-forwarded-for").split(",")):
            forwarded = _address(hop)
            if forwarded is None:
                return None
            address = forwarded
            if not _is_trusted(forwarded, trusted):
                break
    return str(address) if address.is_global else None


def _is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in trusted)


def _address(text: str) -> Address | None:
    """The IP address in *text*, without port, brackets and zone; an IPv4 address mapped to IPv6 as IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
