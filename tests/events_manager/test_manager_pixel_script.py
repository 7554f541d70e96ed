"""The stand-in for TikTok's pixel script, as it is served. What it does is in tests/browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from shops import PIXEL, Shop

import tiktok_events.events_manager
from tiktok_events.errors import ConfigurationError
from tiktok_events.events_manager import create_app
from tiktok_events.events_manager.intake.pixel_script import NUMBERS, SWITCHES, pixel_switches

pytestmark = pytest.mark.anyio

SCRIPT = "/i18n/pixel/events.js"
HERE = Path(tiktok_events.events_manager.__file__).parent
DOCS = Path(__file__).parents[2] / "docs"
# httpx logs addresses, so what is looked for is no personal data's marker.
HOSTILE = [
    "</script><script>alert(1)</script>",
    '"});strange();({"',
    "strange\r\nSet-Cookie: a=b",
    "strange\u2028",
    "*/strange",
]


async def serves(shop: Shop, **asked: Any) -> Any:
    """The switches in the script for a page that asks so."""
    answer = await shop.http.get(SCRIPT, params={"sdkid": PIXEL, "lib": "ttq", **asked})
    assert answer.status_code == 200
    found = re.search(r"\}\)\((\{.*\})\);\n\}\)\(\);\n$", answer.text)
    assert found is not None
    return json.loads(found.group(1))


async def test_any_page_may_load_it(shop: Shop) -> None:
    """A page of another origin may load it, nothing may keep it, and the other headers are as on every answer."""
    headers = {"Referer": "http://localhost:8000/", "Sec-Fetch-Site": "cross-site"}
    answer = await shop.http.get(SCRIPT, params={"sdkid": PIXEL, "lib": "ttq"}, headers=headers)
    page = await shop.http.get("/")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/javascript")
    assert answer.headers.get_list("cross-origin-resource-policy") == ["cross-origin"]
    assert answer.headers.get_list("cache-control") == ["no-store"]
    assert page.headers["cross-origin-resource-policy"] == "same-origin"
    ours = {"content-type", "content-length", "cross-origin-resource-policy"}
    assert {key: value for key, value in answer.headers.items() if key not in ours} == {
        key: value for key, value in page.headers.items() if key not in ours
    }


@pytest.mark.parametrize(
    "code", ["", "C0EXAMPLE", "c0example0example000", "C" * 41, f"{PIXEL}\n", f" {PIXEL}", *HOSTILE]
)
async def test_only_pixel_codes(shop: Shop, code: str) -> None:
    """Anything that is no pixel code is refused, and not repeated."""
    answer = await shop.http.get(SCRIPT, params={"sdkid": code})

    assert answer.status_code == 400
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert not code.strip() or code not in answer.json()["error"]


@pytest.mark.parametrize("query", ["", "lib=ttq", f"sdkid={PIXEL}&sdkid={PIXEL}", "sdkid[]=C0EXAMPLE0EXAMPLE000"])
async def test_one_pixel_code(shop: Shop, query: str) -> None:
    """There is one, so that nobody has to guess which."""
    assert (await shop.http.get(f"{SCRIPT}?{query}")).status_code == 400


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", ["lib", "writes_ttclid", "ttp_days", "strange"])
async def test_nothing_of_the_request_is_repeated(shop: Shop, name: str, text: str) -> None:
    """What a request says is in the script only as a switch, and in a refusal not at all."""
    usual = await shop.http.get(SCRIPT, params={"sdkid": PIXEL})
    answer = await shop.http.get(SCRIPT, params={"sdkid": PIXEL, name: text})

    assert "strange" not in answer.text
    assert answer.text == usual.text if name in ("lib", "strange") else answer.status_code == 400
    assert "set-cookie" not in answer.headers


async def test_switches(open_shop: Callable[..., Shop]) -> None:
    """A switch of the manager holds for every page, one of the address for that page."""
    shop = open_shop(pixel={"writes_ttclid": False, "ttp_days": 90})

    usual = await serves(shop)
    asked = await serves(shop, writes_ttclid="1", history_observer="false", calling_code="49")

    assert usual == {**pixel_switches(None), "writes_ttclid": False, "ttp_days": 90}
    assert asked == {**usual, "writes_ttclid": True, "history_observer": False, "calling_code": 49}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("writes_ttp", text) for text in ("yes", "", "2")),
        *(("ttp_days", text) for text in ("-1", "401", "true", "1e2", "\u0663", "9" * 5000)),
        ("calling_code", "+49"),
    ],
)
async def test_switches_have_values(shop: Shop, name: str, text: str) -> None:
    """A value that a switch cannot have is refused, with the switch's name."""
    answer = await shop.http.get(SCRIPT, params={"sdkid": PIXEL, name: text})

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(f"{name} must be ")


@pytest.mark.parametrize(
    "given", [{"writes_ttp": 1}, {"ttp_days": True}, {"ttp_days": 401}, {"ttp_days": "390"}, {"strange": True}]
)
def test_settings_are_switches(given: Any) -> None:
    """What is wrong at the start is told at the start."""
    with pytest.raises(ConfigurationError) as caught:
        create_app(pixel=given)

    assert "strange" not in str(caught.value)


async def test_it_is_ascii(shop: Shop) -> None:
    """Its content type names no charset, so a page in any reads it alike."""
    assert (await shop.http.get(SCRIPT, params={"sdkid": PIXEL})).text.isascii()


async def test_only_get(shop: Shop) -> None:
    """It is read, not posted to."""
    assert (await shop.http.post(SCRIPT, params={"sdkid": PIXEL})).status_code == 405


async def test_a_rebound_name_gets_none(shop: Shop) -> None:
    """The host is looked at here too."""
    answer = await shop.http.get(SCRIPT, params={"sdkid": PIXEL}, headers={"Host": "evil.example"})

    assert answer.status_code == 421


def test_every_switch_is_used_and_described() -> None:
    """The script, the description and the how-to know the same switches, and the same defaults."""
    script = "".join((HERE / "static" / name).read_text("utf-8") for name in ("identifiers.js", "pixel.js"))
    described = json.loads((HERE / "openapi.json").read_text("utf-8"))["paths"][SCRIPT]["get"]["parameters"]
    defaults = {one["name"]: one["schema"]["default"] for one in described if "default" in one["schema"]}
    told = dict(
        re.findall(r"^\| `(\w+)` \| (\w+) \|", (DOCS / "how-to" / "events-manager.md").read_text("utf-8"), re.MULTILINE)
    )

    assert set(re.findall(r"switches\.(\w+)", script)) == {*SWITCHES, *NUMBERS}
    assert defaults == {
        **{name: "1" if value else "0" for name, value in SWITCHES.items()},
        **{name: usual for name, (usual, _most) in NUMBERS.items()},
    }
    assert told == {
        **{name: "on" if value else "off" for name, value in SWITCHES.items()},
        **{name: str(usual) for name, (usual, _most) in NUMBERS.items()},
    }
