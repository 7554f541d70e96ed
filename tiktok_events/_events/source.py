"""`EventSource`: the pixel, app or event set that receives events, and its access token."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Self

import attrs

from tiktok_events._spec.fields import KINDS, Kind
from tiktok_events.errors import ConfigurationError

_ID_VARIABLES: dict[str, str] = {
    "web": "TIKTOK_PIXEL_CODE",
    "app": "TIKTOK_APP_ID",
    "offline": "TIKTOK_OFFLINE_EVENT_SET_ID",
    "crm": "TIKTOK_CRM_EVENT_SET_ID",
}


def _clean(value: str) -> str:
    return value.strip() if isinstance(value, str) else value


def _clean_or_none(value: str | None) -> str | None:
    return _clean(value) or None if value else None


def _printable(source: object, attribute: attrs.Attribute[Any], value: object) -> None:
    # The value becomes part of a header or request body. It may be a secret, so no message shows it.
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        raise ConfigurationError(f"{attribute.name} must be printable ASCII text without spaces")
    if not value and attribute.name != "id_namespace":
        raise ConfigurationError(f"{attribute.name} is empty")


def _kind(source: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value not in KINDS:
        raise ConfigurationError(f"event_source must be one of {', '.join(KINDS)}")


@attrs.frozen
class EventSource:
    """The pixel, app or event set that events are sent to, and its access token.

    `event_source` is "web", "app", "offline" or "crm"; `event_source_id` is its pixel code, TikTok app id or event set
    id. `access_token` comes from Events Manager (for one event source) or an OAuth app; repr and pickle omit it.
    `test_event_code` sends all events to the Test Events tab. `id_namespace` is part of every event id that is derived
    from a key: use the same in every process of a shop, and another one in staging.

    Raises:
        ConfigurationError: If a value is empty or cannot be part of a header or URL.
    """

    event_source: Kind = attrs.field(validator=_kind)
    event_source_id: str = attrs.field(converter=_clean, validator=_printable)
    access_token: str = attrs.field(converter=_clean, validator=_printable, repr=False)
    test_event_code: str | None = attrs.field(
        default=None,
        converter=_clean_or_none,
        validator=attrs.validators.optional(_printable),
    )
    id_namespace: str = attrs.field(default="", repr=False)

    @classmethod
    def web(cls, pixel_code: str, access_token: str, **options: Any) -> Self:
        """The source of a website, by its pixel code."""
        return cls("web", pixel_code, access_token, **options)

    @classmethod
    def app(cls, app_id: str, access_token: str, **options: Any) -> Self:
        """The source of a mobile app, by its TikTok App ID (not the store's). TikTok must enable app events first."""
        return cls("app", app_id, access_token, **options)

    @classmethod
    def offline(cls, event_set_id: str, access_token: str, **options: Any) -> Self:
        """The source of a point of sale or call centre, by its offline event set id."""
        return cls("offline", event_set_id, access_token, **options)

    @classmethod
    def crm(cls, event_set_id: str, access_token: str, **options: Any) -> Self:
        """The source of a CRM, by its CRM event set id."""
        return cls("crm", event_set_id, access_token, **options)

    @classmethod
    def from_env(cls, kind: Kind = "web", env: Mapping[str, str] | None = None) -> Self:
        """The source from environment variables.

        The id comes from `TIKTOK_PIXEL_CODE`, `TIKTOK_APP_ID`, `TIKTOK_OFFLINE_EVENT_SET_ID` or
        `TIKTOK_CRM_EVENT_SET_ID`; the token from `TIKTOK_<KIND>_ACCESS_TOKEN`, else `TIKTOK_ACCESS_TOKEN`; and
        `TIKTOK_TEST_EVENT_CODE` and `TIKTOK_ID_NAMESPACE` are optional.

        Raises:
            ConfigurationError: If the id or the token is not set. The message names the variable.
        """
        variables = os.environ if env is None else env
        if kind not in KINDS:
            raise ConfigurationError(f"kind must be one of {', '.join(KINDS)}")
        # The token lies in no local variable: an error tracker would record it.
        own_token = f"TIKTOK_{kind.upper()}_ACCESS_TOKEN"
        token_name = own_token if variables.get(own_token) else "TIKTOK_ACCESS_TOKEN"
        missing = [name for name in (_ID_VARIABLES[kind], token_name) if not variables.get(name)]
        if missing:
            del variables, env  # an error tracker records the repr of local variables
            raise ConfigurationError(f"set {' and '.join(missing)} in the environment")
        return cls(
            kind,
            variables[_ID_VARIABLES[kind]],
            variables[token_name],
            test_event_code=variables.get("TIKTOK_TEST_EVENT_CODE"),
            id_namespace=variables.get("TIKTOK_ID_NAMESPACE", ""),
        )

    @property
    def route(self) -> tuple[str, str, str | None]:
        """event_source, event_source_id and test_event_code: what all events of one request have in common."""
        return self.event_source, self.event_source_id, self.test_event_code

    def __getstate__(self) -> dict[str, object]:
        state: dict[str, object] = {name: getattr(self, name) for name in attrs.fields_dict(type(self))}
        return state | {"access_token": ""}

    def __setstate__(self, state: dict[str, object]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self
