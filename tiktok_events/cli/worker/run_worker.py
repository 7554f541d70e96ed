"""Run a worker from the command line until SIGTERM or Ctrl-C: shared by `tiktok-events worker` and the adapters' commands."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from tiktok_events._api.client import Client
from tiktok_events._delivery.worker import Worker
from tiktok_events._outbox.protocol import Outbox
from tiktok_events.errors import TikTokEventsError

_WORKER_OPTIONS = (
    click.option("--once", is_flag=True, help="Deliver due events and exit."),
    click.option(
        "--in-flight",
        type=click.IntRange(1, 64),
        default=4,
        show_default=True,
        help="Maximum requests at the same time.",
    ),
    click.option(
        "--rate", type=click.FloatRange(0.001), default=1000, show_default=True, help="Maximum requests per second."
    ),
    click.option(
        "--lease",
        type=click.FloatRange(0.05),
        default=30,
        show_default=True,
        help="Seconds before another worker may take over a batch.",
    ),
    click.option(
        "--max-wait",
        type=click.FloatRange(0),
        default=300,
        show_default=True,
        help="Maximum seconds between two attempts.",
    ),
    click.option(
        "--max-event-age",
        type=click.FloatRange(0, min_open=True),
        metavar="HOURS",
        help="Maximum age of an event; older ones become dead letters. Use 48 if the pixel reports the events, too.",
    ),
    click.option(
        "--drain",
        type=click.FloatRange(0),
        default=10,
        show_default=True,
        help="Seconds to keep delivering after SIGTERM.",
    ),
    click.option(
        "--report",
        type=click.FloatRange(0),
        default=60,
        show_default=True,
        help="Seconds between log lines with the counts; 0 for none.",
    ),
)


def worker_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `run_worker` to *command*."""
    for option in reversed(_WORKER_OPTIONS):
        command = option(command)
    return command


def run_worker(
    outbox: Outbox | None,
    clients: Sequence[Client],
    *,
    once: bool,
    drain: float,
    report: float,
    max_event_age: float | None = None,
    **options: Any,
) -> int:
    """Deliver the events of *outbox* until SIGTERM or SIGINT. Returns the exit code.

    Raises:
        click.UsageError: If no other process can put into *outbox*.
    """
    if outbox is None or outbox.scope == "process":
        raise click.UsageError(
            "A worker cannot read an outbox in memory. Set TIKTOK_OUTBOX_URL to sqlite:/// or redis://"
        )
    counts: Counter[str] = Counter()
    worker = Worker(
        outbox,
        *clients,
        max_event_age=None if max_event_age is None else max_event_age * 3_600,
        on_results=lambda results: counts.update(one.status for one in results),
        **options,
    )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs the URL of every request
    click.echo(f"Outbox  {outbox!r}", err=True)
    for client in clients:
        click.echo(f"Source  {client.source.event_source} {client.source.event_source_id}", err=True)
    try:
        code = (
            _drain_once(worker)
            if once
            else _run_until_stopped(worker, drain, report, lambda: _progress(outbox, counts))
        )
        click.echo(f"Ended   {_progress(outbox, counts)}", err=True)
        return code
    finally:
        worker.close()
        outbox.close()


def _drain_once(worker: Worker) -> int:
    try:
        worker.drain_once()
        return 1 if worker.due_in() is not None else 0
    except TikTokEventsError as error:
        click.echo(f"Stopped {error}", err=True)
        return 1


def _run_until_stopped(worker: Worker, drain: float, report: float, progress: Callable[[], str]) -> int:
    stop = threading.Event()

    def request_stop(number: int, frame: object) -> None:
        if stop.is_set():  # the second signal ends the process at once
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, request_stop)
    with _progress_log(report, progress):
        worker.run(stop, drain=drain)
    return 0


@contextmanager
def _progress_log(seconds: float, progress: Callable[[], str]) -> Iterator[None]:
    """Log the progress every *seconds*, if it has changed."""
    ended = threading.Event()

    def report() -> None:
        last = ""
        while not ended.wait(seconds):
            if (now := progress()) != last:
                logging.getLogger("tiktok_events").info("%s", now)
                last = now

    if seconds:
        threading.Thread(target=report, daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def _progress(outbox: Outbox, counts: Counter[str]) -> str:
    try:
        pending = f"{outbox.depth():,} waiting"
    except TikTokEventsError as error:
        pending = str(error)
    numbers = [f"{counts[status]:,} {status}" for status in ("delivered", "partial", "rejected") if counts[status]]
    return ", ".join([*(numbers or ["0 delivered"]), pending])
