"""TLS for raw servers: a certificate, a connection that sends its records byte by byte, and an HTTPS proxy."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from raw_answers import PAUSE


class Certificate:
    """A certificate of 127.0.0.1 that its clients trust."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("openssl is not installed")
        key, certificate = folder / "key.pem", folder / "certificate.pem"
        options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=example.com"
        names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
        subprocess.run(["openssl", *options.split(), *names], check=True, capture_output=True)
        self.of_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.of_server.load_cert_chain(certificate, key)
        self.of_client = ssl.create_default_context(cafile=str(certificate))

    def wrap(self, raw: socket.socket) -> ssl.SSLSocket:
        """*raw* as a TLS connection of the server."""
        return self.of_server.wrap_socket(raw, server_side=True)

    def wrap_dripping(self, raw: socket.socket) -> DrippingTLS:
        """The same; what it sends comes one byte at a time."""
        return DrippingTLS(raw, self.of_server)


class DrippingTLS:
    """A TLS connection of a server that sends the bytes of its records one at a time, after the handshake."""

    def __init__(self, raw: socket.socket, context: ssl.SSLContext) -> None:
        self._raw, self._in, self._out = raw, ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)
        self._call(self._tls.do_handshake)

    def _call(self, function: Any, *arguments: Any) -> Any:
        while True:
            try:
                result = function(*arguments)
                self._raw.sendall(self._out.read())
                return result
            except ssl.SSLWantReadError:
                self._raw.sendall(self._out.read())
                received = self._raw.recv(65_536)
                if not received:
                    return b""
                self._in.write(received)

    def recv(self, size: int) -> Any:
        return self._call(self._tls.read, size)

    def settimeout(self, seconds: float) -> None:
        self._raw.settimeout(seconds)

    def shutdown(self, how: int) -> None:
        self._raw.shutdown(how)

    def close(self) -> None:
        self._raw.close()

    def sendall(self, data: bytes) -> None:
        self._tls.write(data)
        for byte in self._out.read():
            self._raw.sendall(bytes([byte]))
            time.sleep(PAUSE)


@contextmanager
def proxy(certificate: Certificate | None = None) -> Iterator[str]:
    """The URL of a proxy that takes CONNECT; over TLS if it has a *certificate*."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    raw, _ = listener.accept()
                    threading.Thread(target=_tunnel, args=(raw, certificate), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _tunnel(raw: socket.socket, certificate: Certificate | None) -> None:
    with raw, suppress(OSError), closing(certificate.wrap(raw) if certificate else raw) as client:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(1)
        host, _, port = head.split()[1].decode().partition(":")
        with socket.create_connection((host, int(port))) as target:
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            threading.Thread(target=_copy, args=(client, target), daemon=True).start()
            _copy(target, client)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
