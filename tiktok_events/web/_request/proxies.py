"""Trusted reverse proxies, and what their headers say about the visitor's address, scheme and host."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import attrs

from tiktok_events.errors import ConfigurationError
from tiktok_events.web._request.networks import CLOUDFLARE, PRIVATE, Address, Network, is_in, parse_address

if TYPE_CHECKING:
    from tiktok_events.web._request.readers import Reader

HOST = re.compile(r"(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::[0-9]{0,5})?")
_HEADER_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_PAIR = re.compile(r'\s*([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^;,"\s]*)\s*(;|,|$)')
_MAX_HEADER = 2_000
_SCHEMES = ("http", "https")


@attrs.frozen
class Hop:
    """One step of a request on its way: who sent it, and for which scheme and host; "" where it is not said."""

    sender: str
    scheme: str = ""
    host: str = ""


@attrs.frozen
class Forwarded:
    """What trusted proxies say about a request: the visitor's address, the scheme and the host; "" where nothing."""

    address: Address | None
    scheme: str = ""
    host: str = ""


@attrs.frozen
class Proxies:
    """The proxies that a site trusts, and the header in which they send the visitor's address, if it is a special one."""

    networks: tuple[Network, ...]
    client_ip_header: str | None = None

    def trusts(self, address: Address | None) -> bool:
        """Whether *address* is that of a trusted proxy."""
        return address is not None and is_in(address, self.networks)

    def forwarded(self, reader: Reader) -> Forwarded | None:
        """What the headers of a request say, if its peer is trusted; else None."""
        peer = peer_address(reader.peer())
        if not self.trusts(peer):
            return None
        # A proxy that sets X-Forwarded headers may pass on a stranger's Forwarded, which few proxies set.
        found = self._walk(_x_forwarded_hops(reader) or _forwarded_hops(reader.header("forwarded")), peer)
        special = reader.header(self.client_ip_header) if self.client_ip_header else ""
        if special:
            found = attrs.evolve(found, address=self._walk(_hops(_end_of(special)), None).address)
        return found

    def _walk(self, hops: Sequence[Hop], peer: Address | None) -> Forwarded:
        """Go from the server to the visitor: the first sender that is not a trusted proxy is the visitor."""
        address, scheme, host = peer, "", ""
        for hop in reversed(hops):
            scheme, host = hop.scheme or scheme, hop.host or host
            if not hop.sender:
                continue  # it says nothing about the sender
            address = parse_address(hop.sender)
            if not self.trusts(address):
                break
        return Forwarded(address, scheme, host)


def trusted_networks(trusted: str | Iterable[str | Network]) -> tuple[Network, ...]:
    """The networks of *trusted*: addresses, networks, and the words "private" and "cloudflare".

    Raises:
        ConfigurationError: If an element is none of these.
    """
    words = {"private": PRIVATE, "cloudflare": CLOUDFLARE}
    found: list[Network] = []
    try:
        for one in trusted.split(",") if isinstance(trusted, str) else trusted:
            name = one.strip().lower() if isinstance(one, str) else one
            found += (
                words[name] if isinstance(name, str) and name in words else [ipaddress.ip_network(name, strict=False)]
            )
    except (ValueError, TypeError):
        raise ConfigurationError(
            'trusted_proxies must be a list of addresses, networks, "private" or "cloudflare"'
        ) from None
    return tuple(found)


def header_name(name: str | None) -> str | None:
    """*name* as a lower-case header name; None for None.

    Raises:
        ConfigurationError: If it is not a header name.
    """
    if name is None:
        return None
    if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name.strip().lower()):
        raise ConfigurationError('client_ip_header must be the name of a header, such as "CF-Connecting-IP"')
    return name.strip().lower()


def peer_address(peer: str | None) -> Address | None:
    """The address of a connection's peer. The peer of a Unix socket has none, and is on this machine: loopback."""
    return parse_address(peer or "127.0.0.1")


def _hops(addresses: str) -> list[Hop]:
    """The hops of a list of addresses. Empty elements are left out."""
    return [Hop(element) for element in map(str.strip, addresses.split(",")) if element]


def _x_forwarded_hops(reader: Reader) -> list[Hop]:
    """The hops of X-Forwarded-For, -Proto and -Host. A proxy adds to their ends, so they are aligned there."""
    senders = _hops(_end_of(reader.header("x-forwarded-for")))
    schemes = _elements(_end_of(reader.header("x-forwarded-proto")))
    hosts = _elements(_end_of(reader.header("x-forwarded-host")))
    length = max(len(senders), len(schemes), len(hosts))
    return [
        Hop(sender.sender if sender else "", _scheme(scheme or ""), _host(host or ""))
        for sender, scheme, host in zip(
            *([*[None] * (length - len(part)), *part] for part in (senders, schemes, hosts)), strict=True
        )
    ]


def _end_of(header: str) -> str:
    """The last whole elements of a list, at most `_MAX_HEADER` characters: proxies add to its end."""
    return header if len(header) <= _MAX_HEADER else header[-_MAX_HEADER:].partition(",")[2]


def _elements(header: str) -> list[str]:
    return [element for element in map(str.strip, header.lower().split(",")) if element]


def _forwarded_hops(header: str) -> list[Hop]:
    """The hops of the header Forwarded (RFC 7239); none if it is malformed."""
    hops, position, pairs = [], 0, dict[str, str]()
    if len(header) > _MAX_HEADER:
        return []
    while position < len(header):
        match = _PAIR.match(header, position)
        if match is None:
            return []
        pairs[match[1].lower()] = match[2].strip('"').replace("\\", "")
        position = match.end()
        if match[3] != ";":
            hops.append(
                Hop(pairs.get("for", ""), _scheme(pairs.get("proto", "").lower()), _host(pairs.get("host", "")))
            )
            pairs = {}
    return hops


def _scheme(text: str) -> str:
    return text if text in _SCHEMES else ""


def _host(text: str) -> str:
    return text.lower() if HOST.fullmatch(text.lower()) else ""
