"""One visit: `visit.py SOURCE_ADDRESS PORT HEADERS_AS_JSON [tls]` prints status, cookies and body as JSON."""

import http.client
import json
import ssl
import sys

address, port, headers, *tls = sys.argv[1:]
connection = http.client.HTTPConnection("127.0.0.1", int(port), source_address=(address, 0), timeout=10)
connection.connect()
if tls:
    context = ssl._create_unverified_context()
    connection.sock = context.wrap_socket(connection.sock, server_hostname="shop.example")
browser = {
    "Host": "shop.example",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/141.0 Safari/537.36",
    "Accept": "text/html",
    "Accept-Language": "en",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
}
connection.request("GET", "/thanks?order=1", headers={**browser, **json.loads(headers)})
response = connection.getresponse()
body = response.read().decode()
print(json.dumps({"status": response.status, "cookies": response.headers.get_all("Set-Cookie"), "body": body}))
