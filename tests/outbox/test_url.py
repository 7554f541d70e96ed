"""The outbox that a URL names, and what a site makes of it."""

import contextlib
import sqlite3

import pytest
from marker_hook import raises

import tiktok_events as tt
from tiktok_events._api import network_guard
from tiktok_events._outbox.url import outbox_at

WEB = tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "token")
RECORD = tt.Record("web", "C0EXAMPLE0EXAMPLE000", None, "e0", b"{}")


def test_memory():
    """With its bound, if one is given."""
    outbox = outbox_at("memory:?max_events=1")
    outbox.put([RECORD])
    with raises(tt.OutboxFull):
        outbox.put([RECORD])

    assert isinstance(outbox_at("memory:"), tt.MemoryOutbox)


def test_a_file_beside_us_and_one_from_the_root(tmp_path, monkeypatch):
    """Three slashes and four, as elsewhere; percent signs are read."""
    monkeypatch.chdir(tmp_path)
    for url, path in (
        ("sqlite:///a.db", tmp_path / "a.db"),
        (f"sqlite:///{tmp_path}/b%20c.db", tmp_path / "b c.db"),
    ):
        outbox = outbox_at(url)
        outbox.put([RECORD])
        outbox.close()
        assert path.exists()


def test_settings_of_a_file(tmp_path):
    """They reach the outbox: FULL is what its connection says, and the bound holds."""
    outbox = outbox_at(f"sqlite:///{tmp_path}/a.db?synchronous=FULL&commit=group&max_events=1")
    outbox.put([RECORD])
    outbox.close()
    with raises(tt.OutboxFull):
        outbox.put([RECORD])
    outbox.close()

    with contextlib.closing(sqlite3.connect(tmp_path / "a.db")) as file:
        assert file.execute("SELECT count(*) FROM event").fetchone() == (1,)


def test_redis_with_settings_of_its_own_and_of_redis_py():
    """Nothing is opened, and no password shows."""
    pytest.importorskip("redis")
    outbox = outbox_at("redis://:zzpii@127.0.0.1:1/3?prefix=shop&streams=2&socket_keepalive=true")

    assert "shop" in repr(outbox)
    assert "zzpii" not in repr(outbox)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "zzpii",
        "mysql://zzpii@queue/",
        "sqlite://host/zzpii.db",
        "sqlite:///",
        "sqlite:///a.db?zzpii=1",
        "sqlite:///a.db?max_events=zzpii",
        "sqlite:///a.db?commit=zzpii",
        "memory:?commit=group",
        "redis://127.0.0.1:zzpii/",
        "redis://[zzpii/",
        "redis://127.0.0.1/0?streams=zzpii",
        "redis://127.0.0.1/0?streams=0",
    ],
)
def test_what_names_none_is_refused_without_showing_it(url):
    """It may hold a password."""
    with raises((tt.ConfigurationError, ValueError)) as caught:
        outbox_at(url)

    assert "zzpii" not in str(caught.value)


def test_a_site_takes_a_url(tmp_path):
    """From an argument or the environment, and opens nothing before the first event."""
    url = f"sqlite:///{tmp_path}/a.db"
    env = {"TIKTOK_PIXEL_CODE": WEB.event_source_id, "TIKTOK_ACCESS_TOKEN": "token", "TIKTOK_OUTBOX_URL": url}
    made, read = tt.Site(WEB, outbox=url), tt.Site.from_env(env)

    assert isinstance(made.outbox, tt.SQLiteOutbox)
    assert isinstance(read.outbox, tt.SQLiteOutbox)
    assert list(tmp_path.iterdir()) == []
    assert tt.Site.from_env(env, outbox="memory:").outbox.scope == "process"
    assert tt.Site.from_env(env, client=tt.Client(WEB)).outbox is None
    with raises(tt.ConfigurationError):
        tt.Site.from_env({**env, "TIKTOK_OUTBOX_URL": "zzpii:"})


def test_a_site_may_leave_delivery_to_a_worker(tmp_path, monkeypatch):
    """`TIKTOK_DELIVER=0`: what it queues waits for somebody else; but not what a test run's site would queue."""
    env = {"TIKTOK_PIXEL_CODE": WEB.event_source_id, "TIKTOK_ACCESS_TOKEN": "token", "TIKTOK_DELIVER": "0"}
    site = tt.Site.from_env(env, outbox=f"sqlite:///{tmp_path}/a.db")
    site.event_client().track(tt.Event("Lead", event_id="e1"))
    monkeypatch.setattr(network_guard, "is_blocked", False)
    site.event_client().track(tt.Event("Lead", event_id="e0"))
    site.close(5)

    assert site.outbox.depth() == 1
    site.outbox.close()
