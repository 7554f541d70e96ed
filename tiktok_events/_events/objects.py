"""`Page`, `App`, `Ad` and `Lead`: the objects of an event that hold no personal data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict, Unpack

from tiktok_events._events.field_plan import Converter, FieldPlan, field_plan
from tiktok_events._events.normalize import urls
from tiktok_events._events.normalize.foreign_values import URLObject, url_text
from tiktok_events._events.normalize.values import Number, TextConverter, convert_text, number, text
from tiktok_events._events.wire_object import WireField, WireObject
from tiktok_events._spec.fields import AD, APP_FIELDS, LEAD, PAGE
from tiktok_events._spec.problem import Problem, Refused
from tiktok_events._spec.rules import problem


class PageFields(TypedDict, total=False):
    """`Page` as a mapping."""

    url: str | URLObject | None
    referrer: str | URLObject | None
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


def _page_url(text: str) -> str:
    text = urls.without_secrets(text.strip())
    if text and not urls.is_http_url(text):
        raise Refused("page-url-malformed")
    return text


def _url_converter(convert: TextConverter) -> Converter:
    """A converter for text and URL objects."""
    return lambda value, path, problems: convert_text(url_text(value), path, problems, convert)


def _referrer(text: str) -> str:
    text = urls.without_secrets(text.strip())
    if text and not urls.is_absolute_url(text):
        raise Refused("referrer-malformed")
    return text


class Page(WireObject):
    """The web page where the event happened. Web events need `url`: the full address with query, as `location.href`.

    The constructor removes the user name, the password, and parameters that look secret (`token`, `code`, `session`,
    an e-mail address as a value, and similar) from both addresses. It leaves out an invalid address and adds it to
    `problems`. Source: endpoint page.

    Raises:
        TypeError: If a value is neither a str nor a URL object of Starlette, httpx, yarl or pydantic.
    """

    __slots__ = ()

    url = WireField[str]("Full http or https address.")
    referrer = WireField[str]("Full address of the previous page.")

    _field_plan: ClassVar[FieldPlan] = field_plan(
        "page",
        PAGE,
        text_converters={"url": _page_url, "referrer": _referrer},
        fallback_converters={"url": _url_converter(_page_url), "referrer": _url_converter(_referrer)},
    )

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[PageFields]) -> None: ...


class App(WireObject):
    """The app where the event happened. App events need `app_id`: the App Store id, the Play id, or the package name.

    Source: endpoint page.

    Raises:
        TypeError: If a value is neither str nor int.
    """

    __slots__ = ()

    app_id = WireField[str]("Store id.")
    app_name = WireField[str]("Name.")
    app_version = WireField[str]("Version.")

    _field_plan: ClassVar[FieldPlan] = field_plan("app", APP_FIELDS)

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[AppFields]) -> None: ...


class Lead(WireObject):
    """The lead of a CRM event. `lead_id` comes from TikTok's lead export; `lead_event_source` is the name of the CRM.

    Source: endpoint page.

    Raises:
        TypeError: If a value is neither str nor int.
    """

    __slots__ = ()

    lead_id = WireField[str]("TikTok's id of the lead.")
    lead_event_source = WireField[str]("Name of the CRM, such as HubSpot.")

    _field_plan: ClassVar[FieldPlan] = field_plan("lead", LEAD)

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[LeadFields]) -> None: ...


def _attribution_share(value: object, path: str, problems: list[Problem]) -> float | None:
    share = number(value, path, problems)
    if share is not None and not 0 <= share <= 1:
        problems.append(problem("share-range", path))
        return None
    return share


class Ad(WireObject):
    """Data of another attribution provider. In TikTok's names, `ad_id` is the ad *group* and `creative_id` the ad.

    `attribution_share` is TikTok's share of the credit, 0 to 1. `touchpoint_ts` is Unix seconds or an aware
    datetime; the two attribution windows are hours. All fields from `attribution_value` on are documented only on
    TikTok's newer Parameters page, as reported by third parties (O2).

    Raises:
        TypeError: If a value is of a Python type that its field never takes, or a field is unknown.
    """

    __slots__ = ()

    callback = WireField[str]("Attribution callback; app only.")
    campaign_id = WireField[str]("Campaign.")
    ad_id = WireField[str]("Ad group.")
    creative_id = WireField[str]("Ad.")
    is_retargeting = WireField[bool]("App only.")
    attributed = WireField[bool]("App only.")
    attribution_type = WireField[str]("Such as click_through.")
    attribution_provider = WireField[str]("Name of the attribution provider.")
    attribution_share = WireField[float]("0 to 1.")
    attribution_value = WireField[float]("Attributed value.")
    attribution_model = WireField[str]("Model.")
    attribution_method = WireField[str]("Method.")
    touchpoint_type = WireField[str]("Type of the touchpoint.")
    touchpoint_ts = WireField[int]("Unix seconds.")
    touchpoint_url = WireField[str]("URL of the touchpoint.")
    attribution_window_hr_click = WireField[int]("Hours.")
    attribution_window_hr_view = WireField[int]("Hours.")
    decline_reason = WireField[str]("Reason why the event was not attributed.")
    utm_id = WireField[str]("utm_id.")
    utm_source = WireField[str]("utm_source.")
    utm_medium = WireField[str]("utm_medium.")
    utm_campaign = WireField[str]("utm_campaign.")

    _field_plan: ClassVar[FieldPlan] = field_plan(
        "ad",
        AD,
        converters={"attribution_share": _attribution_share},
        fallback_converters={
            "touchpoint_url": lambda value, path, problems: text(url_text(value), path, problems),
        },
    )

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[AdFields]) -> None: ...
