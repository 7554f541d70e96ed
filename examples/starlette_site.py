"""What the Starlette and the FastAPI shop share: the site, the templates, and a lookup that answers 404."""

from typing import Any

import shop
from starlette.exceptions import HTTPException
from starlette.templating import Jinja2Templates
from tiktok_events_starlette import context_processor

import tiktok_events as tt

site = tt.Site.from_env(
    secret_key="example only: yours comes from a secret store",  # noqa: S106
    consent=tt.ConsentCookie("consent", granted={"yes"}, denied={"no"}),
)
templates = Jinja2Templates(shop.TEMPLATES, context_processors=[context_processor])
templates.env.globals["manager"] = shop.manager()


def found(things: dict[str, Any], key: str) -> Any:
    """The item of *things* with this *key*, or 404."""
    if key not in things:
        raise HTTPException(404)
    return things[key]
