"""The timeout of a request bounds it over every kind of connection, and a slow answer within it is taken."""

import asyncio
import socket
import threading
import time
from contextlib import ExitStack, contextmanager

import httpx
import pytest
from marker_hook import raises
from raw_answers import COMPLETE, HEADERS, drips, early, raw_server, says
from tls_servers import Certificate, proxy

import tiktok_events as tt
from tiktok_events.testing import SOURCE

TIMEOUT = 0.2
MARGIN = 1.0
"""Seconds that a slow machine may take beyond the timeout."""
ONCE = tt.RetryPolicy(attempts=1)
EVENT = tt.Event("Purchase", event_id="e0", properties={"value": 1, "currency": "EUR"})
LARGE = b"x" * 12_000_000
"""Larger than what the sockets of a connection buffer."""
HEADER_LINES = drips(HEADERS, b"X-A: b\r\n")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate that the clients of this file trust."""
    return Certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def own(is_async):
    """Make an httpx client of one's own, of the kind under test."""
    made = []

    def make(**options):
        made.append((httpx.AsyncClient if is_async else httpx.Client)(trust_env=False, **options))
        return made[-1]

    yield make
    for http in made:
        if is_async:
            asyncio.run(http.aclose())
        else:
            http.close()


@contextmanager
def ended(seconds=TIMEOUT):
    """The block raises a `TransportError` at the timeout; the list gets the seconds that it took."""
    took = []
    begun = time.monotonic()
    with raises(tt.TransportError, match=f"within {seconds} s"):
        yield took
    took.append(time.monotonic() - begun)
    assert seconds - 0.05 < took[0] < seconds + MARGIN


class Wrapping(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport around another one, as for tracing."""

    def __init__(self, transport):
        self._transport = transport

    def handle_request(self, request):
        return self._transport.handle_request(request)

    async def handle_async_request(self, request):
        return await self._transport.handle_async_request(request)

    def close(self):
        self._transport.close()

    async def aclose(self):
        await self._transport.aclose()


@pytest.mark.case("an answer that never ends, to a client of the caller's own", "TransportError at the timeout")
@pytest.mark.parametrize(
    "kind", ["httpx client", "transport in a transport", "one connection", "its own timeout is longer"]
)
def test_a_client_of_ones_own(connect, own, is_async, seen, kind):
    """Its timeouts do not count, and its transport may be any."""
    transport = httpx.AsyncHTTPTransport() if is_async else httpx.HTTPTransport()
    options = {
        "httpx client": {},
        "transport in a transport": {"transport": Wrapping(transport)},
        "one connection": {"limits": httpx.Limits(max_connections=1)},
        "its own timeout is longer": {"timeout": 60},
    }[kind]
    with raw_server(HEADER_LINES) as server:
        client = connect(base_url=server.url, timeout=TIMEOUT, retry=ONCE, http=own(**options))
        with ended() as took:
            client.track(EVENT)
        assert client.track(EVENT).ok
        assert client.track(EVENT).ok

        assert (server.connections, server.event_ids) == (2, ["e0", "e0"])
    seen(f"error after {took[0]:.1f} s of {TIMEOUT}")


@pytest.mark.case("an answer that never ends, on a connection that other code opened", "TransportError at the timeout")
def test_a_connection_of_other_code(seen):
    """A connection that was opened without our deadline is closed before a request uses it."""
    with raw_server() as server:
        http = httpx.Client(trust_env=False)
        with http, tt.Client(SOURCE, base_url=server.url, timeout=TIMEOUT, retry=ONCE, http=http) as client:
            http.post(f"{server.url}/event/track/", content=b'{"data": []}')
            server.script(HEADER_LINES)
            with ended() as took:
                client.track(EVENT)
            assert client.track(EVENT).ok
            http.post(f"{server.url}/event/track/", content=b'{"data": []}')  # ours serves the other code, too

        assert (server.connections, server.event_ids) == (3, ["e0"])
    seen(f"error after {took[0]:.1f} s of {TIMEOUT}")


@pytest.mark.case("an answer over TLS that comes byte by byte", "TransportError at the timeout")
@pytest.mark.parametrize("way", ["direct", "HTTP proxy", "HTTPS proxy"])
@pytest.mark.parametrize("part", ["header lines", "bytes of a record"])
def test_tls(connect, own, certificate, seen, way, part):
    """Directly and through proxies. A record of TLS is decoded only when it is complete."""
    wrap = certificate.wrap if part == "header lines" else certificate.wrap_dripping
    answer = HEADER_LINES if part == "header lines" else says(COMPLETE)
    with raw_server(answer, wrap=wrap) as server, ExitStack() as stack:
        options = {"verify": certificate.of_client}
        if way != "direct":
            url = stack.enter_context(proxy(certificate if way == "HTTPS proxy" else None))
            options["proxy"] = httpx.Proxy(url, ssl_context=certificate.of_client if "https" in url else None)
        url = server.url.replace("http:", "https:")
        client = connect(base_url=url, timeout=0.4, retry=ONCE, http=own(**options))
        with ended(0.4) as took:
            client.track(EVENT)

        assert server.requests == 1
    seen(f"error after {took[0]:.1f} s of 0.4")


@pytest.mark.case("a server that hinders the start of a request", "TransportError at the timeout")
@pytest.mark.parametrize("kind", ["handshake of silence", "handshake that drips", "reads nothing", "reads slowly"])
def test_before_the_answer(connect, seen, kind):
    """A TLS handshake without end, and a body that the server does not take."""

    def read_slowly(connection):
        while connection.recv(20_000):
            time.sleep(0.02)

    record = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"  # the start of a ServerHello of 16 kB
    answer = {
        "handshake of silence": says(),
        "handshake that drips": drips(record, b"\0"),
        "reads nothing": lambda connection: time.sleep(1),
        "reads slowly": read_slowly,
    }[kind]
    with raw_server(early(answer)) as server:
        scheme = "https:" if "handshake" in kind else "http:"
        client = connect(base_url=server.url.replace("http:", scheme), timeout=TIMEOUT, retry=ONCE)
        with ended() as took:
            client.post(LARGE)
    seen(f"error after {took[0]:.1f} s of {TIMEOUT}")


@pytest.mark.case(
    "a host with two addresses of which none answers", "TransportError at the timeout, not at twice the timeout"
)
def test_connecting(connect, monkeypatch, seen):
    """Both addresses listen, and their queues are full."""
    with ExitStack() as stack:
        port = 0
        for address in ("127.0.0.1", "127.0.0.2"):
            listener = stack.enter_context(socket.create_server((address, port), backlog=0))
            port = listener.getsockname()[1]
            for _ in range(2):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex((address, port))
        # No name of this machine has two addresses everywhere.
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in ("127.0.0.1", "127.0.0.2")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: found)
        client = connect(base_url=f"http://shop.localhost:{port}", timeout=TIMEOUT, retry=ONCE)
        with ended() as took:
            client.track(EVENT)
    seen(f"error after {took[0]:.1f} s of {TIMEOUT}")


@pytest.mark.case("a slow answer that ends within the timeout", "delivered, the connection is kept")
def test_slow_but_healthy(connect, seen):
    """Each byte of status line, headers and body comes alone."""

    def slowly(connection):
        for byte in COMPLETE:
            connection.sendall(bytes([byte]))
            time.sleep(0.002)

    slowly.is_complete = True
    with raw_server(slowly, slowly) as server:
        client = connect(base_url=server.url, timeout=5, retry=ONCE)
        for _ in range(4):
            assert client.track(EVENT).ok

        assert (server.connections, server.requests) == (1, 4)
    seen("4 of 4 requests delivered over 1 connection")


@pytest.mark.case("a server that sends 100 Continue and 103 Early Hints before its answer", "delivered")
def test_interim_answers(connect, seen):
    """A few of them do not end the request."""
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    with raw_server(says(interim * 20, COMPLETE)) as server:
        assert connect(base_url=server.url, timeout=5, retry=ONCE).track(EVENT).ok
    seen("delivered")


@pytest.mark.case(
    "threads that share a client, one of them with an answer that never ends", "one error, the others deliver"
)
def test_threads(seen):
    """The deadline is that of the request, not of the client or the connection."""
    with raw_server(HEADER_LINES) as server, tt.Client(SOURCE, base_url=server.url, timeout=0.5, retry=ONCE) as client:
        outcomes = []

        def track(number):
            for _ in range(20):
                try:
                    client.track(EVENT)
                    outcomes.append("ok")
                except tt.TransportError:
                    outcomes.append("error")

        threads = [threading.Thread(target=track, args=(number,)) for number in range(4)]
        begun = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert time.monotonic() - begun < 2
        assert (outcomes.count("error"), outcomes.count("ok")) == (1, 79)
    seen("1 error, 79 of 79 delivered")
