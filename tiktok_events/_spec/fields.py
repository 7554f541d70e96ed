"""Fields of a `data[]` item: the wire type of each, and the event sources for which it is documented.

Source: TikTok's endpoint page (O) and its newer Parameters page as reported (O2). The travel and vehicle
fields are those on which two large integrations agree (A).
"""

from typing import Literal

import attrs

Kind = Literal["web", "app", "offline", "crm"]
KINDS: tuple[Kind, ...] = ("web", "app", "offline", "crm")
"""The four event sources. O: endpoint page."""
Type = Literal["str", "number", "integer", "boolean", "strings", "object", "contents", "any"]

WEB: frozenset[Kind] = frozenset({"web"})
APP: frozenset[Kind] = frozenset({"app"})
CRM: frozenset[Kind] = frozenset({"crm"})
WEB_APP: frozenset[Kind] = frozenset({"web", "app"})
WEB_CRM: frozenset[Kind] = frozenset({"web", "crm"})
ALL: frozenset[Kind] = frozenset({"web", "app", "offline", "crm"})


@attrs.frozen
class Field:
    """One field: wire type, event sources, whether its value is a SHA-256 digest, and whether it may be a list."""

    type: Type = "str"
    sources: frozenset[Kind] = ALL
    hashed: bool = False
    many: bool = False


_DIGEST = Field("str", ALL, hashed=True)
_TEXT = Field()
_TEXT_WEB = Field("str", WEB)
_TEXT_APP = Field("str", APP)
_TEXT_WEB_APP = Field("str", WEB_APP)

USER = {
    "email": Field("str", ALL, hashed=True, many=True),
    "phone": Field("str", ALL, hashed=True, many=True),
    "external_id": Field("str", ALL, hashed=True, many=True),
    "ttclid": _TEXT_WEB,
    "ttp": _TEXT_WEB,
    "ip": _TEXT_WEB_APP,
    "user_agent": _TEXT_WEB_APP,
    "locale": _TEXT_WEB_APP,
    "idfa": _TEXT_APP,
    "gaid": _TEXT_APP,
    "idfv": _TEXT_APP,
    "att_status": _TEXT_APP,
    "first_name": _DIGEST,
    "last_name": _DIGEST,
    "zip_code": _DIGEST,
    "city": _TEXT,
    "state": _TEXT,
    "country": _TEXT,
}
"""Which sources take names, address and external_id is disputed (X): the endpoint page says web, the newer Parameters page
restricts only ttclid and ttp (web) and the device ids (app), and two large integrations send names for every source."""

MAX_EMAIL, MAX_PHONE, MAX_TEXT = 320, 64, 256
"""Characters of an e-mail address (RFC 3696), a phone number and other identifiers, at most: longer ones are left out.

Unicode normalisation takes time that grows with the square of the length, so it never sees a longer text of a visitor.
"""

PAGE = {"url": Field(), "referrer": Field()}
APP_FIELDS = {"app_id": Field(), "app_name": Field(), "app_version": Field()}
LEAD = {"lead_id": Field(), "lead_event_source": Field()}

AD = {
    "callback": Field("str", APP),
    "campaign_id": Field("str", WEB_APP),
    "ad_id": Field("str", WEB_APP),
    "creative_id": Field("str", WEB_APP),
    "is_retargeting": Field("boolean", APP),
    "attributed": Field("boolean", APP),
    "attribution_type": Field("str", APP),
    "attribution_provider": Field("str", WEB_APP),
    "attribution_share": Field("number", WEB_APP),
    "attribution_value": Field("number", WEB_APP),
    "attribution_model": Field("str", APP),
    "attribution_method": Field("str", WEB_APP),
    "touchpoint_type": Field("str", APP),
    "touchpoint_ts": Field("integer", APP),
    "touchpoint_url": Field("str", APP),
    "attribution_window_hr_click": Field("integer", WEB_APP),
    "attribution_window_hr_view": Field("integer", WEB_APP),
    "decline_reason": Field("str", APP),
    "utm_id": Field("str", APP),
    "utm_source": Field("str", APP),
    "utm_medium": Field("str", APP),
    "utm_campaign": Field("str", APP),
}
"""`ad_id` is the ad *group*, `creative_id` the ad: TikTok's names. From `attribution_value` on: O2, types unverified."""

TRAVEL = {
    "city": Field(),
    "region": Field(),
    "country": Field(),
    "checkin_date": Field(),
    "checkout_date": Field(),
    "num_adults": Field("integer"),
    "num_children": Field("integer"),
    "num_infants": Field("integer"),
    "suggested_hotels": Field("strings"),
    "departing_departure_date": Field(),
    "returning_departure_date": Field(),
    "origin_airport": Field(),
    "destination_airport": Field(),
    "destination_ids": Field("strings"),
    "departing_arrival_date": Field(),
    "returning_arrival_date": Field(),
    "travel_class": Field(),
    "user_score": Field("number"),
    "preferred_num_stops": Field("integer"),
    "travel_start": Field(),
    "travel_end": Field(),
    "suggested_destinations": Field("strings"),
}
"""Travel fields. A: dates are `YYYYMMDD`, `YYYY-MM-DD` or either with a time and a zone."""

VEHICLE = {
    "postal_code": Field(),
    "make": Field(),
    "model": Field(),
    "year": Field("integer"),
    "state_of_vehicle": Field(),
    "mileage": Field("object"),
    "exterior_color": Field(),
    "interior_color": Field(),
    "transmission": Field(),
    "body_style": Field(),
    "fuel_type": Field(),
    "drivetrain": Field(),
    "preferred_price_range": Field("any"),
    "trim": Field(),
    "vin": Field(),
    "condition_of_vehicle": Field(),
    "viewcontent_type": Field(),
    "search_type": Field(),
    "registration_type": Field(),
}
"""Vehicle fields. A: `mileage` is `{value, unit: MI|KM}`, `preferred_price_range` is `[min, max]`."""

PROPERTIES = {
    "value": Field("number"),
    "currency": Field(),
    "contents": Field("contents"),
    "content_ids": Field("strings"),
    "content_type": Field(),
    "num_items": Field("integer"),
    "order_id": Field(),
    "shop_id": Field(),
    "search_string": Field(),
    "description": Field(),
    "customer_type": Field("str", WEB_APP),
    "delivery_category": Field(),
    "predicted_ltv": Field("number"),
    "query": Field(),
    "status": Field(),
    "event_channel": Field(),
    **TRAVEL,
    **VEHICLE,
}
"""`query`, `status` and `event_channel` are names of Events API 1.0 that other integrations still use."""

CONTENT = {
    "content_id": Field(),
    "price": Field("number"),
    "quantity": Field("integer"),
    "content_name": Field(),
    "content_category": Field(),
    "brand": Field(),
    "content_type": Field(),
    "description": Field("any"),
    "availability": Field("any"),
    "sale_price": Field("any"),
    "on_sale": Field("any"),
    "review_count": Field("any"),
    "average_rating": Field("any"),
    "weight": Field("any"),
    "weight_unit": Field("any"),
}
"""From `description` on: undocumented fields that TikTok's own shop plugin sends."""

UNDOCUMENTED_CONTENT = frozenset(CONTENT) - {
    "content_id",
    "price",
    "quantity",
    "content_name",
    "content_category",
    "brand",
    "content_type",
}

EVENT = {
    "event": Field(),
    "event_time": Field("integer"),
    "event_id": Field("str", frozenset({"web", "offline", "crm"})),
    "user": Field("object"),
    "properties": Field("object"),
    "page": Field("object", WEB),
    "app": Field("object", APP),
    "ad": Field("object", WEB_APP),
    "lead": Field("object", CRM),
    "limited_data_use": Field("boolean", WEB_APP),
}

OBJECTS = {
    "user": USER,
    "page": PAGE,
    "properties": PROPERTIES,
    "app": APP_FIELDS,
    "ad": AD,
    "lead": LEAD,
}
"""The objects of an event, by their key."""

ENVELOPE = {
    "event_source": Field(),
    "event_source_id": Field(),
    "data": Field("any"),
    "test_event_code": Field(),
    "partner_name": Field(),
}

MAX_EVENTS = 1000
"""Maximum number of events in a request; TikTok refuses a request with more. O: endpoint page."""

ATT_STATUSES = frozenset({"AUTHORIZED", "DENIED", "NOT_DETERMINED", "RESTRICTED", "NOT_APPLICABLE"})
CONTENT_TYPES = frozenset({"product", "product_group"})
CUSTOMER_TYPES = frozenset({"new", "returning"})

LEGACY = {
    "": {
        "pixel_code": "event_source_id",
        "event_set_id": "event_source_id",
        "batch": "data",
        "timestamp": "event_time",
    },
    "event": {
        "timestamp": "event_time",
        "context": "user, page",
        "pixel_code": "event_source_id",
        "type": "",
        "test_event_code": "test_event_code beside event_source",
    },
    "user": {
        "phone_number": "phone",
        "phone_numbers": "phone",
        "phones": "phone",
        "emails": "email",
        "sha256_email": "email",
        "sha256_phone_number": "phone",
        "callback": "ttclid",
        "lead_id": "lead.lead_id",
    },
}
"""Keys of Events API 1.0 and of the pixel by the object that contains them, and their current names. O/A.

A name is empty where no field has replaced the key."""

DISCOURAGED = {"query": "search_string", "status": "", "event_channel": ""}
"""Fields of `properties` from Events API 1.0 that other integrations still use, and their replacement, if any. X."""


def replacement(name: str) -> str:
    """What to do with a field of Events API 1.0 whose current name is *name*, or empty."""
    return f"Use {name}" if name else "Leave it out"
