"""The thank-you page again and again: counted once, and from one tab sent once."""

from __future__ import annotations

from typing import Any

import pytest
from shopper import Counts, Shopper, Visit
from truth import ALL


def test_reload(visit: Visit, counts: Counts) -> None:
    """However often the thank-you page is loaded, in this tab it reports once."""
    shopper = visit()

    def pays() -> None:
        shopper.pays()
        for _ in range(3):
            shopper.reloads()

    shopper.walks(pays=pays)

    counts(shopper, "thank-you page reloaded")

    assert shopper.posts() == ALL


def test_back_and_forward(visit: Visit, counts: Counts) -> None:
    """The history shows the thank-you page again, and the page before it, each loaded anew."""
    shopper = visit()

    def pays() -> None:
        shopper.pays()
        assert [shopper.moves(step) for step in (-1, 1, -1, 1)] == ["loaded"] * 4

    shopper.walks(pays=pays)

    counts(shopper, "back and forward")

    assert shopper.posts() == ALL


def test_back_and_forward_revived(visit: Visit, counts: Counts, reviving_chromium: Any) -> None:
    """The history shows pages as they were left, from memory: no script of theirs runs again."""
    shopper = visit(browser=reviving_chromium)

    def pays() -> None:
        shopper.pays()
        assert [shopper.moves(step) for step in (-1, 1, -1, 1)] == ["revived"] * 4

    shopper.walks(pays=pays)

    counts(shopper, "back and forward")

    assert shopper.posts() == ALL


def test_post_redirect_get(visit: Visit, counts: Counts) -> None:
    """A form's event is rendered by the page after it, and by no reload of that."""
    shopper = visit()

    def pays() -> None:
        shopper.reloads()
        shopper.pays()

    shopper.walks(pays=pays)
    shopper.reloads()

    counts(shopper, "POST, redirect, GET, reload")

    assert shopper.page.url == f"{shopper.url}/welcome"
    assert shopper.posts() == ALL
    assert "_tte_next" not in shopper.cookies()


def paid_before(shopper: Shopper) -> None:
    """The provider is faster than the visitor."""
    shopper.is_paid()
    shopper.delivery.deliver()
    assert shopper.heard("Purchase", "server_only") == 1
    shopper.goes("/thanks/1001")


def paid_after(shopper: Shopper) -> None:
    """The provider takes its time."""
    shopper.goes("/thanks/1001")
    assert shopper.heard("Purchase", "browser_only") == 1
    shopper.is_paid()


def paid_twice(shopper: Shopper) -> None:
    """Providers repeat themselves."""
    shopper.is_paid()
    shopper.goes("/thanks/1001")
    shopper.is_paid()


@pytest.mark.parametrize(
    ("paid", "situation", "told"),
    [
        (paid_before, "payment webhook before the thank-you page", 1),
        (paid_after, "payment webhook after the thank-you page", 1),
        (paid_twice, "payment webhook twice", 2),
    ],
)
def test_webhook(visit: Visit, counts: Counts, paid: Any, situation: str, told: int) -> None:
    """Whoever comes first, and however often: one purchase on both channels."""
    shopper = visit()
    shopper.walks(pays=lambda: paid(shopper))

    counts(shopper, situation)

    assert shopper.heard("Purchase", "both") == 1
    assert [event.event for event in shopper.delivery.events].count("Purchase") == told


def test_two_tabs(visit: Visit, counts: Counts) -> None:
    """The thank-you page is open twice; the second tab reports again, and TikTok drops it."""
    shopper = visit()

    def pays() -> None:
        shopper.pays()
        shopper.new_tab()
        shopper.goes("/thanks/1001")

    shopper.walks(pays=pays)

    counts(shopper, "two tabs")

    assert shopper.posts() == {**ALL, "Purchase": 2}
    assert shopper.manager.summary()["dropped"] == 1


def test_redirect_then_another_tab(visit: Visit) -> None:
    """Two tabs report one form's event once: the redirect cookie belongs to the page after it (3.8)."""
    shopper = visit()
    shopper.goes("/")
    shopper.submits("newsletter", "zzpii.ada@example.com")
    shopper.new_tab()
    shopper.goes("/welcome")
    shopper.delivery.deliver()

    assert (shopper.heard("Subscribe", "both"), shopper.posts()) == (1, {"Subscribe": 1})


# --- a random id, which nothing but the page itself holds -------------------------------------------------------------


def test_a_page_from_the_browsers_cache(visit: Visit) -> None:
    """Going back runs the page's own HTML again, with its old id: the server was not asked, and nothing is sent."""
    shopper = visit()
    shopper.goes("/product")
    shopper.goes("/")
    before = len(shopper.delivery.events)

    assert shopper.moves(-1) == "loaded"
    assert shopper.page.url == f"{shopper.url}/product"
    assert len(shopper.delivery.events) == before
    assert shopper.posts() == {"ViewContent": 1}


def test_a_page_revived(visit: Visit, reviving_chromium: Any) -> None:
    """A page that comes back from memory sends nothing."""
    shopper = visit(browser=reviving_chromium)
    shopper.goes("/product")
    shopper.goes("/")

    assert shopper.moves(-1) == "revived"
    assert shopper.posts() == {"ViewContent": 1}


def test_markup_executed_again(visit: Visit) -> None:
    """A router that puts a kept copy of the page into the document runs its scripts again: they send nothing more."""
    shopper = visit()
    shopper.goes("/product")
    shopper.page.evaluate(
        """() => {
          const kept = document.documentElement.innerHTML;
          history.pushState({}, "", "/elsewhere");
          document.body.replaceChildren();
          const copy = new DOMParser().parseFromString(kept, "text/html");
          for (const one of copy.querySelectorAll("script:not([src])")) {
            const script = document.createElement("script");
            script.textContent = one.textContent;
            document.body.append(script);
          }
        }"""
    )
    shopper.settles()

    assert shopper.posts() == {"ViewContent": 1}


def test_a_reload_is_a_new_view(visit: Visit) -> None:
    """Without a key, what is loaded again happened again: on both channels, with an id of its own."""
    shopper = visit()
    shopper.goes("/product")
    shopper.reloads()
    shopper.delivery.deliver()

    assert (shopper.heard("ViewContent", "both"), set(shopper.posted_ids().values())) == (2, {1})
