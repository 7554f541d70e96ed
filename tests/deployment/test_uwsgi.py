"""uWSGI, which forks and ends its workers in ways of its own."""

from __future__ import annotations

import os
import signal

import pytest
from conftest import APPS, BIN, Shop, ended, needs, until

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


def test_a_signal_to_all_of_its_processes_loses_nothing(shop):
    """As systemd and Ctrl-C send it, while the master sends its workers another one."""
    server = uwsgi(shop, {"master": "true", "processes": "2", "die-on-term": "true"})
    shop.visit(*PAGES)
    until(lambda: shop.arrived)  # by now nobody is serving a page: who is runs nothing at its exit
    os.killpg(server.pid, signal.SIGTERM)

    assert ended(server)[0] == 0
    assert shop.arrived == sorted(["up", *PAGES])
