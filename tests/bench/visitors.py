"""What a browser sends: 13 headers, as a visitor who comes back, as a new one, and as one who has clicked an ad."""

from __future__ import annotations

import io
import time
from typing import Any

import order
from capi_param_builder import ParamBuilder

PATH = "/page"
CLICK = f"ttclid={order.TTCLID}"


def _others_cookie() -> str:
    # Meta's builder writes its cookie again unless it is as it would write it.
    return next(one.value for one in ParamBuilder().process_request("shop.example.com", {}, {}, None))


_SHOPS_OWN = "session=eyJjYXJ0IjoxfQ.aW4.c2ln; csrftoken=kq1Zy0f3; agreed=yes; _ga=GA1.1.1184.1790; _ga_X=GS1.1.17.1"
_KEPT = f"_fbp={_others_cookie()}; _ttp={order.TTP}; _tte_id=1.{int(time.time() - 5 * 86_400) * 1000:013d}.{'5a' * 16}"
_HEADERS = {
    "host": "shop.example.com",
    "connection": "keep-alive",
    "cache-control": "max-age=0",
    "upgrade-insecure-requests": "1",
    "user-agent": order.AGENT,
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "sec-fetch-site": "same-origin",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
    "referer": "https://shop.example.com/list?page=2",
    "accept-encoding": "gzip, deflate, br, zstd",
    "accept-language": "de-DE,de;q=0.9,en;q=0.8",
}
VISITORS = {
    "returning": ("", {**_HEADERS, "cookie": f"{_SHOPS_OWN}; {_KEPT}"}),
    "new": ("", {**_HEADERS, "cookie": _SHOPS_OWN}),
    "new, with ttclid": (CLICK, {**_HEADERS, "cookie": _SHOPS_OWN}),
}
"""Query and headers, by kind of visitor."""


def scope(visitor: str) -> dict[str, Any]:
    """An ASGI scope, with what uvicorn puts there."""
    query, headers = VISITORS[visitor]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": (order.IP, 50_000),
        "scheme": "https",
        "method": "GET",
        "root_path": "",
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "state": {},
    }


def environ(visitor: str) -> dict[str, Any]:
    """A WSGI environ, with what gunicorn puts there."""
    query, headers = VISITORS[visitor]
    return {
        "wsgi.errors": io.StringIO(),
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": iter,
        "wsgi.input_terminated": True,
        "wsgi.input": io.BytesIO(),
        "wsgi.url_scheme": "https",
        "SERVER_SOFTWARE": "gunicorn",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "REQUEST_METHOD": "GET",
        "QUERY_STRING": query,
        "RAW_URI": f"{PATH}?{query}",
        "REMOTE_ADDR": order.IP,
        "REMOTE_PORT": "50000",
        "SCRIPT_NAME": "",
        "PATH_INFO": PATH,
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
    }


def http(visitor: str) -> bytes:
    """The bytes on the wire."""
    query, headers = VISITORS[visitor]
    lines = [f"GET {PATH}?{query} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode()
