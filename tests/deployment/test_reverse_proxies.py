"""The real nginx, Caddy and HAProxy in front of gunicorn and uvicorn, one and two in a row, as the docs configure them.

Everything runs in a network namespace of the test, where the visitor has a public address (a well-known resolver's).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

APPS = Path(__file__).parent / "apps"
PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "behind-a-proxy.md").read_text("utf-8")
BIN = Path(sys.executable).parent
VISITOR, STRANGER, EDGE = "8.8.8.8", "1.1.1.1", "9.9.9.9"
APP, OUTER, INNER = 8000, 8443, 8081
FORGED = {
    "X-Forwarded-For": STRANGER,
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "evil.example",
    "Forwarded": f"for={STRANGER};host=evil.example;proto=http",
    "X-Real-IP": STRANGER,
    "CF-Connecting-IP": STRANGER,
}
TRUSTED = {"trusted_proxies": ["private"]}


def config(name: str, folder: Path, app: str) -> str:
    """The configuration under the heading *name* of the docs, with the certificate in *folder*, in front of *app*."""
    section = PAGE.split(f"## {name}\n")[1].split("\n## ")[0]
    text = re.findall(r"```\w+\n(.*?)```", section, re.DOTALL)[0]
    return text.replace("/etc/ssl/shop.pem", str(folder / "shop.pem")).replace("127.0.0.1:8000", app)


def nginx(folder: Path, port: int, to: int, *, inner: bool, socket: str = "") -> list[str]:
    """The command that starts it on *port*, in front of port *to*."""
    server = config("nginx", folder, socket or f"127.0.0.1:{to}")
    server = server.replace("listen 443 ssl", f"listen {port} ssl")
    if inner:
        server = re.sub(r".*(ssl_certificate|X-Forwarded-Proto|X-Forwarded-Host).*\n", "", server).replace(" ssl;", ";")
    path = folder / f"nginx-{port}.conf"
    paths = "".join(
        f"{name}_temp_path {folder}/{name}-{port};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    path.write_text(
        f"daemon off; pid {folder}/nginx-{port}.pid; error_log {folder}/nginx-{port}.log; user root; events {{}}"
        f" http {{ access_log off; {paths} {server} }}"
    )
    return ["nginx", "-p", str(folder), "-c", str(path), "-e", f"{folder}/nginx-{port}.log"]


def caddy(folder: Path, port: int, to: int, *, inner: bool) -> list[str]:
    """The same for Caddy."""
    site = config("Caddy", folder, f"127.0.0.1:{to}")
    site = site.replace("https://shop.example", f"https://shop.example:{port}")
    if inner:
        site = re.sub(r".*tls .*\n", "", site).replace("https://shop.example", "http://shop.example")
        site = site.replace(
            f"reverse_proxy 127.0.0.1:{to}", f"reverse_proxy 127.0.0.1:{to} {{\ntrusted_proxies private_ranges\n}}"
        )
    path = folder / f"Caddyfile-{port}"
    path.write_text(f"{{\nadmin off\nauto_https disable_redirects\nstorage file_system {folder}/caddy\n}}\n{site}")
    return ["caddy", "run", "--config", str(path), "--adapter", "caddyfile"]


def haproxy(folder: Path, port: int, to: int, *, inner: bool) -> list[str]:
    """The same for HAProxy."""
    text = config("HAProxy", folder, f"127.0.0.1:{to}")
    text = text.replace("bind :443", f"bind :{port}")
    if inner:
        text = re.sub(r".*http-request.*\n", "", text).replace(f" ssl crt {folder / 'shop.pem'}", "")
    path = folder / f"haproxy-{port}.cfg"
    path.write_text("defaults\n    timeout connect 5s\n    timeout client 10s\n    timeout server 10s\n\n" + text)
    return ["haproxy", "-db", "-f", str(path)]


PROXIES: dict[str, Callable[..., list[str]]] = {"nginx": nginx, "caddy": caddy, "haproxy": haproxy}


def missing() -> str | None:
    """Why this cannot be tried here."""
    for program in (*PROXIES, "ip", "nsenter", "openssl", "unshare"):
        if shutil.which(program) is None and not Path("/usr/sbin", program).exists():
            return f"there is no {program}"
    if os.geteuid():
        return "only root makes network namespaces"
    return None


@pytest.fixture(scope="module")
def enter() -> Iterator[list[str]]:
    """The words that run a program in a network namespace of its own, where the visitor's addresses are this machine's."""
    why = missing()
    if why and os.environ.get("CI"):
        raise AssertionError(why)
    if why:
        pytest.skip(why)
    addresses = " && ".join(f"ip addr add {address}/32 dev lo" for address in (VISITOR, STRANGER, EDGE))
    script = f"ip link set lo up && {addresses} && echo ready && exec sleep 600"
    with subprocess.Popen(["unshare", "--net", "sh", "-c", script], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        yield ["nsenter", f"--net=/proc/{holder.pid}/ns/net"]
        holder.kill()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate and its key in one file."""
    folder = tmp_path_factory.mktemp("proxies")
    key, certificate = folder / "key", folder / "certificate"
    subject = ["-subj", "/CN=shop.example", "-addext", "subjectAltName=DNS:shop.example"]
    options = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    subprocess.run(
        ["openssl", "req", *options, *subject, "-keyout", key, "-out", certificate], check=True, capture_output=True
    )
    (folder / "shop.pem").write_text(certificate.read_text() + key.read_text())
    return folder


class Running:
    """Programs in the namespace, which end with the block."""

    def __init__(self, enter: list[str], folder: Path, stack: ExitStack) -> None:
        self._enter, self._folder, self._stack = enter, folder, stack

    def start(self, words: list[str], port: int | None, **environment: str) -> None:
        """Start a program, and wait until it listens on *port*."""
        env = {
            **os.environ,
            "PATH": f"{os.environ['PATH']}:/usr/sbin",
            "PYTHONPATH": str(APPS),
            "HOME": str(self._folder),
        }
        log = self._stack.enter_context((self._folder / "log").open("ab"))
        process = subprocess.Popen(
            [*self._enter, *words], env={**env, **environment}, stdout=log, stderr=log, cwd=self._folder
        )
        self._stack.callback(_end, process)
        deadline = time.monotonic() + 20
        while port is not None and not self._listens(port):
            assert process.poll() is None, (self._folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, (self._folder / "log").read_text()[-2000:]
            time.sleep(0.05)

    def visit(
        self, port: int, headers: dict[str, str] | None = None, *, tls: bool = True, source: str = VISITOR
    ) -> dict[str, Any]:
        """What the app says of a visit from *source*."""
        words = [
            sys.executable,
            str(APPS / "visit.py"),
            source,
            str(port),
            json.dumps(headers or {}),
            *(["tls"] if tls else []),
        ]
        ran = subprocess.run([*self._enter, *words], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        seen = json.loads(ran.stdout)
        assert seen["status"] == 200, seen
        return {**json.loads(seen["body"]), "cookies": seen["cookies"] or []}

    def _listens(self, port: int) -> bool:
        probe = f"import socket; socket.create_connection(('127.0.0.1', {port}), 1).close()"
        return (
            subprocess.run([*self._enter, sys.executable, "-c", probe], capture_output=True, check=False).returncode
            == 0
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture
def running(enter: list[str], folder: Path) -> Iterator[Running]:
    """Programs that end with the test."""
    with ExitStack() as stack:
        yield Running(enter, folder, stack)


def server(kind: str, where: str = f"127.0.0.1:{APP}") -> list[str]:
    """The command of a server of the app; it reads no forwarded headers itself."""
    if kind == "gunicorn":
        return [str(BIN / "gunicorn"), "--bind", where, "--forwarded-allow-ips", "192.0.2.1", "behind_proxy:wsgi"]
    return [str(BIN / "uvicorn"), "--port", str(APP), "--no-proxy-headers", "behind_proxy:asgi"]


@contextmanager
def chain(running: Running, kind: str, proxies: list[str], site: dict[str, Any]) -> Iterator[int]:
    """The port of the outermost of *proxies*, in front of an app with the settings *site*."""
    running.start(server(kind), APP, SITE=json.dumps(site))
    if len(proxies) == 2:
        running.start(PROXIES[proxies[1]](running._folder, INNER, APP, inner=True), INNER)
    running.start(PROXIES[proxies[0]](running._folder, OUTER, INNER if len(proxies) == 2 else APP, inner=False), OUTER)
    yield OUTER


CHAINS = [
    *[(kind, [name]) for kind in ("gunicorn", "uvicorn") for name in PROXIES],
    *[
        ("uvicorn" if index % 2 else "gunicorn", [outer, inner])
        for index, (outer, inner) in enumerate((a, b) for a in PROXIES for b in PROXIES)
    ],
]


@pytest.mark.parametrize(("kind", "proxies"), CHAINS, ids=["-".join([*proxies, kind]) for kind, proxies in CHAINS])
def test_the_visitor_is_seen(running: Running, kind: str, proxies: list[str]) -> None:
    """Address, page and Secure are the visitor's, whatever a stranger forges."""
    with chain(running, kind, proxies, TRUSTED) as port:
        for headers in ({}, FORGED):
            seen = running.visit(port, headers)
            assert seen["ip"] == VISITOR
            assert seen["url"] == "https://shop.example/thanks?order=1"
            assert seen["cookies"]
            assert all("; Secure" in cookie for cookie in seen["cookies"])
        assert set(seen["problems"]) <= {"client-address-contradicted"}  # of the forged header that is passed on


@pytest.mark.parametrize("proxy", PROXIES)
def test_an_untrusted_proxy_is_reported(running: Running, proxy: str) -> None:
    """The address is unknown, and the log says why."""
    with chain(running, "uvicorn", [proxy], {}) as port:
        seen = running.visit(port)

    assert (seen["ip"], seen["problems"]) == (None, {"proxy-not-trusted": 1})
    assert "trusted_proxies" in (running._folder / "log").read_text()


def test_a_direct_visitor_is_not_reported(running: Running) -> None:
    """Headers of a stranger count nothing, and cause no warning."""
    running.start([*server("uvicorn"), "--host", "0.0.0.0"], APP, SITE=json.dumps(TRUSTED))
    for headers in ({}, FORGED):
        seen = running.visit(APP, headers, tls=False)

        assert (seen["ip"], seen["problems"]) == (VISITOR, {})
        assert seen["url"] == "http://shop.example/thanks?order=1"


def test_a_cdn_before_the_router_is_reported(running: Running) -> None:
    """The CDN's edge is not the visitor; its header says who is, and the setting reads it."""
    for site, ip, problems in (
        (TRUSTED, EDGE, {"client-address-contradicted": 1}),
        ({"trusted_proxies": ["private", EDGE]}, VISITOR, {}),
        ({**TRUSTED, "client_ip_header": "CF-Connecting-IP"}, VISITOR, {}),
    ):
        with ExitStack() as stack:
            running = Running(running._enter, running._folder, stack)
            with chain(running, "gunicorn", ["nginx"], site) as port:
                edge = {"X-Forwarded-For": VISITOR, "CF-Connecting-IP": VISITOR}
                seen = running.visit(port, edge, source=EDGE)

        assert (seen["ip"], seen["problems"]) == (ip, problems)


def test_a_unix_socket(running: Running) -> None:
    """The usual way from nginx to gunicorn; its peer has no address, and `private` trusts it."""
    socket = running._folder / "app.sock"
    running.start(server("gunicorn", f"unix:{socket}"), None, SITE=json.dumps(TRUSTED))
    running.start(nginx(running._folder, OUTER, APP, inner=False, socket=f"unix:{socket}"), OUTER)
    deadline = time.monotonic() + 10
    while not socket.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    seen = running.visit(OUTER, FORGED)

    assert seen["ip"] == VISITOR
    assert seen["url"] == "https://shop.example/thanks?order=1"
