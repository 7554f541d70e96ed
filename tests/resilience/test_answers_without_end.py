"""Answers that do not end, end too late or are too large: a request ends within its timeout, and the next one works."""

import time
import zlib
from contextlib import contextmanager

import httpx
import pytest
from marker_hook import raises
from raw_answers import HEADERS, OK, complete, compressed, drips, raw_server, says

import tiktok_events as tt

TIMEOUT = 0.2
MARGIN = 1.0
"""Seconds that a slow machine may take beyond the timeout."""
ONCE = tt.RetryPolicy(attempts=1)
EVENT = tt.Event("Purchase", event_id="e0", properties={"value": 1, "currency": "EUR"})

CHUNKED = HEADERS + b"Transfer-Encoding: chunked\r\n\r\n"
ENDLESS = {
    "status line": drips(b"HTTP/1.1 200 ", b"O"),
    "one header line": drips(HEADERS + b"X-Long: ", b"x"),
    "header lines": drips(HEADERS, b"X-A: b\r\n"),
    "100 Continue": drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "103 Early Hints": drips(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    "100 Continue without a pause": drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 50, pause=0),
    "chunk extension": drips(CHUNKED + b"5;", b"a"),
    "chunk size of zeros": drips(CHUNKED, b"0"),
    "chunks": drips(CHUNKED, b"1\r\n \r\n"),
    "body": drips(HEADERS + b"Content-Length: 60000\r\n\r\n", b" "),
    "body without a length": drips(HEADERS + b"\r\n", b" "),
    "trailers": drips(CHUNKED + b"%x\r\n%s\r\n0\r\n" % (len(OK), OK), b"X-A: b\r\n"),
    "silence": says(),
    "silence behind the headers": says(HEADERS, b"Content-Length: 53\r\n\r\n"),
    "length too large": says(HEADERS, b"Content-Length: 54\r\n\r\n", OK),
    "chunk of 2^60 bytes": says(CHUNKED, b"1000000000000000\r\n", OK),
}
BROKEN = {
    "header lines without a pause": drips(HEADERS, b"X-A: b\r\n" * 1000, pause=0),
    "a header line without end": drips(HEADERS + b"X-Long: ", b"x" * 10_000, pause=0),
    "a body without end": drips(HEADERS + b"\r\n", b" " * 10_000, pause=0),
    "chunks without end": drips(CHUNKED, b"3e8\r\n" + b" " * 1000 + b"\r\n", pause=0),
    "chunk extensions without a pause": drips(CHUNKED + b"5;", b"a" * 10_000, pause=0),
    "trailers without a pause": drips(CHUNKED + b"0\r\n", b"X-A: b\r\n" * 1000, pause=0),
    "length too large, then closed": says(HEADERS, b"Content-Length: 54\r\n\r\n", OK, then_close=True),
    "length of 100 digits": says(HEADERS, b"Content-Length: ", b"9" * 100, b"\r\n\r\n"),
    "chunk size of 100 digits": says(CHUNKED, b"f" * 100, b"\r\n"),
    "chunk size that is no number": says(CHUNKED, b"large\r\n"),
    "closed in the headers": says(HEADERS, then_close=True),
    "no HTTP": says(b"220 mail.example.com ESMTP\r\n\r\n"),
}
COMPRESSED = {
    "50 MB in gzip": ("gzip", compressed(50_000_000, 31)),
    "50 MB in deflate": ("deflate", compressed(50_000_000, 15)),
    "50 MB in raw deflate": ("deflate", compressed(50_000_000, -15)),
    "500 MB in gzip in gzip": ("gzip, gzip", compressed(500_000_000, 31, 31)),
    "500 MB in deflate in gzip": ("deflate, gzip", compressed(500_000_000, 15, 31)),
    "gzip three times": ("gzip, gzip, gzip", compressed(1_000_000, 31, 31, 31)),
    "brotli": ("br", b"\x8b\x00\x80" + bytes(3_000)),
    "zstd": ("zstd", b"\x28\xb5\x2f\xfd" + bytes(3_000)),
    "gzip that is none": ("gzip", OK),
    "half a gzip": ("gzip", compressed(1_000_000, 31)[:200]),
}


@contextmanager
def ended(seconds=TIMEOUT):
    """The block raises a `TransportError` within *seconds*; it has the seconds that the block took."""
    took = []
    begun = time.monotonic()
    with raises(tt.TransportError) as caught:
        yield took, caught
    took.append(time.monotonic() - begun)
    assert took[0] < seconds + MARGIN
    assert caught.value.retryable


def settled(server, number):
    """Wait until the client has closed *number* connections."""
    until = time.monotonic() + 5
    while server.closed_by_client < number and time.monotonic() < until:
        time.sleep(0.005)
    return server.closed_by_client


@pytest.mark.case(
    "an answer that never ends", "TransportError at the timeout, the connection is closed, the next request works"
)
@pytest.mark.parametrize("kind", ENDLESS)
def test_an_answer_without_end(connect, seen, kind):
    """Whatever part of the answer drips, the timeout bounds the exchange as a whole."""
    with raw_server(ENDLESS[kind]) as server:
        client = connect(base_url=server.url, timeout=TIMEOUT, retry=ONCE)
        with ended() as (took, caught):
            client.track(EVENT)
        assert client.track(EVENT).ok

        assert took[0] > TIMEOUT - 0.05
        assert str(caught.value) == "no answer from TikTok within 0.2 s"
        assert (server.connections, server.event_ids) == (2, ["e0"])
        assert settled(server, 1) == 1
    seen(f"error after {took[0]:.1f} s of 0.2, the next event arrived")


@pytest.mark.case("an answer that is too large or broken", "TransportError at once, the next request works")
@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_answer(connect, seen, kind):
    """It is not read to its end, and nothing waits for the timeout."""
    with raw_server(BROKEN[kind]) as server:
        client = connect(base_url=server.url, timeout=5, retry=ONCE)
        with ended(1.0) as (took, _):
            client.track(EVENT)
        assert client.track(EVENT).ok

        assert (server.connections, server.event_ids) == (2, ["e0"])
    seen(f"error after {took[0]:.1f} s of 5, the next event arrived")


@pytest.mark.case(
    "an answer that is compressed, although no compression was asked for",
    "TransportError at once, the next request works",
)
@pytest.mark.parametrize("kind", COMPRESSED)
def test_a_compressed_answer(connect, seen, kind):
    """It is decompressed up to 64 kB if the standard library can do that with a bound, and refused otherwise."""
    encoding, body = COMPRESSED[kind]
    with raw_server(complete(b"Content-Encoding: %s\r\n" % encoding.encode(), body)) as server:
        client = connect(base_url=server.url, timeout=5, retry=ONCE)
        with ended(1.0) as (took, caught):
            client.track(EVENT)
        assert client.track(EVENT).ok

        assert "compressed" in str(caught.value)
        assert server.event_ids == ["e0"]
    seen(f"{len(body)} bytes: error after {took[0]:.1f} s, the next event arrived")


READABLE = {
    "gzip": (31,),
    "deflate": (15,),
    "raw deflate": (-15,),
    "gzip, gzip": (31, 31),
    "x-gzip, identity": (31,),
    "utf-8": (),
}


@pytest.mark.case("a small answer that a proxy has compressed", "read")
@pytest.mark.parametrize("encoding", READABLE)
def test_a_small_compressed_answer(connect, seen, encoding):
    """gzip and deflate are read, also twice; a word that is no encoding changes nothing."""
    body = OK
    for wbits in READABLE[encoding]:
        packer = zlib.compressobj(wbits=wbits)
        body = packer.compress(body) + packer.flush()
    header = f"Content-Encoding: {encoding.removeprefix('raw ')}\r\n".encode()
    with raw_server(complete(header, body)) as server:
        client = connect(base_url=server.url, timeout=5, retry=ONCE)
        assert client.track(EVENT).ok
        assert client.track(EVENT).ok

        assert server.connections == 1
    seen("delivered")


@pytest.mark.case("an answer that a hook of an httpx client has read already", "read")
def test_an_answer_that_was_read(connect, is_async, seen):
    """Its content is taken as it is."""

    async def read_async(answer):
        await answer.aread()

    if is_async:
        http = httpx.AsyncClient(trust_env=False, event_hooks={"response": [read_async]})
    else:
        http = httpx.Client(trust_env=False, event_hooks={"response": [lambda answer: answer.read()]})
    with raw_server() as server:
        client = connect(base_url=server.url, timeout=5, retry=ONCE, http=http)
        assert client.track(EVENT).ok
        if is_async:
            client._runner.run(http.aclose())
        else:
            http.close()
    seen("delivered")
