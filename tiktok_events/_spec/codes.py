"""TikTok's answer codes: the meaning of each, and how a client reacts to it.

Sources: the names are from TikTok's own SDK (O); the meanings are from its "Return codes" and "Rate limits" pages (O2),
or from integrations in production where these pages say nothing (A). The waits are a choice of this project.
"""

from typing import Literal

import attrs

Kind = Literal["ok", "partial", "credential", "config", "content", "rejected", "rate", "server"]
"""How a client reacts to a code.

- `ok`, `partial`: it does not send the request again.
- `credential`, `config`: TikTok accepts no event until the token or the settings are fixed.
- `content`: TikTok refuses an event of the request; the other events may be accepted without it.
- `rejected`: TikTok refuses the request, whatever it contains.
- `rate`, `server`: the same request may succeed later.
"""


@attrs.frozen
class Code:
    """One answer code: number, TikTok's meaning, kind of reaction, and seconds before the first retry."""

    code: int
    meaning: str
    kind: Kind
    wait: float = 0.5

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.kind in ("rate", "server")


CODES = {
    entry.code: entry
    for entry in (
        Code(0, "OK", "ok"),
        Code(20001, "partially successful; TikTok does not say which events", "partial"),
        Code(40000, "invalid parameters", "content"),
        Code(40001, "no permission: the token's owner has no rights on this event source", "credential"),
        Code(40002, "parameter error", "content"),
        Code(40003, "forbidden", "credential"),
        Code(40006, "version does not fit", "config"),
        Code(40007, "object does not exist", "config"),
        Code(40008, "endpoint not implemented", "config"),
        Code(40009, "not available in a sandbox", "rejected"),
        Code(40010, "domain not supported: wrong base URL", "config"),
        Code(40013, "sandbox limitation", "rejected"),
        Code(40014, "sandbox limitation", "rejected"),
        Code(40016, "too frequent", "rate", 1.0),
        # Unverified on this endpoint. It is read as "the first copy arrived", so the request is not sent again.
        Code(40050, "duplicated request", "partial"),
        Code(40051, "invalid API version", "config"),
        Code(40061, "invalid batch size", "content"),
        Code(40062, "personal data is not hashed", "content"),
        Code(40063, "invalid partner name", "rejected"),
        Code(40100, "too many requests for this endpoint", "rate", 1.0),
        Code(40101, "invalid authentication parameters", "credential"),
        Code(40102, "access token expired", "credential"),
        Code(40104, "access token is empty", "credential"),
        Code(40105, "access token is invalid", "credential"),
        Code(40106, "invalid core user", "credential"),
        Code(40113, "app blocked or unknown", "credential"),
        Code(40117, "method cannot be used", "config"),
        Code(40118, "not on the allowlist for this method", "config"),
        Code(40119, "company mismatch", "credential"),
        Code(40124, "developer profile incomplete", "credential"),
        Code(40125, "no permission", "credential"),
        Code(40130, "scope missing", "credential"),
        Code(40132, "throttled for one event source, or the token leaked", "rate", 300.0),
        Code(40133, "throttled for this advertiser", "rate", 1.0),
        Code(40202, "write conflict", "server"),
        Code(40300, "advertiser missing", "rejected"),
        Code(40301, "advertiser does not match", "rejected"),
        Code(40400, "route not found: wrong base URL", "config"),
        Code(40700, "internal validation error", "content"),
        Code(41000, "the caller's country is blocked", "rejected"),
        Code(41001, "interface is offline", "rejected"),
        Code(41002, "fields are offline", "rejected"),
        Code(50000, "system error", "server"),
        Code(50002, "processing error or timeout on TikTok's side", "server"),
        Code(60001, "maintenance", "server", 60.0),
        Code(61000, "too many requests", "rate", 300.0),
    )
}
"""The codes that `event/track/` may answer, by number."""

_SERVER_RANGE = range(50000, 53000)
_SERVER_CODES = frozenset({53102, 53103})
_CONFIG_STATUSES = frozenset({301, 302, 303, 307, 308, 404, 405})
PARTIAL, RATE_LIMITED = 20001, 40100


def code_for(code: int, status: int) -> Code:
    """The entry of *code*; for an unknown code, an entry by the HTTP *status* of the answer."""
    entry = CODES.get(code)
    if entry is not None:
        return entry
    if code in _SERVER_RANGE or code in _SERVER_CODES:
        return Code(code, "internal service error", "server")
    return attrs.evolve(code_for_status(status), code=code)


def code_for_status(status: int) -> Code:
    """The entry for an answer without TikTok's envelope, by its HTTP *status*. Its `code` is the status."""
    if status == 429:
        return Code(status, "too many requests", "rate", 1.0)
    if status == 408 or status >= 500:
        return Code(status, "the server could not answer", "server")
    if status in (401, 403):
        return Code(status, "not authorised", "credential")
    if status in _CONFIG_STATUSES:
        return Code(status, "no Events API at this address: wrong base URL", "config")
    if status == 413:
        return Code(status, "the request is too large", "content")
    if 200 <= status < 300:
        return Code(status, "not an answer of the Events API", "server")
    return Code(status, "refused", "content")
