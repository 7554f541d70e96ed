"""The first page."""

from __future__ import annotations

import re

import pytest
from shops import Shop, server_event

pytestmark = pytest.mark.anyio


async def row(shop: Shop, number: int) -> str:
    """The markup of event *number*."""
    page = (await shop.http.get("/")).text
    found = re.search(rf'<details [^>]*data-id="{number}".*?</details>', page, re.DOTALL)
    assert found is not None
    return found.group()


async def test_an_empty_manager_says_what_to_do(shop: Shop) -> None:
    """Before the first event the page shows the address to set."""
    page = (await shop.http.get("/")).text

    assert "TIKTOK_API_URL=http://127.0.0.1:8765/open_api/v1.3" in page


async def test_a_merged_event_is_one_row(shop: Shop) -> None:
    """Both copies stand in one row with three badges, the id and the value, and both copies' problems."""
    await shop.browses(properties={"value": 12.5, "currency": "EUR"})
    await shop.sends(server_event(user={"emial": "x"}))
    markup = await row(shop, 1)

    assert re.findall(r'class="badge (\w+)"', markup) == ["browser", "server", "merged"]
    assert "order-1" in markup
    assert "12.50 <small>EUR</small>" in markup
    for rule in ("contents-missing", "unknown-field", "no-identifier"):
        assert f"<code>{rule}</code>" in markup
    assert 'data-id="2"' not in (await shop.http.get("/")).text


async def test_a_rejected_event_says_why(shop: Shop) -> None:
    """The answer stands in the row, the rule and its fix below."""
    await shop.sends(server_event(event_id=5))
    markup = await row(shop, 1)

    assert "Batch.0.event_id: Not a valid string" in markup
    assert '<span class="state bad">40002</span>' in markup
    assert "<code>wrong-type</code>" in markup
    assert "Send it as a JSON string." in markup


async def test_test_events_and_duplicates_are_marked(shop: Shop) -> None:
    """A test event shows its code, a duplicate that it is one."""
    await shop.sends(server_event(), test_event_code="TEST123")
    await shop.sends(server_event())
    await shop.sends(server_event())

    assert "TEST123" in await row(shop, 1)
    assert '<span class="state off">test</span>' in await row(shop, 1)
    assert '<span class="state good">counted</span>' in await row(shop, 2)
    assert '<span class="state off">duplicate</span>' in await row(shop, 3)


async def test_rows_follow_the_cursor(shop: Shop) -> None:
    """The page's script gets what changed, the completed row again, and nothing when nothing did."""
    await shop.browses()
    everything = (await shop.http.get("/rows")).text
    nothing = await shop.http.get("/rows?after=1")
    await shop.sends(server_event())
    changed = (await shop.http.get("/rows?after=1")).text

    assert 'data-cursor="1"' in everything
    assert (nothing.status_code, nothing.content) == (204, b"")
    assert nothing.headers["oldest-event"] == "1"
    assert re.findall(r'data-id="(\d+)"', changed) == ["1"]
    assert "merged" in changed


async def test_only_the_newest_rows(shop: Shop) -> None:
    """However much is held, the page stays small; the figures are of everything."""
    await shop.sends(*(server_event(event_id=f"order-{number}") for number in range(300)))
    page = (await shop.http.get("/")).text

    assert page.count("<details ") == 200
    assert "order-299" in page
    assert '<p class="big">300</p>' in page


@pytest.mark.parametrize(
    ("name", "kind"),
    [("manager.css", "text/css"), ("manager.js", "text/javascript"), ("mark.svg", "image/svg+xml")],
)
async def test_files(shop: Shop, name: str, kind: str) -> None:
    """The page's files come with their types."""
    answer = await shop.http.get(f"/static/{name}")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(kind)


@pytest.mark.parametrize("name", ["..%2fapp.py", "app.py", "../app.py", "%00", ""])
async def test_no_other_files(shop: Shop, name: str) -> None:
    """There is no way from the page's files to others."""
    assert (await shop.http.get(f"/static/{name}")).status_code == 404
