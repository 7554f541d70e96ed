"""`tiktok-events worker`: deliver what others put into an outbox."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from tiktok_events._client import Client
from tiktok_events._outbox.protocol import Outbox
from tiktok_events._responses import EventResult
from tiktok_events._worker import Worker
from tiktok_events.cli.console import clean, stderr
from tiktok_events.cli.outbox_option import clients, opened, outbox_option
from tiktok_events.errors import OutboxUnavailable

HELP = """Deliver what web processes put into an outbox, until SIGTERM or Ctrl-C.

The event sources are those of the environment: TIKTOK_PIXEL_CODE, TIKTOK_OFFLINE_EVENT_SET_ID,
TIKTOK_CRM_EVENT_SET_ID or TIKTOK_APP_ID, with TIKTOK_ACCESS_TOKEN or a TIKTOK_<KIND>_ACCESS_TOKEN. Events of other
sources are left in the outbox. Any number of workers, on any number of machines, may share a Redis outbox.

\b
Examples:
  tiktok-events worker --outbox sqlite:////var/lib/shop/tiktok.db
  TIKTOK_OUTBOX_URL=redis://queue.internal:6379/0 tiktok-events worker --in-flight 8
  tiktok-events worker --outbox sqlite:///tiktok.db --once        # from cron

\b
At SIGTERM it goes on for --drain seconds while something is due, then ends; what is left stays in the outbox.
Exit code: 0; with --once 1 when something that was due could not be delivered.
"""


@click.command(help=HELP, short_help="Deliver what waits in an outbox.")
@outbox_option
@click.option("--once", is_flag=True, help="Deliver what is due and end.")
@click.option("--in-flight", type=click.IntRange(1, 64), default=4, show_default=True, help="Requests at once.")
@click.option(
    "--rate", type=click.FloatRange(0.001), default=1000, show_default=True, help="Most requests in a second."
)
@click.option("--lease", type=click.FloatRange(0.05), default=30, show_default=True, help="Seconds a claim is its own.")
@click.option("--max-wait", type=click.FloatRange(0), default=300, show_default=True, help="Longest pause, seconds.")
@click.option("--drain", type=click.FloatRange(0), default=10, show_default=True, help="Seconds to go on at its end.")
@click.option(
    "--report", type=click.FloatRange(0), default=60, show_default=True, help="Seconds between reports; 0 for none."
)
def worker(url: str, *, once: bool, drain: float, report: float, **options: Any) -> None:
    """Deliver."""
    outbox = opened(url, must_exist=False)
    served = clients()
    done: Counter[str] = Counter()
    made = Worker(outbox, *served, on_settled=lambda results: _count(done, results), **options)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it names an address for every request
    _announce(outbox, served)
    try:
        if once:
            sys.exit(_once(made, outbox, done))
        with _until_told() as stop, _reports(report, outbox, done):
            made.run(stop, drain=drain)
        stderr().print(f"Ended   {_told(outbox, done)}")
    finally:
        made.close()
        outbox.close()


def _once(made: Worker, outbox: Outbox, done: Counter[str]) -> int:
    try:
        made.drain_once()
        stderr().print(f"Ended   {_told(outbox, done)}")
        return 1 if made.due_in() is not None else 0
    except OutboxUnavailable as error:
        stderr().print(f"Stopped {clean(error)}")
        return 1


@contextmanager
def _until_told() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set; a second one ends the process at once."""
    stop = threading.Event()

    def told(number: int, frame: object) -> None:
        if stop.is_set():
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, told)
    yield stop


@contextmanager
def _reports(seconds: float, outbox: Outbox, done: Counter[str]) -> Iterator[None]:
    """A line now and then, when there is something new to say."""
    ended = threading.Event()

    def report() -> None:
        said = ""
        while not ended.wait(seconds):
            if (told := _told(outbox, done)) != said:
                logging.getLogger("tiktok_events").info("%s", told)
                said = told

    if seconds:
        threading.Thread(target=report, daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def _count(done: Counter[str], results: Sequence[EventResult]) -> None:
    done.update(result.status for result in results)


def _told(outbox: Outbox, done: Counter[str]) -> str:
    try:
        waiting = f"{outbox.depth():,} waiting"
    except OutboxUnavailable as error:
        waiting = clean(error)
    numbers = [f"{done[status]:,} {status}" for status in ("delivered", "partial", "rejected") if done[status]]
    return ", ".join([*(numbers or ["0 delivered"]), waiting])


def _announce(outbox: Outbox, served: Sequence[Client]) -> None:
    console = stderr()
    console.print(f"Outbox  {clean(outbox)}")
    for client in served:
        console.print(f"Source  {client.source.event_source} {clean(client.source.event_source_id)}")
