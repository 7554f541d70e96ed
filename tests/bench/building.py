"""Raw values -> checked, hashed JSON bytes of one Purchase."""

from __future__ import annotations

import json
import time
from hashlib import sha256
from urllib.parse import urlencode

import attrs
import interleave as il
import order
import orjson
from facebook_business.adobjects.serverside import event as fb_event
from facebook_business.adobjects.serverside.action_source import ActionSource
from facebook_business.adobjects.serverside.content import Content as FbContent
from facebook_business.adobjects.serverside.custom_data import CustomData
from facebook_business.adobjects.serverside.event_request import EventRequest
from facebook_business.adobjects.serverside.user_data import UserData

import tiktok_events as tt
from tiktok_events._api.encoding import encode_item
from tiktok_events._runtime import json_codec

SOURCE = tt.EventSource.web("C4A1B2C3D4E5F6G7H8I9", "token", id_namespace="shop")
ID = "0123456789abcdef0123456789abcdef"


def _sent(event: tt.Event) -> bytes:
    problems = tt.check(event, SOURCE)
    if problems:
        raise AssertionError(problems)
    return encode_item(SOURCE, event)[1]


def ours() -> bytes:
    """As a caller writes it: mappings."""
    return _sent(tt.Event("Purchase", event_id=ID, **order.fields()))


def ours_keyed() -> bytes:
    """The same with a key, so that the id is made from it (an HMAC more than the floor does)."""
    return _sent(tt.Event("Purchase", key=order.NUMBER, **order.fields()))


def ours_in_classes() -> bytes:
    """The same with the classes spelled out."""
    fields = order.fields()
    properties = fields["properties"]
    properties["contents"] = [tt.Content(**item) for item in properties["contents"]]
    return _sent(
        tt.Event(
            "Purchase",
            event_id=ID,
            user=tt.User(**fields["user"]),
            page=tt.Page(**fields["page"]),
            properties=tt.Properties(**properties),
        )
    )


def floor_orjson() -> bytes:
    """Unchecked, by hand, orjson."""
    return orjson.dumps(order.by_hand(ID))


_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def floor_stdlib() -> bytes:
    """Unchecked, by hand, stdlib json."""
    return _compact(order.by_hand(ID)).encode()


def _hashed(value: str) -> str:
    return sha256(value.strip().lower().encode()).hexdigest()


def _hashed_phone(value: str) -> str:
    return sha256(value.replace(" ", "").encode()).hexdigest()


_text = attrs.validators.optional(attrs.validators.instance_of(str))
_number = attrs.validators.optional(attrs.validators.instance_of((int, float)))


@attrs.frozen(kw_only=True)
class _AttrsUser:
    email: str = attrs.field(converter=_hashed, validator=_text)
    phone: str = attrs.field(converter=_hashed_phone, validator=_text)
    external_id: str = attrs.field(converter=lambda value: sha256(value.encode()).hexdigest(), validator=_text)
    first_name: str = attrs.field(converter=_hashed, validator=_text)
    last_name: str = attrs.field(converter=_hashed, validator=_text)
    zip_code: str = attrs.field(converter=_hashed, validator=_text)
    ttclid: str | None = attrs.field(default=None, validator=_text)
    ttp: str | None = attrs.field(default=None, validator=_text)
    ip: str | None = attrs.field(default=None, validator=_text)
    user_agent: str | None = attrs.field(default=None, validator=_text)
    locale: str | None = attrs.field(default=None, validator=_text)


@attrs.frozen(kw_only=True)
class _AttrsPage:
    url: str | None = attrs.field(default=None, validator=_text)
    referrer: str | None = attrs.field(default=None, validator=_text)


@attrs.frozen(kw_only=True)
class _AttrsContent:
    content_id: str = attrs.field(validator=_text)
    content_name: str | None = attrs.field(default=None, validator=_text)
    content_category: str | None = attrs.field(default=None, validator=_text)
    brand: str | None = attrs.field(default=None, validator=_text)
    price: float | None = attrs.field(default=None, validator=_number)
    quantity: int | None = attrs.field(default=None, validator=_number)


@attrs.frozen(kw_only=True)
class _AttrsProperties:
    value: float | None = attrs.field(default=None, validator=_number)
    currency: str | None = attrs.field(default=None, validator=_text)
    order_id: str | None = attrs.field(default=None, validator=_text)
    content_type: str | None = attrs.field(default=None, validator=_text)
    contents: list[_AttrsContent] = attrs.field(factory=list)


@attrs.frozen(kw_only=True)
class _AttrsEvent:
    event: str = attrs.field(validator=_text)
    event_time: int = attrs.field(factory=lambda: int(time.time()))
    event_id: str = attrs.field(validator=_text)
    user: _AttrsUser
    page: _AttrsPage
    properties: _AttrsProperties


def attrs_asdict() -> bytes:
    """The usual way to do it with attrs: validators, converters, asdict."""
    fields = order.fields()
    properties = fields["properties"]
    properties["contents"] = [_AttrsContent(**item) for item in properties["contents"]]
    event = _AttrsEvent(
        event="Purchase",
        event_id=ID,
        user=_AttrsUser(**fields["user"]),
        page=_AttrsPage(**fields["page"]),
        properties=_AttrsProperties(**properties),
    )
    return orjson.dumps(attrs.asdict(event))


def _facebook_event() -> fb_event.Event:
    return fb_event.Event(
        event_name="Purchase",
        event_time=int(time.time()),
        event_id=ID,
        event_source_url=order.URL,
        referrer_url=order.REFERRER,
        action_source=ActionSource.WEBSITE,
        user_data=UserData(
            email=order.EMAIL,
            phone=order.PHONE,
            external_id=order.CUSTOMER,
            first_name=order.FIRST,
            last_name=order.LAST,
            zip_code=order.ZIP,
            fbc=order.TTCLID,
            fbp=order.TTP,
            client_ip_address=order.IP,
            client_user_agent=order.AGENT,
        ),
        custom_data=CustomData(
            value=order.VALUE,
            currency=order.CURRENCY,
            order_id=order.NUMBER,
            content_type="product",
            contents=[
                FbContent(product_id=sku, title=name, category=kind, brand=brand, item_price=price, quantity=number)
                for sku, name, kind, brand, price, number in order.ITEMS
            ],
        ),
    )


def facebook_json() -> bytes:
    """facebook-business: its normalize() and one json.dumps."""
    return json.dumps(_facebook_event().normalize()).encode()


def facebook_request() -> bytes:
    """facebook-business: its EventRequest's parameters, form-encoded as it posts them."""
    params = EventRequest(pixel_id="1", events=[_facebook_event()], access_token="t").get_params()
    return urlencode({name: json.dumps(value) for name, value in params.items()}).encode()


def _same(one: bytes, other: bytes) -> bool:
    first, second = json.loads(one), json.loads(other)
    return first | {"event_time": 0} == second | {"event_time": 0}


def run(rounds: int = 80, loops: int = 100) -> None:
    """Print the table."""
    for made in (ours(), ours_in_classes(), attrs_asdict(), floor_stdlib()):
        assert _same(made, floor_orjson()), "the candidates do not say the same"

    def stdlib() -> object:
        return il.replaced(json_codec, "dumps", json_codec.dumps_stdlib)

    def with_orjson() -> object:
        return il.replaced(json_codec, "dumps", json_codec.dumps_orjson)

    floor, floor_json = il.Candidate("floor", floor_orjson), il.Candidate("floor json", floor_stdlib)
    budgeted = [
        (il.Candidate("tiktok-events, mappings, orjson", ours, with_orjson), floor, 2.8, 2.0),
        (il.Candidate("tiktok-events, classes, orjson", ours_in_classes, with_orjson), floor, 2.8, 2.0),
        (il.Candidate("tiktok-events, key=, orjson", ours_keyed, with_orjson), floor, 2.8, 2.0),
        (il.Candidate("tiktok-events, mappings, stdlib json", ours, stdlib), floor_json, 1.8, 1.5),
        (il.Candidate("tiktok-events, key=, stdlib json", ours_keyed, stdlib), floor_json, 1.8, 1.5),
    ]
    peers = [
        il.Candidate("attrs validators + converters + asdict, orjson", attrs_asdict),
        il.Candidate("facebook-business: normalize() + json", facebook_json),
        il.Candidate("facebook-business: EventRequest, form-encoded", facebook_request),
    ]
    everybody = [floor, floor_json, *(one for one, *_ in budgeted), *peers]
    il.interleave(everybody, rounds=rounds, loops=loops, clock=time.thread_time)
    rows = [
        il.Row("floor: dict + hashlib + orjson, unchecked", floor.median * 1e6, "1.00 x"),
        il.Row(
            "floor: dict + hashlib + json, unchecked", floor_json.median * 1e6, f"{floor_json.ratio(floor):.2f} x floor"
        ),
    ]
    for one, base, budget, stretch in budgeted:
        ratio = one.ratio(base)
        named = "floor" if base is floor else "json floor"
        rows.append(
            il.Row(
                one.name,
                one.median * 1e6,
                f"{ratio:.2f} x {named}",
                f"<= {budget} x (stretch {stretch})",
                il.verdict(ratio, budget, stretch),
            )
        )
    rows += [il.Row(one.name, one.median * 1e6, f"{one.ratio(floor):.2f} x floor") for one in peers]
    il.show(f"Build one Purchase ({len(ours()):,} bytes)", rows)
