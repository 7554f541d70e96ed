"""Generate a shop's export of orders as CSV: any number of lines, some of them invalid, in one of thirty ways.

The columns have a shop's own names, and `MAPPING` maps them to fields for `send`. All personal data contains the
marker `zzpii`, and the phone numbers are 555 numbers.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import attrs

MD5, SHA256_OF_NOTHING = "a1" * 16, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
START = datetime(2026, 9, 1, 8, 0, tzinfo=timezone(timedelta(hours=2)))

COLUMNS = {
    "Name": "key",
    "Created at": "event_time",
    "Email": "email",
    "Phone": "phone",
    "First name": "first_name",
    "Last name": "last_name",
    "Zip": "zip_code",
    "City": "user.city",
    "Country": "user.country",
    "Total": "value",
    "Currency": "currency",
    "Lineitem sku": "content_id",
    "Lineitem name": "content_name",
    "Lineitem price": "price",
    "Lineitem quantity": "quantity",
    "Landing page": "url",
    "Financial status": "",
    "Tags": "",
}
MAPPING = [word for column, field in COLUMNS.items() for word in ("--map", f"{column}={field}")]
OPTIONS = ["--event", "Purchase", *MAPPING]

Row = dict[str, str]


@attrs.frozen
class ErrorKind:
    """One kind of invalid line: the cells or bytes it changes, and the rule that must report it."""

    rule: str
    cells: dict[str, str] = attrs.field(factory=dict)
    damage: Callable[[bytes], bytes] = lambda line: line


ERROR_KINDS: dict[str, ErrorKind] = {
    "address without a host": ErrorKind("email-malformed", {"Email": "zzpii.customer"}),
    "two addresses in one cell": ErrorKind("email-several", {"Email": "zzpii.a@example.com,zzpii.b@example.com"}),
    "address with a space": ErrorKind("email-malformed", {"Email": "zzpii customer@example.com"}),
    "address as MD5": ErrorKind("other-hash", {"Email": MD5}),
    "phone as dialled at home": ErrorKind("phone-country-code", {"Phone": "0155 5010 0199"}),
    "phone too short": ErrorKind("phone-malformed", {"Phone": "+1555"}),
    "two phone numbers in one cell": ErrorKind("phone-malformed", {"Phone": "+1 555 010 0199 or +1 555 010 0198"}),
    "phone as the spreadsheet's number": ErrorKind("phone-malformed", {"Phone": "1.55501E+11"}),
    "phone as the hash of nothing": ErrorKind("hash-of-nothing", {"Phone": SHA256_OF_NOTHING}),
    "first name as MD5": ErrorKind("other-hash", {"First name": MD5}),
    "city hashed": ErrorKind("address-hashed", {"City": "a1" * 32}),
    "country in words": ErrorKind("country-malformed", {"Country": "Germany"}),
    "total with a decimal comma": ErrorKind("cell-decimal-comma", {"Total": "46,00"}),
    "total with a thousands separator": ErrorKind("value-malformed", {"Total": "1,234.50"}),
    "total with a symbol": ErrorKind("value-malformed", {"Total": "€46.00"}),
    "total in words": ErrorKind("value-malformed", {"Total": "(null)"}),
    "total that is no number": ErrorKind("value-malformed", {"Total": "NaN"}),
    "currency as a symbol": ErrorKind("currency-malformed", {"Currency": "€"}),
    "currency spelt out": ErrorKind("currency-malformed", {"Currency": "Euro"}),
    "quantity in words": ErrorKind("integer-malformed", {"Lineitem quantity": "two"}),
    "price with a comma": ErrorKind("cell-decimal-comma", {"Lineitem price": "23,00"}),
    "page without a scheme": ErrorKind("page-url-malformed", {"Landing page": "shop.example/thanks"}),
    "time without a zone": ErrorKind("time-without-zone", {"Created at": "2026-09-01 10:00:00"}),
    "time as Americans write it": ErrorKind("time-malformed", {"Created at": "09/01/2026 10:00 AM"}),
    "time as a date without dashes": ErrorKind("time-malformed", {"Created at": "20260901"}),
    "no time": ErrorKind("event-time-missing", {"Created at": ""}),
    "another encoding": ErrorKind(
        "line-not-utf8", {"Last name": "Zzpii Müller"}, lambda line: line.decode().encode("latin-1")
    ),
    "line cut short": ErrorKind("csv-cells", {}, lambda line: line[: line.index(b"EUR")] + b"EUR\n"),
    "a delimiter not quoted": ErrorKind("csv-cells", {}, lambda line: line.rstrip(b"\n") + b",second tag\n"),
    "a quote never closed": ErrorKind("csv-quotes", {}, lambda line: b'"' + line),
}


@attrs.frozen
class Export:
    """The file, and its invalid lines: the rule that must report each, by line number."""

    content: bytes
    invalid: dict[int, str]


def export(lines: int = 10_000, times_each: int = 10) -> Export:
    """Make a header and *lines* lines. Each kind of `ERROR_KINDS` occurs *times_each* times, spread over the file."""
    kinds = [kind for _ in range(times_each) for kind in ERROR_KINDS]
    every = lines // len(kinds) if kinds else 0
    chosen = {every * position + every // 2: kind for position, kind in enumerate(kinds)}
    out, invalid = [_line(list(COLUMNS))], {}
    for index in range(lines):
        kind = chosen.get(index)
        out.append(_invalid_line(index, ERROR_KINDS[kind]) if kind else _line(list(_row(index).values())))
        if kind:
            invalid[index + 2] = ERROR_KINDS[kind].rule
    return Export(b"".join(out), invalid)


def _invalid_line(index: int, kind: ErrorKind) -> bytes:
    return kind.damage(_line(list((_row(index) | kind.cells).values())))


def _row(index: int) -> Row:
    quantity, cents = index % 3 + 1, 950 + index * 7 % 20_000
    sold_at = START + timedelta(seconds=9 * index)
    return {
        "Name": f"#{10_000 + index}",
        "Created at": sold_at.strftime("%Y-%m-%d %H:%M:%S %z"),
        "Email": f"zzpii.{index}@example.com" if index % 9 else f" ZZPII.{index}@Example.COM ",
        "Phone": (f"+1 555 {index // 10_000:03} {index % 10_000:04}", f"'+1555{index:07}", "")[index % 3],
        "First name": "Zzpiiada",
        "Last name": "Zzpii, Lovelace" if index % 5 else "Zzpiiélan",
        "Zip": f"{10_000 + index % 80_000}",
        "City": "Zzpii Town",
        "Country": ("DE", "us", "FR")[index % 3],
        "Total": f"{cents * quantity / 100:.2f}",
        "Currency": "EUR",
        "Lineitem sku": f"sku-{index % 40}",
        "Lineitem name": 'Lamp, 5" wide' if index % 7 == 0 else "Lamp",
        "Lineitem price": f"{cents / 100:.2f}",
        "Lineitem quantity": f"{quantity}",
        "Landing page": f"https://shop.example/thanks?order={10_000 + index}",
        "Financial status": "paid",
        "Tags": "",
    }


def _line(cells: list[Any]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()
