"""uWSGI, which forks and ends its workers in ways of its own."""

from __future__ import annotations

import os
import signal
import time

import pytest
import servers
from clocks import until
from conftest import APPS, BIN, Shop, ended, needs

needs("pyuwsgi")
PAGES = [f"page-{number:02}" for number in range(20)]
RECIPE = {
    "master": "true",
    "processes": "2",
    "enable-threads": "true",
    "py-call-uwsgi-fork-hooks": "true",
    "hook-master-start": "unix_signal:15 gracefully_kill_them_all",
}


def uwsgi(shop: Shop, settings: dict[str, str], **environment: str):
    """A uWSGI with these *settings* in its file."""
    lines = ["[uwsgi]", f"http-socket = {shop.address}", f"wsgi-file = {APPS / 'wsgi_shop.py'}"]
    lines += [f"venv = {BIN.parent}", *(f"{name} = {value}" for name, value in settings.items())]
    (shop.folder / "shop.ini").write_text("\n".join(lines) + "\n")
    server = shop.start(BIN / "uwsgi", "--ini", "shop.ini", **environment)
    shop.comes_up()
    return server


def test_the_recipe_loses_nothing_at_its_end(shop):
    """What was tracked before the fork, and by each worker, a page that is under way at SIGTERM included."""
    server = uwsgi(shop, RECIPE, TRACK_AT_IMPORT="import")
    shop.visit(*PAGES)
    with shop.visiting("slow"):
        os.kill(server.pid, signal.SIGTERM)

    assert ended(server)[0] == 0
    assert shop.arrived == sorted(["import", "up", "slow", *PAGES])


@pytest.mark.parametrize("option", [{}, {"lazy-apps": "true"}], ids=["preloaded", "lazy-apps"])
def test_without_fork_hooks_the_workers_deliver_too(shop, option):
    """The master starts no thread that they could miss; it delivers what it tracks while it loads."""
    server = uwsgi(
        shop, {"master": "true", "processes": "2", "die-on-term": "true", **option}, TRACK_AT_IMPORT="import"
    )
    workers = set(shop.visit(*PAGES))
    until(lambda: len(shop.arrived) > 1)
    os.kill(server.pid, signal.SIGTERM)
    code, told = ended(server)

    assert code == 0
    assert str(server.pid) not in workers
    assert "not delivered" not in told
    assert shop.arrived == sorted(["import", "up", *PAGES])


def test_a_second_signal_does_not_end_the_delivery(shop):
    """As the one that the master sends its workers while systemd, or Ctrl-C, has sent them theirs."""

    def take_long(handler):
        time.sleep(2)
        servers.answer_ok(handler)

    shop.tiktok.respond = take_long
    server = uwsgi(shop, {"master": "true", "processes": "2", "die-on-term": "true"})
    workers = {int(told) for told in shop.visit(*PAGES)}
    until(lambda: shop.arrived)
    os.kill(server.pid, signal.SIGTERM)
    time.sleep(0.7)  # by then both are at what runs at their exit, for two seconds and more
    for worker in workers:
        os.kill(worker, signal.SIGTERM)

    assert ended(server)[0] == 0
    assert shop.arrived == sorted(["up", *PAGES])
