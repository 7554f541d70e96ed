"""What the Starlette and the FastAPI shop share: their site, their templates, and a lookup that answers 404."""

from typing import Any

import shop
from starlette.exceptions import HTTPException
from starlette.templating import Jinja2Templates
from tiktok_events_starlette import context_processor

import tiktok_events as tt


def make_site() -> tt.Site:
    """The site of the environment, with consent from the shop's banner."""
    return tt.Site.from_env(
        secret_key="example only: yours comes from a secret store",  # noqa: S106
        consent=tt.ConsentCookie("consent", granted={"yes"}, denied={"no"}),
    )


def make_templates() -> Jinja2Templates:
    """The shop's templates, with the variable `tiktok`."""
    templates = Jinja2Templates(shop.TEMPLATES, context_processors=[context_processor])
    templates.env.globals["manager"] = shop.manager()
    return templates


def found(things: dict[str, Any], key: str) -> Any:
    """The item of *things* with this *key*, or 404."""
    if key not in things:
        raise HTTPException(404)
    return things[key]
