"""A shop's export of orders, made up: as many lines as wanted, some of them wrong, each in one of thirty ways.

The columns are a shop's own, so that `send` is told with `MAPPING` which is which. All personal data carries the
marker `zzpii`, and the phone numbers are 555 numbers.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import attrs

MD5, OF_NOTHING = "a1" * 16, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
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
class Wrong:
    """One way to be wrong: what it does to a row or to its bytes, and the rule that must name it."""

    rule: str
    cells: dict[str, str] = attrs.field(factory=dict)
    spoil: Callable[[bytes], bytes] = lambda line: line


WRONGS: dict[str, Wrong] = {
    "address without a host": Wrong("email-malformed", {"Email": "zzpii.customer"}),
    "two addresses in one cell": Wrong("email-several", {"Email": "zzpii.a@example.com,zzpii.b@example.com"}),
    "address with a space": Wrong("email-malformed", {"Email": "zzpii customer@example.com"}),
    "address as MD5": Wrong("other-hash", {"Email": MD5}),
    "phone as dialled at home": Wrong("phone-country-code", {"Phone": "0155 5010 0199"}),
    "phone too short": Wrong("phone-malformed", {"Phone": "+1555"}),
    "two phone numbers in one cell": Wrong("phone-malformed", {"Phone": "+1 555 010 0199 or +1 555 010 0198"}),
    "phone as the spreadsheet's number": Wrong("phone-malformed", {"Phone": "1.55501E+11"}),
    "phone as the hash of nothing": Wrong("hash-of-nothing", {"Phone": OF_NOTHING}),
    "first name as MD5": Wrong("other-hash", {"First name": MD5}),
    "city hashed": Wrong("address-hashed", {"City": "a1" * 32}),
    "country in words": Wrong("country-malformed", {"Country": "Germany"}),
    "total with a decimal comma": Wrong("value-malformed", {"Total": "46,00"}),
    "total with a thousands separator": Wrong("value-malformed", {"Total": "1,234.50"}),
    "total with a symbol": Wrong("value-malformed", {"Total": "€46.00"}),
    "total in words": Wrong("value-malformed", {"Total": "(null)"}),
    "total that is no number": Wrong("value-malformed", {"Total": "NaN"}),
    "currency as a symbol": Wrong("currency-malformed", {"Currency": "€"}),
    "currency spelt out": Wrong("currency-malformed", {"Currency": "Euro"}),
    "quantity in words": Wrong("integer-malformed", {"Lineitem quantity": "two"}),
    "price with a comma": Wrong("number-malformed", {"Lineitem price": "23,00"}),
    "page without a scheme": Wrong("page-url-malformed", {"Landing page": "shop.example/thanks"}),
    "time without a zone": Wrong("time-without-zone", {"Created at": "2026-09-01 10:00:00"}),
    "time as Americans write it": Wrong("time-malformed", {"Created at": "09/01/2026 10:00 AM"}),
    "time in milliseconds": Wrong("event-time-unit", {"Created at": "1788249600000"}),
    "no time": Wrong("event-time-missing", {"Created at": ""}),
    "another encoding": Wrong(
        "line-not-utf8", {"Last name": "Zzpii Müller"}, lambda line: line.decode().encode("latin-1")
    ),
    "line cut short": Wrong("csv-cells", {}, lambda line: line[: line.index(b"EUR")] + b"EUR\n"),
    "a delimiter not quoted": Wrong("csv-cells", {}, lambda line: line.rstrip(b"\n") + b",second tag\n"),
    "a quote never closed": Wrong("csv-quotes", {}, lambda line: b'"' + line),
}


@attrs.frozen
class Export:
    """The file, and the lines of it that are wrong: their numbers with the rule that must name each."""

    content: bytes
    wrong: dict[int, str]


def export(lines: int = 10_000, each: int = 10) -> Export:
    """A header and *lines* lines, *each* of them wrong in every way of `WRONGS`, spread over the file."""
    kinds = [kind for _ in range(each) for kind in WRONGS]
    every = lines // len(kinds) if kinds else 0
    chosen = {every * place + every // 2: kind for place, kind in enumerate(kinds)}
    out, wrong = [_line(list(COLUMNS))], {}
    for index in range(lines):
        kind = chosen.get(index)
        out.append(_spoilt(index, WRONGS[kind]) if kind else _line(list(_row(index).values())))
        if kind:
            wrong[index + 2] = WRONGS[kind].rule
    return Export(b"".join(out), wrong)


def _spoilt(index: int, wrong: Wrong) -> bytes:
    return wrong.spoil(_line(list((_row(index) | wrong.cells).values())))


def _row(index: int) -> Row:
    quantity, cents = index % 3 + 1, 950 + index * 7 % 20_000
    sold = START + timedelta(seconds=9 * index)
    return {
        "Name": f"#{10_000 + index}",
        "Created at": sold.strftime("%Y-%m-%d %H:%M:%S %z"),
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
