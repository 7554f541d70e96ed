"""The mappings that stand for the classes, typed, so that a checker sees a misspelt key.

Keys and meanings are those of the class of the same name; every key is optional.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any, TypedDict
from uuid import UUID

if TYPE_CHECKING:
    from tiktok_events._events.objects import Ad, App, Lead, Page
    from tiktok_events._events.properties import Content, Properties
    from tiktok_events._events.user import User

Id = str | int | UUID
Number = Decimal | int | float | str


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


class VerticalFields(TypedDict, total=False):
    """The travel and vehicle fields of `Properties`. A: two large senders agree; TikTok's page is silent.

    Dates are `YYYYMMDD`, `YYYY-MM-DD` or either with time and zone. `travel_class` is eco, prem, bus or first,
    `state_of_vehicle` New, Used or CPO, `mileage` `{"value": ..., "unit": "MI" or "KM"}`, `preferred_price_range`
    `[min, max]`, `vin` up to 17 characters.
    """

    city: str | None
    region: str | None
    country: str | None
    checkin_date: str | None
    checkout_date: str | None
    num_adults: int | None
    num_children: int | None
    num_infants: int | None
    suggested_hotels: Sequence[str] | None
    departing_departure_date: str | None
    returning_departure_date: str | None
    origin_airport: str | None
    destination_airport: str | None
    destination_ids: Sequence[str | int] | None
    departing_arrival_date: str | None
    returning_arrival_date: str | None
    travel_class: str | None
    user_score: Number | None
    preferred_num_stops: int | None
    travel_start: str | None
    travel_end: str | None
    suggested_destinations: Sequence[str] | None
    postal_code: str | int | None
    make: str | None
    model: str | None
    year: int | None
    state_of_vehicle: str | None
    mileage: Mapping[str, Any] | None
    exterior_color: str | None
    interior_color: str | None
    transmission: str | None
    body_style: str | None
    fuel_type: str | None
    drivetrain: str | None
    preferred_price_range: Sequence[Number] | None
    trim: str | None
    vin: str | None
    condition_of_vehicle: str | None
    viewcontent_type: str | None
    search_type: str | None
    registration_type: str | None


class RareFields(VerticalFields, total=False):
    """`Properties` that few events carry: the verticals, two of one sender (1), three of Events API 1.0 (X)."""

    delivery_category: str | None
    predicted_ltv: Number | None
    query: str | None
    status: str | None
    event_channel: str | None


class ContentFields(TypedDict, total=False):
    """`Content` as a mapping."""

    content_id: Id | None
    price: Number | None
    quantity: int | None
    content_name: str | None
    content_category: str | None
    brand: str | None
    content_type: str | None
    extra: Mapping[str, Any] | None


class PropertiesFields(RareFields, total=False):
    """`Properties` as a mapping."""

    value: Number | None
    currency: str | None
    contents: Iterable[Content | ContentFields] | None
    content_ids: Iterable[Id] | None
    content_type: str | None
    num_items: int | None
    order_id: Id | None
    shop_id: Id | None
    search_string: str | None
    description: str | None
    customer_type: str | None
    extra: Mapping[str, Any] | None


class EventFields(TypedDict, total=False):
    """What `Event` takes beside its name, and `track(name, ...)` of a request."""

    key: Id
    event_id: str | int
    event_time: datetime | int | float | None
    user: User | UserFields | None
    page: Page | PageFields | None
    properties: Properties | PropertiesFields | None
    ad: Ad | AdFields | None
    app: App | AppFields | None
    lead: Lead | LeadFields | None
    limited_data_use: bool | None
    extra: Mapping[str, Any] | None
