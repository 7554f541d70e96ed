"""Clients over real sockets: addresses, redirects, broken and slow answers, secrets."""

import copy
import pickle
import time

import httpx
import markers
import pytest
import servers
from marker_hook import raises

import tiktok_events as tt
from tiktok_events._api import transport

PURCHASE = tt.Event("Purchase", event_id="order-1", event_time=1_790_000_000, user={"email": markers.EMAIL})
ONCE = tt.RetryPolicy(attempts=1)
TOKEN = "zzpii-secret-token"
SOURCE = tt.EventSource.web("C0EXAMPLE0EXAMPLE000", TOKEN)


def test_delivered_over_a_socket(connect):
    """To the documented path, with the token in its header; the connection is kept."""
    with servers.listening() as tiktok:
        client = connect(SOURCE, base_url=tiktok.url)
        assert client.track(PURCHASE).ok
        assert client.track(PURCHASE).ok

        assert tiktok.paths == ["/open_api/v1.3/event/track/"] * 2
        assert tiktok.tokens == [TOKEN] * 2
        assert tiktok.event_ids == ["order-1"] * 2


def test_a_client_is_a_context_and_opens_again(connect):
    """Leaving the block closes its connections; using it later opens new ones."""
    with servers.listening() as tiktok:
        with connect(base_url=tiktok.url) as client:
            client.track(PURCHASE)
        client.track(PURCHASE)
        client.close()
        client.close()

        assert len(tiktok.bodies) == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(connect, status):
    """The token goes to the address it was meant for, and nowhere else."""
    with servers.listening() as elsewhere:
        location = f"{elsewhere.url}/event/track/"
        with servers.listening(lambda handler: servers.answer_with(handler, b"", status, Location=location)) as tiktok:
            client = connect(SOURCE, base_url=tiktok.url)
            with raises(tt.RejectedError) as caught:
                client.track(PURCHASE)

            assert caught.value.is_configuration_error
            assert len(tiktok.bodies) == 1
            assert elsewhere.tokens == []


def test_redirects_are_not_followed_by_a_client_of_ones_own(connect, is_async):
    """Also when it is set to follow them."""
    with servers.listening() as elsewhere:
        location = f"{elsewhere.url}/event/track/"
        with servers.listening(lambda handler: servers.answer_with(handler, b"", 307, Location=location)) as tiktok:
            own = (httpx.AsyncClient if is_async else httpx.Client)(follow_redirects=True, trust_env=False)
            client = connect(SOURCE, base_url=tiktok.url, http=own)
            with raises(tt.RejectedError):
                client.track(PURCHASE)

            assert elsewhere.tokens == []
            if is_async:
                client._runner.run(own.aclose())
            else:
                own.close()


def test_nobody_listens(connect):
    """A connection that this machine refuses is a TransportError that says what to start, without the token."""
    port = servers.closed_port()
    client = connect(SOURCE, base_url=f"http://127.0.0.1:{port}", retry=ONCE)

    with raises(tt.TransportError) as caught:
        client.track(PURCHASE)

    assert caught.value.retryable
    assert str(caught.value) == (
        f"nothing listens at http://127.0.0.1:{port}: start the Events Manager with `tiktok-events manager --port {port}`"
    )
    assert [result.status for result in caught.value.response.results] == ["failed"]


def test_a_hang_up_is_a_transport_error(connect):
    """The other side closed without an answer."""
    with servers.listening(servers.hang_up) as tiktok, raises(tt.TransportError):
        connect(base_url=tiktok.url, retry=ONCE).track(PURCHASE)


def test_an_answer_that_drips_is_cut_off(connect):
    """The timeout bounds the request as a whole, not each byte of it."""
    with servers.listening(servers.answer_in_drops) as tiktok:
        client = connect(base_url=tiktok.url, retry=ONCE, timeout=0.3)
        begun = time.monotonic()
        with raises(tt.TransportError, match=r"within 0\.3 s"):
            client.track(PURCHASE)

        assert time.monotonic() - begun < 2


def test_silence_is_cut_off(connect):
    """Nothing at all within the timeout is a TransportError too."""
    with servers.listening(lambda handler: time.sleep(0.5)) as tiktok:
        client = connect(base_url=tiktok.url, retry=ONCE, timeout=0.1)
        with raises(tt.TransportError, match=r"within 0\.1 s"):
            client.track(PURCHASE)


def test_an_oversized_answer_is_not_read_to_its_end(connect):
    """Whatever that is, it is not TikTok's."""
    with servers.listening(lambda handler: servers.answer_with(handler, b"x" * 3_000_000)) as tiktok:
        client = connect(base_url=tiktok.url, retry=ONCE)
        with raises(tt.TransportError, match="larger"):
            client.track(PURCHASE)


def test_a_broken_encoding_is_a_transport_error(connect, is_async, tiktok):
    """What says gzip and is none cannot be read."""
    tiktok.answers(
        lambda request: httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"no"))
    )
    own = (httpx.AsyncClient if is_async else httpx.Client)(transport=tiktok)
    with raises(tt.TransportError, match="cannot be decompressed"):
        connect(retry=ONCE, http=own).track(PURCHASE)


ALLOWED = [
    ("https://business-api.tiktok.com/open_api/v1.3", "https://business-api.tiktok.com/open_api/v1.3/event/track/"),
    ("https://business-api.tiktok.com/open_api/v1.3/", "https://business-api.tiktok.com/open_api/v1.3/event/track/"),
    ("https://relay.example/event/track/", "https://relay.example/event/track/"),
    ("https://relay.example/event/track", "https://relay.example/event/track/"),
    ("https://relay.example:8443", "https://relay.example:8443/event/track/"),
    ("http://127.0.0.1:8090", "http://127.0.0.1:8090/event/track/"),
    ("http://127.8.8.8", "http://127.8.8.8/event/track/"),
    ("http://localhost:8090/x", "http://localhost:8090/x/event/track/"),
    ("http://LOCALHOST.", "http://LOCALHOST./event/track/"),
    ("http://manager.localhost", "http://manager.localhost/event/track/"),
    ("http://[::1]:8090", "http://[::1]:8090/event/track/"),
]
REFUSED = [
    *("http://business-api.tiktok.com", "http://10.0.0.1", "http://0.0.0.0", "http://localhost.evil.example"),
    *("http://127.0.0.1.evil.example", "ftp://127.0.0.1", "//127.0.0.1", "127.0.0.1:8090", "business-api.tiktok.com"),
    *("https://", "https://user@relay.example", "https://user:zzpii@relay.example", "https://:zzpii@relay.example"),
    *(
        "https://relay.example/?x=1",
        "https://relay.example/#x",
        "https://relay.example/a b",
        "https://r\u00e9lay.example",
    ),
    *("https://relay.example/\n", "file:///etc/passwd", "http://[::2]"),
]


@pytest.mark.parametrize(("base_url", "url"), ALLOWED)
def test_addresses_a_token_may_travel_to(connect, base_url, url):
    """https anywhere, http on this machine only."""
    assert connect(base_url=base_url).url == url


@pytest.mark.parametrize("base_url", REFUSED)
def test_addresses_a_token_may_not_travel_to(connect, base_url):
    """Refused when the client is made; a password in it is not repeated."""
    with raises(tt.ConfigurationError):
        connect(base_url=base_url)


@pytest.mark.parametrize("base_url", ["https://[::1", "https://relay.example:port", "https://relay.example:99999"])
def test_an_address_that_cannot_be_read_is_refused(connect, base_url):
    """As a fault of the set-up, not as an odd error at the first event."""
    with raises(tt.ConfigurationError):
        connect(base_url=base_url)


def test_the_environment_gives_the_address(connect, monkeypatch):
    """`TIKTOK_API_URL` overrides TikTok's own, an argument overrides both, and the rules hold for it too."""
    monkeypatch.setenv("TIKTOK_API_URL", "http://127.0.0.1:8090")
    assert connect().url == "http://127.0.0.1:8090/event/track/"
    assert connect(base_url="https://relay.example").url == "https://relay.example/event/track/"

    monkeypatch.setenv("TIKTOK_API_URL", "http://relay.example")
    with raises(tt.ConfigurationError):
        connect()


def test_a_proxy_from_the_environment_is_not_used_for_this_machine(connect, monkeypatch):
    """The local Events Manager is reached directly."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{servers.closed_port()}")
    with servers.listening() as tiktok:
        assert connect(base_url=tiktok.url, retry=ONCE).track(PURCHASE).ok


def test_a_proxy_of_ones_own(connect, is_async):
    """`http=` brings proxies, certificates and transports; the proxy gets the whole address."""
    with servers.listening() as proxy:
        own = (httpx.AsyncClient if is_async else httpx.Client)(
            proxy=proxy.url.removesuffix("/open_api/v1.3"), trust_env=False
        )
        client = connect(base_url="http://manager.localhost/x", http=own, retry=ONCE)
        assert client.track(PURCHASE).ok

        assert proxy.paths == ["http://manager.localhost/x/event/track/"]
        if is_async:
            client._runner.run(own.aclose())
        else:
            own.close()


def test_a_client_of_ones_own_stays_open(connect, fake_http, tiktok):
    """Closing ours leaves yours alone."""
    client = connect(http=fake_http)
    client.track(PURCHASE)
    client.close()

    assert not fake_http.is_closed
    assert client.track(PURCHASE).ok


def test_http_must_be_an_httpx_client(connect):
    """Said when it is used, and in words."""
    with raises(tt.ConfigurationError, match=r"httpx\.Client"):
        connect(http=object()).track(PURCHASE)


def test_the_token_shows_nowhere(connect, fake_http, tiktok):
    """Not in a repr, a pickle, an exception or a recorded request."""
    client = connect(SOURCE, http=fake_http)
    tiktok.answers(40105)
    with raises(tt.AuthenticationError) as caught:
        client.track(PURCHASE)

    assert TOKEN not in f"{client!r} {SOURCE!r} {caught.value!r} {caught.value.response!r} {tiktok.requests!r}"
    assert TOKEN.encode() not in pickle.dumps(SOURCE)
    assert pickle.loads(pickle.dumps(SOURCE)).access_token == ""
    assert copy.deepcopy(SOURCE) is copy.copy(SOURCE) is SOURCE


def test_our_own_client_uses_the_environments_proxy_elsewhere():
    """For TikTok's address it trusts the environment, as httpx does."""
    with (
        transport.open_sync(1, "https://business-api.tiktok.com/") as outside,
        transport.open_sync(1, "http://localhost/") as here,
    ):
        assert (outside.trust_env, here.trust_env) == (True, False)
