"""`User`: the identifiers of the person behind an event."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict, Unpack

from tiktok_events._events.field_plan import FieldPlan, Wire, build, field_plan
from tiktok_events._events.normalize.click_ids import is_placeholder
from tiktok_events._events.normalize.foreign_values import plain
from tiktok_events._events.normalize.identifiers import (
    hash_email,
    hash_external_id,
    hash_gaid,
    hash_idfa,
    hash_name,
    hash_phone,
    hash_zip_code,
    looks_like_other_digest,
    plain_country,
    plain_place,
)
from tiktok_events._events.normalize.values import Id, WrongType, convert_id, convert_many, convert_text
from tiktok_events._events.wire_object import WireField, WireObject
from tiktok_events._spec.fields import ATT_STATUSES, USER
from tiktok_events._spec.problem import Problem, Refused
from tiktok_events._spec.rules import problem

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_IPV4_AND_PORT = re.compile(rf"({_IPV4.pattern}):[0-9]{{1,5}}")
_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?")
_MAX_ADDRESS = 64
"""Characters of an IP address with brackets and port: an IPv6 address has up to 53."""
_MAX_LOCALE = 64
_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


class UserFields(TypedDict, total=False):
    """`User` as a mapping."""

    email: str | Iterable[str | None] | None
    phone: str | int | Iterable[str | int | None] | None
    external_id: Id | Iterable[Id | None] | None
    ttclid: str | None
    ttp: str | None
    ip: str | IPv4Address | IPv6Address | None
    user_agent: str | None
    locale: str | None
    idfa: Id | None
    gaid: Id | None
    idfv: Id | None
    att_status: str | None
    first_name: str | None
    last_name: str | None
    zip_code: str | int | None
    city: str | None
    state: str | None
    country: str | None
    phone_region: str | None
    extra: Mapping[str, Any] | None


def is_ip_address(text: str) -> bool:
    """Whether *text* is an IPv4 or IPv6 address and nothing else."""
    if _IPV4.fullmatch(text):
        return True
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text  # a zone id names a network interface of the local machine


def is_locale(text: str) -> bool:
    """Whether *text* has the form of a BCP 47 language tag."""
    return _LOCALE.fullmatch(text) is not None


def _plain_ip(text: str) -> str:
    """*text* without port and brackets; an IPv4-mapped IPv6 address as IPv4."""
    if _IPV4.fullmatch(text):
        return text
    text = text.strip()
    if len(text) > _MAX_ADDRESS:
        raise Refused("ip-malformed")
    if match := _BRACKETED.fullmatch(text) or _IPV4_AND_PORT.fullmatch(text):
        text = match[1]
    if text and not is_ip_address(text):
        raise Refused("ip-malformed")
    if text.lower().startswith("::ffff:"):
        mapped = IPv6Address(text).ipv4_mapped
        return str(mapped) if mapped is not None else text
    return text


def _convert_ip(value: object, path: str, problems: list[Problem]) -> str | None:
    return convert_text(
        str(value) if isinstance(value, (IPv4Address, IPv6Address)) else value, path, problems, _plain_ip
    )


def _plain_locale(text: str) -> str:
    if len(text) <= _MAX_LOCALE and _LOCALE.fullmatch(text):
        return text
    # en-US,en;q=0.9 is an Accept-Language header; en_US.UTF-8 is a POSIX locale.
    text = text.partition(",")[0].partition(";")[0].strip().partition(".")[0].replace("_", "-")
    if text and (len(text) > _MAX_LOCALE or not _LOCALE.fullmatch(text)):
        raise Refused("locale-malformed")
    return text


def _plain_att_status(text: str) -> str:
    text = text.strip()[:_MAX_LOCALE].upper()
    if text and text not in ATT_STATUSES:
        raise Refused("att-status")
    return text


class User(WireObject):
    """Identifiers of the person behind an event. Every field is optional; several of them match more people.

    `email`, `phone` and `external_id` take one value or several. The constructor normalises and hashes (SHA-256) these
    three and `first_name`, `last_name`, `zip_code`, `idfa` and `gaid`, and does not store them in the clear. A value
    of 64 hex digits counts as already hashed. `ttclid` (up to 1,000 characters, never truncated), `ttp` (value of the
    `_ttp` cookie), `ip`, `user_agent`, `locale` (BCP 47), `idfv`, `att_status`, `city`, `state` and `country` (two
    letters) are sent in plain. `phone_region` is not sent: it is the two-letter country by whose rules a phone number
    without a country code is read (needs the extra `phone`). Invalid values are left out and added to `problems`, without the value.
    Source: endpoint page and Parameters page (docs/reference/facts.md).

    Raises:
        TypeError: If a value is of a Python type that its field never takes, or a field is unknown.
        ValueError: If `extra` holds a documented field or cannot be JSON.
    """

    __slots__ = ()

    email = WireField[str | tuple[str, ...]]("SHA-256 of the e-mail address, or several.")
    phone = WireField[str | tuple[str, ...]]("SHA-256 of the phone number in E.164, or several.")
    external_id = WireField[str | tuple[str, ...]]("SHA-256 of your own id of the visitor, or several.")
    ttclid = WireField[str]("TikTok's click id.")
    ttp = WireField[str]("The value of the `_ttp` cookie.")
    ip = WireField[str]("The visitor's IP address.")
    user_agent = WireField[str]("The visitor's User-Agent header.")
    locale = WireField[str]("BCP 47 language tag.")
    idfa = WireField[str]("SHA-256 of Apple's advertising id.")
    gaid = WireField[str]("SHA-256 of Google's advertising id.")
    idfv = WireField[str]("Apple's vendor id.")
    att_status = WireField[str]("App Tracking Transparency status.")
    first_name = WireField[str]("SHA-256 of the first name.")
    last_name = WireField[str]("SHA-256 of the last name.")
    zip_code = WireField[str]("SHA-256 of the postal code.")
    city = WireField[str]("City: lower case, letters and digits only.")
    state = WireField[str]("State: lower case, letters and digits only.")
    country = WireField[str]("Country: two letters, lower case.")

    _field_plan: ClassVar[FieldPlan] = field_plan(
        "user",
        USER,
        text_converters={
            "email": hash_email,
            "phone": hash_phone,
            "external_id": hash_external_id,
            "ip": _plain_ip,
            "locale": _plain_locale,
            "idfa": hash_idfa,
            "gaid": hash_gaid,
            "att_status": _plain_att_status,
            "first_name": hash_name,
            "last_name": hash_name,
            "zip_code": hash_zip_code,
            "city": plain_place,
            "state": plain_place,
            "country": plain_country,
        },
        converters={"ip": _convert_ip},
    )

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[UserFields]) -> None: ...

    @classmethod
    def _build_wire(cls, fields: Mapping[str, Any], problems: list[Problem]) -> Wire:
        # Unlike in other objects, some fields of a user depend on others.
        if "phone_region" in fields:
            fields = dict(fields)
            wire = _with_region(fields.pop("phone_region"), fields, problems)
        else:
            wire = build(cls._field_plan, fields, problems)
        if wire.get("country") == "us" and (given := plain(fields.get("zip_code"))):
            zip_code = convert_id(given, "user.zip_code", [], lambda text: hash_zip_code(text, "us"))
            if zip_code:  # a refused code was already left out above, with its problem
                wire["zip_code"] = zip_code
        for name in ("ttclid", "ttp"):
            if name in wire and is_placeholder(wire[name]):
                problems.append(problem("click-id-placeholder", f"user.{name}"))
                del wire[name]
        external_id = fields.get("external_id")
        if type(external_id) is str and looks_like_other_digest(external_id):
            problems.append(problem("external-id-other-hash", "user.external_id"))
        return wire


def _with_region(region: object, fields: dict[str, Any], problems: list[Problem]) -> Wire:
    region = plain(region)
    if region is not None and not isinstance(region, str):
        raise WrongType("user.phone_region", "str", region)
    phone = plain(fields.pop("phone", None))
    wire = build(User._field_plan, fields, problems)
    if phone is not None:
        digests = convert_many(phone, "user.phone", problems, lambda text: hash_phone(text, region))
        if digests:
            wire["phone"] = digests
    return wire
