"""`AccessToken`: adds the access token to a request, so that it lies in no local variable and in no repr."""

from __future__ import annotations

from typing import Any

from tiktok_events._events.source import EventSource
from tiktok_events.errors import ConfigurationError


class AccessToken:
    """The token of *source*, as an authentication of httpx: a callable that changes a request."""

    __slots__ = ("_source",)

    def __init__(self, source: EventSource) -> None:
        self._source = source

    def __repr__(self) -> str:
        return "AccessToken()"

    def __call__(self, request: Any) -> Any:
        """Add the token to an httpx *request*. TikTok has no payload signature: the token authenticates it."""
        request.headers["Access-Token"] = self._source.access_token
        return request

    def check(self) -> None:
        """Check that there is a token.

        Raises:
            ConfigurationError: If the source was pickled, which leaves the token out.
        """
        if not self._source.access_token:
            raise ConfigurationError(
                "the event source has no access token, because a pickle leaves it out: make source and client in the "
                "process that uses them, as with EventSource.from_env()"
            )
