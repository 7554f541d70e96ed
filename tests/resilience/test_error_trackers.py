"""What an error tracker records of our frames: no token, no secret, no personal data and no digest."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import socket
from types import SimpleNamespace

import pytest
import servers
from frames import exceptions_of, leaks, own_locals

import tiktok_events as tt
from tiktok_events._runtime import log_once as log
from tiktok_events.web import ASGIMiddleware, Site, WSGIMiddleware

TOKEN, SECRET, EMAIL, CLICK = "example-token-of-frames", "a secret of the frames", "anna@example.com", "E.C.P.frames"
SECRETS = (TOKEN, SECRET, EMAIL, CLICK, "+12025550123", "198.51.100.7")
SOURCE = tt.EventSource.web("C0EXAMPLE0EXAMPLE000", TOKEN)


def an_event(**fields):
    """A conversion of a person."""
    user = {"email": EMAIL, "phone": "+12025550123", "ttclid": CLICK, "ip": "198.51.100.7", "user_agent": "Mozilla/5.0"}
    return tt.Event("Purchase", **{"user": user, "properties": {"value": 5, "currency": "EUR"}, **fields})


def answers(status, body):
    """An answer of a server."""
    return lambda handler: servers.answer_with(handler, body, status)


def refuses(handler):
    """It closes the connection."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


PEERS = {
    "a rejected token": answers(200, b'{"code":40105,"message":"Access token is incorrect"}'),
    "a refused event": answers(200, b'{"code":40002,"message":"Batch.0.event_id: Not a valid string"}'),
    "throttling": answers(429, b'{"code":40100,"message":"Too many requests"}'),
    "an error of the server": answers(502, b"<html>"),
    "no HTTP": lambda handler: handler.wfile.write(b"no HTTP at all\r\n\r\n"),
    "a closed connection": refuses,
    "a large answer": answers(200, b"x" * 2_000_000),
}


@pytest.fixture(params=PEERS)
def peer(request):
    """A server that answers so."""
    with servers.listening(PEERS[request.param]) as listener:
        yield listener


def options(peer):
    """A client's, without waiting."""
    return {"base_url": peer.url, "timeout": 2, "retry": tt.RetryPolicy(attempts=2, first_wait=0, max_wait=0)}


def raised(call):
    """What *call* raises."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - that is what is looked at
        return error
    raise AssertionError("nothing was raised")


def checked(error, seen):
    """Nothing leaks; something of ours was walked."""
    walked = [where for one in exceptions_of(error) for where, _ in own_locals(one.__traceback__)]

    assert leaks(error, SECRETS) == []
    assert walked
    seen(f"{type(error).__name__}: {len(walked)} locals, 0 leaks")


@pytest.mark.case("Client.track raises", "0 tokens, 0 secrets, 0 digests in the locals of our frames")
def test_a_client(peer, seen):
    """Whatever the peer answers."""
    with tt.Client(SOURCE, **options(peer)) as client:
        checked(raised(lambda: client.track(an_event(), an_event())), seen)


@pytest.mark.case("AsyncClient.track raises", "0 tokens, 0 secrets, 0 digests in the locals of our frames")
def test_an_async_client(peer, seen):
    """The same for async code."""

    async def track():
        async with tt.AsyncClient(SOURCE, **options(peer)) as client:
            await client.track(an_event(), an_event())

    checked(raised(lambda: asyncio.run(track())), seen)


@pytest.mark.case("Client.post raises", "0 tokens, 0 secrets, 0 digests in the locals of our frames")
def test_a_body(peer, seen):
    """With a body that the caller encoded."""
    with tt.Client(SOURCE, **options(peer)) as client:
        body = tt.encode(SOURCE, [an_event()])
        checked(raised(lambda: client.post(body)), seen)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.case("a worker raises within its own hooks", "0 tokens, 0 secrets, 0 digests in the locals of our frames")
def test_a_worker(kind, tmp_path, seen, tiktok):
    """An exception that goes through every frame of the delivery."""
    outbox = tt.MemoryOutbox() if kind == "memory" else tt.SQLiteOutbox(tmp_path / "outbox.db")
    client = tiktok.client(source=SOURCE)
    with tt.BackgroundClient(client, outbox, deliver=False) as background:
        background.track(an_event(), an_event())

    def fail(results):
        raise RuntimeError("a hook failed")

    worker = tt.Worker(outbox, client, on_results=fail)
    checked(raised(worker.drain_once), seen)


@pytest.mark.case("strict tracking raises", "0 tokens, 0 secrets, 0 digests in the locals of our frames")
def test_a_strict_background_client(tiktok, seen):
    """An event with an error."""
    background = tt.BackgroundClient(tiktok.client(source=SOURCE), strict=True)
    checked(raised(lambda: background.track(an_event(properties={"value": 5, "currency": "€"}))), seen)
    background.close()


class Records(logging.Handler):
    """The exceptions that are logged."""

    def __init__(self):
        super().__init__()
        self.errors, self.texts = [], []

    def emit(self, record):
        self.texts.append(record.getMessage())
        if record.exc_info and record.exc_info[1]:
            self.errors.append(record.exc_info[1])


@pytest.mark.case("whatever is logged while deliveries fail", "0 tokens, 0 secrets, 0 digests in messages and frames")
def test_the_log(peer, seen):
    """With hooks that raise, which are logged with their frames."""
    records = Records()
    logger = logging.getLogger("tiktok_events")
    logger.addHandler(records)

    def fail(*_):
        raise RuntimeError("a hook failed")

    try:
        with tt.Client(SOURCE, **options(peer)) as client:
            hooks = {"on_sent": fail, "on_retry": fail, "on_rejected": fail, "on_dropped": fail}
            background = tt.BackgroundClient(client, **hooks)
            background.track(an_event(), an_event())
            background.close(1)
    finally:
        logger.removeHandler(records)

    assert records.texts
    assert [text for text in records.texts if any(secret in text for secret in SECRETS)] == []
    assert [leak for error in records.errors for leak in leaks(error, SECRETS)] == []
    seen(f"{len(records.texts)} messages, {len(records.errors)} with frames, 0 leaks")


def a_site(tiktok):
    """A site with a secret key."""
    client = tt.BackgroundClient(tiktok.client(source=SOURCE))
    return Site(SOURCE, client, secret_key=SECRET, consent=lambda request: True)


class Fails(Exception):
    """A view failed."""


@pytest.mark.parametrize("kind", ["ASGI", "WSGI"])
@pytest.mark.case("a view fails inside the middleware", "0 tokens and 0 secrets of ours in the locals of our frames")
def test_the_middleware(kind, tiktok, seen):
    """The request itself is the framework's to hide: cookies lie in its scope or environ."""
    site = a_site(tiktok)
    headers = [(b"host", b"shop.example"), (b"user-agent", b"Mozilla/5.0 Chrome/141"), (b"accept", b"text/html")]

    async def view(scope, receive, send):
        raise Fails

    def wsgi_view(environ, start_response):
        raise Fails

    if kind == "ASGI":
        scope = {
            "type": "http",
            "method": "GET",
            "scheme": "https",
            "path": "/",
            "query_string": b"",
            "headers": headers,
        }
        error = raised(lambda: asyncio.run(ASGIMiddleware(view, site)(scope, None, None)))
    else:
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "wsgi.url_scheme": "https", "HTTP_HOST": "shop.example"}
        error = raised(lambda: WSGIMiddleware(wsgi_view, site)(environ, None))

    assert isinstance(error, Fails)
    checked(error, seen)
    site.close()


PICKLED = {
    "source": lambda tiktok: SOURCE,
    "client": lambda tiktok: tt.Client(SOURCE),
    "async client": lambda tiktok: tt.AsyncClient(SOURCE),
    "site": lambda tiktok: Site(SOURCE, tt.Client(SOURCE), secret_key=SECRET),
}


@pytest.mark.parametrize("kind", PICKLED)
@pytest.mark.case("a pickle of a source, a client or a site", "without token and secret key; copies keep them")
def test_pickles(kind, tiktok, seen):
    """They come back without them."""
    made = PICKLED[kind](tiktok)
    pickled = pickle.dumps(made)
    twin = pickle.loads(pickled)

    assert TOKEN.encode() not in pickled
    assert SECRET.encode() not in pickled
    assert type(twin) is type(made)
    for copied in (copy.copy(made), copy.deepcopy(made)):
        source = copied if kind == "source" else copied.source
        assert source.access_token == TOKEN
        assert getattr(copied, "secret_key", (SECRET,)) == (SECRET,)
    seen(f"{len(pickled):,} bytes without token and secret key")


@pytest.mark.case("a client that is open is copied or pickled", "the copy delivers by connections of its own")
def test_an_open_client_is_copied(seen):
    """Its connections are not shared, and need not be pickled."""
    with servers.listening() as listener, tt.Client(SOURCE, base_url=listener.url) as client:
        client.track(an_event(event_id="first"))
        for name, copied in (("copy", copy.copy(client)), ("deep copy", copy.deepcopy(client))):
            with copied:
                copied.track(an_event(event_id=name))
        assert isinstance(pickle.loads(pickle.dumps(client)), tt.Client)
        client.track(an_event(event_id="last"))
        assert listener.event_ids == ["first", "copy", "deep copy", "last"]
    seen("4 of 4 arrive")


@pytest.mark.case("the environment has a token and no pixel code", "the error's frames do not show the token")
def test_an_incomplete_environment(monkeypatch, seen):
    """The repr of os.environ shows everything."""
    monkeypatch.setenv("TIKTOK_ACCESS_TOKEN", TOKEN)
    for env in (None, {"TIKTOK_ACCESS_TOKEN": TOKEN}):
        assert leaks(raised(lambda env=env: tt.EventSource.from_env(env=env)), SECRETS) == []
    seen("0 leaks")


@pytest.mark.case("a pickled client or site is used", "it says what is missing, and sends nothing")
def test_a_pickle_says_so_when_it_is_used(caplog, seen, monkeypatch):
    """As an error of the configuration."""
    monkeypatch.setattr(log, "_repeats", {})
    with servers.listening() as listener:
        client = pickle.loads(pickle.dumps(tt.Client(SOURCE, base_url=listener.url)))
        with pytest.raises(tt.ConfigurationError, match="a pickle leaves it out"):
            client.track(an_event())
        other = pickle.loads(pickle.dumps(tt.AsyncClient(SOURCE, base_url=listener.url)))
        with pytest.raises(tt.ConfigurationError, match="a pickle leaves it out"):
            asyncio.run(other.track(an_event()))
        outbox = tt.MemoryOutbox()
        with tt.BackgroundClient(client, outbox, deliver=False) as background:
            background.track(an_event())
        with pytest.raises(tt.ConfigurationError, match="a pickle leaves it out"):
            tt.Worker(outbox, client).drain_once()
        assert (outbox.depth(), list(outbox.dead())) == (1, [])
        site = pickle.loads(pickle.dumps(Site(SOURCE, tt.Client(SOURCE, base_url=listener.url), secret_key=SECRET)))
        with caplog.at_level(logging.WARNING):
            site.resume("", consent=True).track("Lead")
            site.resume("").snapshot()
        assert listener.bodies == []
    assert "a pickle leaves it out" in caplog.text
    assert "set secret_key: without it snapshots are empty" in caplog.text
    seen("ConfigurationError; the event waits in the outbox")


def test_the_walk_finds_what_leaks():
    """It would see a token, an address and a digest."""
    namespace = SimpleNamespace()

    def fail(token, wire):
        raise ValueError("x")

    code = compile(
        "def fail(token, wire):\n    raise ValueError('x')\n", f"{leaks.__globals__['PACKAGE']}/made_up.py", "exec"
    )
    exec(code, namespace.__dict__)
    error = raised(lambda: namespace.fail(TOKEN, {"user": [{"email": "0" * 64}]}))

    assert [leak.rpartition(" ")[2] for leak in leaks(error, SECRETS)] == ["secret", "digest"]
