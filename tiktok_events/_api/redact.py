"""Redact TikTok's messages: they may repeat the refused value, which may be personal data."""

from __future__ import annotations

import re

from tiktok_events._spec.fields import AD, APP_FIELDS, CONTENT, ENVELOPE, EVENT, LEAD, PAGE, PROPERTIES, USER
from tiktok_events._spec.names import APP_NAMES, STANDARD_NAMES

_WORDS = """
a access account admin ads advertiser again allowed already an and api app application are array arrived at authorization
auth bad batch be been body boolean but by call cannot check code contact content count currency data date does empty
endpoint enough error event events exceed exceeded exceeds exist exists expected expired expires failed field fields
float for format forbidden found frequent from get group has hash hashed have header hour http https id ids in
incorrect index info input int integer internal invalid is it item items json key large later length less limit list long
malformed many match max maximum message method min minute missing more must name no not null number object occurred of offline
ok on one only operate operator or out owner page parameter parameters params parse partial partially partner per permission
permitted pixel please post processing property provided qps rate received refused reject rejected repeated request requests required
retry route scope seconds see sent server service set should size some source status string successful successfully support
supported system than that the there this time timeout timestamp to token too track try type unauthorized unknown
unsupported url use user valid value values version web when while with within wrong you your
"""
_FIELDS = (USER, PAGE, PROPERTIES, CONTENT, APP_FIELDS, AD, LEAD, EVENT, ENVELOPE)
_KNOWN = frozenset(_WORDS.split()).union(*_FIELDS, (name.lower() for name in STANDARD_NAMES | APP_NAMES)) | {
    "access-token",
    "contents",
}
_TOKEN = re.compile(r"[^\s.,:;()\[\]\"'<>=/]+")
# Addresses and phone numbers come in runs of short numbers: 9.9.9.9, 170 123 45 67. A place in a body stays.
_PLACE_OR_RUN = re.compile(
    r"(?P<place>\b(?:batch|data|contents|content_ids|index)[.\[ ][0-9]{1,3}\b)|(?:[0-9]+|…)(?:[^\w…]+(?:[0-9]+|…))+",
    re.IGNORECASE,
)
_LONGEST = 500


def redact(message: str) -> str:
    """*message* with an ellipsis for every word that is not in TikTok's known vocabulary."""
    return _PLACE_OR_RUN.sub(lambda match: match["place"] or "…", _TOKEN.sub(_keep_known, message[:_LONGEST]))


def _keep_known(match: re.Match[str]) -> str:
    word = match.group()
    if word.lower() in _KNOWN or (len(word) <= 3 and word.isascii() and word.isdigit()):
        return word
    return "…"
