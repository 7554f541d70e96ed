"""Where and through what it happened: page, app, ad and lead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from tiktok_events._events import urls
from tiktok_events._events.by_table import wire_by_table
from tiktok_events._events.typed import AdFields, AppFields, LeadFields, PageFields
from tiktok_events._events.values import text
from tiktok_events._events.wire import Wire, Wired, WireObject, add_extra
from tiktok_events._facts.fields import AD, APP_FIELDS, LEAD, PAGE, Field
from tiktok_events._rules.problem import Problem
from tiktok_events._rules.table import problem


def page_wire(
    found: list[Problem],
    /,
    url: str | None = None,
    referrer: str | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Wire:
    """The wire form of a `Page`."""
    wire: Wire = {}
    if url is not None and (address := _address(url, "page.url", found)):
        if urls.is_full(address):
            wire["url"] = urls.without_secrets(address)
        else:
            found.append(problem("page-url-malformed", "page.url"))
    if referrer is not None and (address := _address(referrer, "page.referrer", found)):
        if urls.is_absolute(address):
            wire["referrer"] = urls.without_secrets(address)
        else:
            found.append(problem("referrer-malformed", "page.referrer"))
    if extra is not None:
        add_extra(wire, found, extra, "page", PAGE)
    return wire


class Page(WireObject):
    """The page it happened on. Web events need `url`: the full address with its query, as `location.href` gives it.

    A user name, a password and parameters that look secret (`token`, `code`, `session`, an e-mail address as a
    value and the like) leave both addresses here. An address that is not one is left out and kept in `problems`.
    Source: endpoint page.

    Raises:
        TypeError: If a value is not a str.
    """

    __slots__ = ()
    _name: ClassVar[str] = "page"
    _fields: ClassVar[Mapping[str, Field]] = PAGE

    url = Wired[str]("Full http or https address.")
    referrer = Wired[str]("Full address of the page before.")

    _build = staticmethod(page_wire)

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[PageFields]) -> None: ...


def _address(value: object, field: str, found: list[Problem]) -> str | None:
    address = value if type(value) is str and value.isascii() else text(value, field, found)
    return address and address.strip()


class App(WireObject):
    """The app it happened in. App events need `app_id`: the App Store id, the Play id, or the package name.

    Source: endpoint page.

    Raises:
        TypeError: If a value is neither str nor int.
    """

    __slots__ = ()
    _name: ClassVar[str] = "app"
    _fields: ClassVar[Mapping[str, Field]] = APP_FIELDS

    app_id = Wired[str]("Store id.")
    app_name = Wired[str]("Name.")
    app_version = Wired[str]("Version.")

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[AppFields]) -> None: ...

    @staticmethod
    def _build(found: list[Problem], /, **fields: Any) -> Wire:
        return wire_by_table(found, fields, App)


class Lead(WireObject):
    """The lead a CRM event is about. `lead_id` is from TikTok's lead export, `lead_event_source` the CRM's name.

    Source: endpoint page.

    Raises:
        TypeError: If a value is neither str nor int.
    """

    __slots__ = ()
    _name: ClassVar[str] = "lead"
    _fields: ClassVar[Mapping[str, Field]] = LEAD

    lead_id = Wired[str]("TikTok's id of the lead.")
    lead_event_source = Wired[str]("Name of the CRM, such as HubSpot.")

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[LeadFields]) -> None: ...

    @staticmethod
    def _build(found: list[Problem], /, **fields: Any) -> Wire:
        return wire_by_table(found, fields, Lead)


class Ad(WireObject):
    """What another attribution provider knows. Mind TikTok's names: `ad_id` is the ad *group*, `creative_id` the ad.

    `attribution_share` is TikTok's share of the credit, 0 to 1. `touchpoint_ts` is Unix seconds or an aware
    datetime, the two attribution windows are hours. Everything from `attribution_value` on is in TikTok's newer
    Parameters page only, seen through others (O2).

    Raises:
        TypeError: If a value is of a Python type its field never takes, or a field is unknown.
    """

    __slots__ = ()
    _name: ClassVar[str] = "ad"
    _fields: ClassVar[Mapping[str, Field]] = AD

    callback = Wired[str]("Attribution callback; app only.")
    campaign_id = Wired[str]("Campaign.")
    ad_id = Wired[str]("Ad group.")
    creative_id = Wired[str]("Ad.")
    is_retargeting = Wired[bool]("App only.")
    attributed = Wired[bool]("App only.")
    attribution_type = Wired[str]("Such as click_through.")
    attribution_provider = Wired[str]("Who attributed it.")
    attribution_share = Wired[float]("0 to 1.")
    attribution_value = Wired[float]("Value attributed.")
    attribution_model = Wired[str]("Model.")
    attribution_method = Wired[str]("Method.")
    touchpoint_type = Wired[str]("Kind of touchpoint.")
    touchpoint_ts = Wired[int]("Unix seconds.")
    touchpoint_url = Wired[str]("Address.")
    attribution_window_hr_click = Wired[int]("Hours.")
    attribution_window_hr_view = Wired[int]("Hours.")
    decline_reason = Wired[str]("Why it was not attributed.")
    utm_id = Wired[str]("utm_id.")
    utm_source = Wired[str]("utm_source.")
    utm_medium = Wired[str]("utm_medium.")
    utm_campaign = Wired[str]("utm_campaign.")

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[AdFields]) -> None: ...

    @staticmethod
    def _build(found: list[Problem], /, **fields: Any) -> Wire:
        wire = wire_by_table(found, fields, Ad)
        if not 0 <= wire.get("attribution_share", 0) <= 1:
            del wire["attribution_share"]
            found.append(problem("share-range", "ad.attribution_share"))
        return wire
