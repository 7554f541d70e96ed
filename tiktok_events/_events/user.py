"""Who did it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Any, ClassVar, Unpack
from uuid import UUID

from tiktok_events._events.normalize import (
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
from tiktok_events._events.typed import UserFields
from tiktok_events._events.values import WrongType, hashed, hashed_many, id_text, text
from tiktok_events._events.wire import Wire, Wired, WireObject, add_extra
from tiktok_events._facts.fields import ATT_STATUSES, USER, Field
from tiktok_events._rules.problem import Problem
from tiktok_events._rules.table import problem

Id = str | int | UUID

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


def user_wire(
    found: list[Problem],
    /,
    email: str | Iterable[str | None] | None = None,
    phone: str | int | Iterable[str | int | None] | None = None,
    external_id: Id | Iterable[Id | None] | None = None,
    ttclid: str | None = None,
    ttp: str | None = None,
    ip: str | IPv4Address | IPv6Address | None = None,
    user_agent: str | None = None,
    locale: str | None = None,
    idfa: Id | None = None,
    gaid: Id | None = None,
    idfv: Id | None = None,
    att_status: str | None = None,
    first_name: str | None = None,
    last_name: str | None = None,
    zip_code: str | int | None = None,
    city: str | None = None,
    state: str | None = None,
    country: str | None = None,
    phone_region: str | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Wire:
    """The wire form of a `User`. Its parameters are not keyword-only: those cost time even when they are absent."""
    wire: Wire = {}
    if email is not None:
        wire["email"] = (hashed if type(email) is str else hashed_many)(email, "user.email", found, hash_email)
    if phone is not None:
        if phone_region is None and type(phone) is str:
            wire["phone"] = hashed(phone, "user.phone", found, hash_phone)
        else:
            wire["phone"] = _phones(phone, phone_region, found)
    if external_id is not None:
        several = type(external_id) is not str
        wire["external_id"] = (hashed_many if several else hashed)(
            external_id, "user.external_id", found, hash_external_id
        )
        if not several and looks_like_other_digest(external_id):  # type: ignore[arg-type]
            found.append(problem("external-id-other-hash", "user.external_id"))
    if ttclid is not None:
        wire["ttclid"] = ttclid if type(ttclid) is str and ttclid.isascii() else text(ttclid, "user.ttclid", found)
    if ttp is not None:
        wire["ttp"] = ttp if type(ttp) is str and ttp.isascii() else text(ttp, "user.ttp", found)
    if ip is not None:
        wire["ip"] = ip if type(ip) is str and _IPV4.fullmatch(ip) else _address(ip, found)
    if user_agent is not None:
        ready = type(user_agent) is str and user_agent.isascii()
        wire["user_agent"] = user_agent if ready else text(user_agent, "user.user_agent", found)
    if locale is not None:
        wire["locale"] = locale if type(locale) is str and _LOCALE.fullmatch(locale) else _locale(locale, found)
    if first_name is not None:
        wire["first_name"] = hashed(first_name, "user.first_name", found, hash_name)
    if last_name is not None:
        wire["last_name"] = hashed(last_name, "user.last_name", found, hash_name)
    if city is not None:
        wire["city"] = hashed(city, "user.city", found, plain_place)
    if state is not None:
        wire["state"] = hashed(state, "user.state", found, plain_place)
    if country is not None:
        country = wire["country"] = hashed(country, "user.country", found, plain_country)
    if zip_code is not None:
        wire["zip_code"] = hashed(zip_code, "user.zip_code", found, lambda value: hash_zip_code(value, country))
    if idfa is not None:
        wire["idfa"] = hashed(idfa, "user.idfa", found, hash_idfa)
    if gaid is not None:
        wire["gaid"] = hashed(gaid, "user.gaid", found, hash_gaid)
    if idfv is not None:
        wire["idfv"] = id_text(idfv, "user.idfv", found)
    if att_status is not None:
        wire["att_status"] = _att_status(att_status, found)
    if not all(wire.values()):
        wire = {field: value for field, value in wire.items() if value}
    if extra is not None:
        add_extra(wire, found, extra, "user", USER)
    return wire


class User(WireObject):
    """Who did it. Every field is optional; several identifiers match more people than one.

    `email`, `phone` and `external_id` take one value or several; they, `first_name`, `last_name`, `zip_code`, `idfa`
    and `gaid` are normalised and SHA-256-hashed here and exist nowhere in the clear afterwards. A value of 64 hex
    digits is taken as hashed already. `ttclid` (up to 1,000 characters, never cut), `ttp` (the `_ttp` cookie as it is),
    `ip`, `user_agent`, `locale` (BCP 47), `idfv`, `att_status`, `city`, `state` and `country` (two letters) go in plain.
    `phone_region` is no field: the two-letter country by whose rules a phone without a country code is read (needs
    the extra `phone`). What makes no sense is left out and kept in `problems`, without its value.
    Source: endpoint page and Parameters page (docs/reference/facts.md).

    Raises:
        TypeError: If a value is of a Python type its field never takes, or a field is unknown.
        ValueError: If `extra` holds a documented field or cannot be JSON.
    """

    __slots__ = ()
    _name: ClassVar[str] = "user"
    _fields: ClassVar[Mapping[str, Field]] = USER

    email = Wired[str | tuple[str, ...]]("SHA-256 of the e-mail address, or several.")
    phone = Wired[str | tuple[str, ...]]("SHA-256 of the phone number in E.164, or several.")
    external_id = Wired[str | tuple[str, ...]]("SHA-256 of your own id of the visitor, or several.")
    ttclid = Wired[str]("TikTok's click id.")
    ttp = Wired[str]("The value of the `_ttp` cookie.")
    ip = Wired[str]("The visitor's IP address.")
    user_agent = Wired[str]("The visitor's User-Agent header.")
    locale = Wired[str]("BCP 47 language tag.")
    idfa = Wired[str]("SHA-256 of Apple's advertising id.")
    gaid = Wired[str]("SHA-256 of Google's advertising id.")
    idfv = Wired[str]("Apple's vendor id.")
    att_status = Wired[str]("App Tracking Transparency status.")
    first_name = Wired[str]("SHA-256 of the first name.")
    last_name = Wired[str]("SHA-256 of the last name.")
    zip_code = Wired[str]("SHA-256 of the postal code.")
    city = Wired[str]("City: lower case, letters and digits only.")
    state = Wired[str]("State: lower case, letters and digits only.")
    country = Wired[str]("Country: two letters, lower case.")

    _build = staticmethod(user_wire)

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[UserFields]) -> None: ...


def _phones(phone: object, region: object, found: list[Problem]) -> str | list[str] | None:
    if region is None:
        return hashed_many(phone, "user.phone", found, hash_phone)
    if not isinstance(region, str):
        raise WrongType("user.phone_region", "str", region)
    return hashed_many(phone, "user.phone", found, lambda value: hash_phone(value, region))


def is_address(text: str) -> bool:
    """Whether *text* is an IPv4 or IPv6 address and nothing else."""
    if _IPV4.fullmatch(text):
        return True
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text  # a zone is the machine's own name for an interface


def is_locale(text: str) -> bool:
    """Whether *text* has the form of a BCP 47 tag."""
    return _LOCALE.fullmatch(text) is not None


def _address(ip: object, found: list[Problem]) -> str | None:
    if not isinstance(ip, (str, IPv4Address, IPv6Address)):
        raise WrongType("user.ip", "str", ip)
    stripped = str(ip).strip()
    if stripped and not is_address(stripped):
        found.append(problem("ip-malformed", "user.ip"))
        return None
    return stripped or None


def _locale(locale: object, found: list[Problem]) -> str | None:
    tag = text(locale, "user.locale", found)
    tag = tag and tag.strip().partition(".")[0].replace("_", "-")  # en_US.UTF-8, as POSIX spells it
    if tag and not is_locale(tag):
        found.append(problem("locale-malformed", "user.locale"))
        return None
    return tag


def _att_status(status: object, found: list[Problem]) -> str | None:
    word = text(status, "user.att_status", found)
    word = word and word.strip().upper()
    if word and word not in ATT_STATUSES:
        found.append(problem("att-status", "user.att_status"))
        return None
    return word
