"""The manager against its own description."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from quick_run import examples
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from shops import TOKEN

import tiktok_events.events_manager
from tiktok_events.events_manager import RunningManager, create_app, running

pytestmark = pytest.mark.programs

DESCRIPTION = json.loads((Path(tiktok_events.events_manager.__file__).parent / "openapi.json").read_text())
CHECKS = [not_a_server_error, response_schema_conformance, status_code_conformance, content_type_conformance]

schema = schemathesis.openapi.from_dict(DESCRIPTION)


@pytest.fixture(scope="module")
def manager() -> Iterator[RunningManager]:
    """A manager that meets every generated request. No fault of one request may reach another's answer."""
    with running(token=TOKEN) as without_faults:
        yield without_faults


@pytest.fixture(scope="module")
def faulty() -> Iterator[RunningManager]:
    """The same with faults on."""
    with running(faults=True) as with_faults:
        yield with_faults


BOUNDED = settings(
    examples(40),
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@schema.parametrize()
@BOUNDED
def test_answers_are_as_described(case: Any, manager: RunningManager) -> None:
    """Whatever is asked, as described or not, the answer is one of those described, and none is a crash."""
    case.call_and_validate(base_url=manager.url, headers=headers_for(case, manager), checks=CHECKS)


@schema.include(path_regex="/api/(faults|clock|clear)").parametrize()
@BOUNDED
def test_faults_are_as_described(case: Any, faulty: RunningManager) -> None:
    """So are the answers of what tests use, and a valid fault is taken."""
    case.call_and_validate(base_url=faulty.url, headers=headers_for(case, faulty), checks=CHECKS)


def headers_for(case: Any, manager: RunningManager) -> dict[str, str]:
    # A random token or origin would never get past the door.
    return {"Access-Token": TOKEN} if "track" in case.path else {"Origin": manager.url}


def test_every_route_is_described() -> None:
    """The description names every route with its methods, and no other."""
    app = create_app(faults=True)
    app.state.events_manager.store.close()
    routes: dict[str, set[str]] = {}
    for route in app.routes:
        methods = getattr(route, "methods", set()) - {"HEAD"}
        routes.setdefault(getattr(route, "path", ""), set()).update(method.lower() for method in methods)

    assert routes == {path: set(operations) for path, operations in DESCRIPTION["paths"].items()}


def test_it_is_served(manager: RunningManager) -> None:
    """The description comes from the manager itself."""
    import httpx

    assert httpx.get(f"{manager.url}/openapi.json", trust_env=False).json() == DESCRIPTION
