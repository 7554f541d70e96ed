"""A pytest plugin: a test fails when personal data, or a digest of it, shows where it may not.

It looks at every log record, at every exception that `raises` catches or that is still alive, and at the repr and str
of every living object of the package. `markers` says what personal data is.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import markers
import pytest

PACKAGE = "tiktok_events"


class Watch(logging.Handler):
    """What was seen since the last look, by place. It keeps no value."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.leaks: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        texts = [record.getMessage(), repr(record.args), record.exc_text or "", record.stack_info or ""]
        if record.exc_info and record.exc_info[1] is not None:
            texts += told_by(record.exc_info[1])
        self.look(f"a log record of {record.name} ({record.module}.{record.funcName})", *texts)

    def look(self, place: str, *texts: str) -> None:
        if any(markers.shown_in(text) for text in texts):
            self.leaks.append(place)

    def look_at_exception(self, error: BaseException) -> None:
        self.look(f"the text of a {type(error).__name__}", *told_by(error))

    def look_around(self) -> None:
        """Look at the objects of the package that this test made and that are alive: the collector's youngest."""
        ours: dict[type, bool] = {}
        for one in gc.get_objects(generation=0):
            kind = type(one)
            if kind not in ours:
                ours[kind] = is_ours(kind)
            if ours[kind]:
                with suppress(AttributeError):  # one whose constructor has raised is no object yet
                    self.look(f"the repr of a {kind.__name__}", repr(one), str(one))

    def take(self) -> list[str]:
        """The places seen so far, each once."""
        leaks, self.leaks = self.leaks, []
        return sorted(set(leaks))


WATCH = Watch()


def is_ours(kind: type) -> bool:
    """Whether *kind* is a class of the package."""
    module = getattr(kind, "__module__", "")
    return isinstance(module, str) and module.partition(".")[0] == PACKAGE and not issubclass(kind, logging.Handler)


def told_by(error: BaseException | None) -> list[str]:
    """What a traceback of *error* would tell, causes and notes included."""
    told: list[str] = []
    while error is not None:
        told += [str(error), repr(error), *getattr(error, "__notes__", ())]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return told


@contextmanager
def raises(kind: type[BaseException] | tuple[type[BaseException], ...], match: str | None = None) -> Iterator[Any]:
    """`pytest.raises`, and the exception tells nothing about a person."""
    with pytest.raises(kind, match=match) as caught:
        yield caught
    WATCH.look_at_exception(caught.value)


def pytest_configure(config: pytest.Config) -> None:
    root = logging.getLogger()
    root.addHandler(WATCH)
    root.setLevel(logging.DEBUG)


def pytest_unconfigure(config: pytest.Config) -> None:
    logging.getLogger().removeHandler(WATCH)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Any:
    gc.collect(1)
    gc.disable()  # what this test makes stays young, and what hangs in a cycle stays to be looked at
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Any:
    try:
        result = yield
        WATCH.look_around()
    except Exception as error:
        if is_ours(type(error)) or isinstance(error, (TypeError, ValueError)):
            WATCH.look_at_exception(error)
        _fail_of(item, WATCH.take())
        raise
    _fail_of(item, WATCH.take())
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Any:
    result = yield
    _fail_of(item, WATCH.take())
    return result


def _fail_of(item: pytest.Item, leaks: list[str]) -> None:
    if leaks:
        pytest.fail(f"personal data shows in {', '.join(leaks)}", pytrace=False)
