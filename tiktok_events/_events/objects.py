"""`Page`, `App`, `Ad` and `Lead`: the objects of an event that hold no personal data of the user."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict, Unpack

from tiktok_events._events.field_plan import Plan, plan
from tiktok_events._events.normalize import urls
from tiktok_events._events.normalize.values import Number, number
from tiktok_events._events.wire_object import Wired, WireObject
from tiktok_events._spec.fields import AD, APP_FIELDS, LEAD, PAGE
from tiktok_events._spec.problem import Problem, Refused
from tiktok_events._spec.rules import problem


class PageFields(TypedDict, total=False):
    """`Page` as a mapping."""

    url: str | None
    referrer: str | None
    extra: Mapping[str, Any] | None


class AppFields(TypedDict, total=False):
    """`App` as a mapping."""

    app_id: str | int | None
    app_name: str | None
    app_version: str | None
    extra: Mapping[str, Any] | None


class LeadFields(TypedDict, total=False):
    """`Lead` as a mapping."""

    lead_id: str | int | None
    lead_event_source: str | None
    extra: Mapping[str, Any] | None


class AdFields(TypedDict, total=False):
    """`Ad` as a mapping."""

    callback: str | None
    campaign_id: str | int | None
    ad_id: str | int | None
    creative_id: str | int | None
    is_retargeting: bool | None
    attributed: bool | None
    attribution_type: str | None
    attribution_provider: str | None
    attribution_share: Number | None
    attribution_value: Number | None
    attribution_model: str | None
    attribution_method: str | None
    touchpoint_type: str | None
    touchpoint_ts: int | datetime | None
    touchpoint_url: str | None
    attribution_window_hr_click: int | None
    attribution_window_hr_view: int | None
    decline_reason: str | None
    utm_id: str | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    extra: Mapping[str, Any] | None


def _full_address(text: str) -> str:
    text = urls.without_secrets(text.strip())
    if text and not urls.is_full(text):
        raise Refused("page-url-malformed")
    return text


def _referrer(text: str) -> str:
    text = urls.without_secrets(text.strip())
    if text and not urls.is_absolute(text):
        raise Refused("referrer-malformed")
    return text


class Page(WireObject):
    """The page it happened on. Web events need `url`: the full address with its query, as `location.href` gives it.

    A user name, a password and parameters that look secret (`token`, `code`, `session`, an e-mail address as a
    value and the like) leave both addresses here. An address that is not one is left out and kept in `problems`.
    Source: endpoint page.

    Raises:
        TypeError: If a value is not a str.
    """

    __slots__ = ()

    url = Wired[str]("Full http or https address.")
    referrer = Wired[str]("Full address of the page before.")

    _plan: ClassVar[Plan] = plan("page", PAGE, direct={"url": _full_address, "referrer": _referrer})

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[PageFields]) -> None: ...


class App(WireObject):
    """The app it happened in. App events need `app_id`: the App Store id, the Play id, or the package name.

    Source: endpoint page.

    Raises:
        TypeError: If a value is neither str nor int.
    """

    __slots__ = ()

    app_id = Wired[str]("Store id.")
    app_name = Wired[str]("Name.")
    app_version = Wired[str]("Version.")

    _plan: ClassVar[Plan] = plan("app", APP_FIELDS)

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[AppFields]) -> None: ...


class Lead(WireObject):
    """The lead a CRM event is about. `lead_id` is from TikTok's lead export, `lead_event_source` the CRM's name.

    Source: endpoint page.

    Raises:
        TypeError: If a value is neither str nor int.
    """

    __slots__ = ()

    lead_id = Wired[str]("TikTok's id of the lead.")
    lead_event_source = Wired[str]("Name of the CRM, such as HubSpot.")

    _plan: ClassVar[Plan] = plan("lead", LEAD)

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[LeadFields]) -> None: ...


def _share(value: object, path: str, found: list[Problem]) -> float | None:
    share = number(value, path, found)
    if share is not None and not 0 <= share <= 1:
        found.append(problem("share-range", path))
        return None
    return share


class Ad(WireObject):
    """What another attribution provider knows. Mind TikTok's names: `ad_id` is the ad *group*, `creative_id` the ad.

    `attribution_share` is TikTok's share of the credit, 0 to 1. `touchpoint_ts` is Unix seconds or an aware
    datetime, the two attribution windows are hours. Everything from `attribution_value` on is in TikTok's newer
    Parameters page only, seen through others (O2).

    Raises:
        TypeError: If a value is of a Python type its field never takes, or a field is unknown.
    """

    __slots__ = ()

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

    _plan: ClassVar[Plan] = plan("ad", AD, convert={"attribution_share": _share})

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[AdFields]) -> None: ...
