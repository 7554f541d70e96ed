"""Match keys saved: how many soiled e-mail addresses and phone numbers end in the right digest, here and with a peer.

A wrong digest is the worst: it is sent, matches nobody, and nobody knows. A value that is left out has a problem.
facebook-business hashes phone numbers without the plus sign, so its digests are compared with those of the digits.
capi-param-builder 1.3 for Python has no function that normalises identifiers.

`TIKTOK_EVENTS_BEFORE=/path/to/an/older/checkout` adds a row for another version of this package.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from hashlib import sha256
from importlib.metadata import version

import soiled
from facebook_business.adobjects.serverside.normalize import Normalize

import tiktok_events as tt

NUMBER = 2_000
Hasher = Callable[[soiled.Soiled], str | None]
"""Returns the digest that is sent, or None if the value is left out."""


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def ours(field: str) -> Hasher:
    """The digest in `User`."""

    def hashed(value: soiled.Soiled) -> str | None:
        region = {"phone_region": value.region} if value.region and field == "phone" else {}
        found = getattr(tt.User(**{field: value.text, **region}), field)
        return found if found is None or isinstance(found, str) else found[0]

    return hashed


BEFORE = """
import json, sys
import tiktok_events as tt
field, values = json.load(sys.stdin)
for text, region in values:
    try:
        user = tt.User(**{field: text}, **({"phone_region": region} if region else {}))
        print(json.dumps(getattr(user, field)))
    except (TypeError, ValueError):
        print("null")
"""


def before(field: str, values: Sequence[soiled.Soiled]) -> list[str | None]:
    """The digests of another checkout."""
    env = {**os.environ, "PYTHONPATH": os.environ["TIKTOK_EVENTS_BEFORE"]}
    given = json.dumps([field, [(value.text, value.region) for value in values]])
    ran = subprocess.run(
        [sys.executable, "-c", BEFORE], input=given, capture_output=True, text=True, check=True, env=env
    )
    return [json.loads(line) for line in ran.stdout.splitlines()]


def facebook(field: str) -> Hasher:
    """`facebook-business`: normalize, then SHA-256."""
    name = "em" if field == "email" else "ph"

    def hashed(value: soiled.Soiled) -> str | None:
        try:
            return Normalize.normalize(name, value.text, True)
        except (TypeError, ValueError):
            return None

    return hashed


def run() -> None:
    """Print a table for each field, and one by kind for this package."""
    for field, values in (("email", list(soiled.emails(NUMBER))), ("phone", list(soiled.phones(NUMBER)))):
        _print(field, values)


def _print(field: str, values: list[soiled.Soiled]) -> None:
    right = [_digest(value.good) for value in values]
    peers_right = [_digest(value.good.removeprefix("+")) for value in values]
    rows: list[tuple[str, list[str | None], list[str]]] = [
        ("tiktok-events", [ours(field)(value) for value in values], right)
    ]
    if os.environ.get("TIKTOK_EVENTS_BEFORE"):
        rows.append(("tiktok-events, before", before(field, values), right))
    rows += [
        (
            f"facebook-business {version('facebook-business')}",
            [facebook(field)(value) for value in values],
            peers_right,
        ),
    ]
    print(
        f"\nmatch: {len(values):,} values of `{field}` in {len(soiled.LOCALES)} locales, 20 % clean, seed {soiled.SEED}"
    )
    print(f"{'':32} {'right':>7} {'left out':>9} {'wrong':>7}")
    for name, digests, expected in rows:
        counts = Counter(_outcome(*pair) for pair in zip(digests, expected, strict=True))
        shares = [counts[outcome] / len(values) for outcome in ("right", "left out", "wrong")]
        print(f"{name:32} {shares[0]:7.1%} {shares[1]:9.1%} {shares[2]:7.1%}")
    print(
        f"\n{'share of right digests by kind':32} "
        + " ".join(f"{name.split(',')[-1].split()[0][:12]:>13}" for name, *_ in rows)
    )
    kinds: dict[str, list[int]] = defaultdict(list)
    for index, value in enumerate(values):
        kinds[value.kind].append(index)
    for kind, indexes in kinds.items():
        hits = [
            sum(digests[index] == expected[index] for index in indexes) / len(indexes) for _, digests, expected in rows
        ]
        print(f"{kind:32} " + " ".join(f"{hit:13.0%}" for hit in hits))


def _outcome(digest: str | None, expected: str) -> str:
    return "left out" if not digest else "right" if digest == expected else "wrong"
