"""Where output goes, and what untrusted text looks like there: no markup, no control characters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from rich.console import Console, RenderableType
from rich.text import Text

_LONGEST = 200

format_option: Callable[[Any], Any] = click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Output for people or for programs.",
)


def clean(text: object, longest: int = _LONGEST) -> str:
    """*text* with every character spelled out that a terminal would obey, cut to *longest*."""
    plain = str(text)
    if len(plain) > longest:
        plain = plain[: longest - 1] + "…"
    return plain if plain.isprintable() else "".join(char if char.isprintable() else _spelled(char) for char in plain)


def _spelled(char: str) -> str:
    # Controls, lone surrogates, and the marks that turn the direction of the text around them.
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def styled(text: object, style: str = "") -> Text:
    """*text*, cleaned, as something rich prints without reading it."""
    return Text(clean(text), style=style)


def stdout() -> Console:
    """For results."""
    return _console(stderr=False)


def stderr() -> Console:
    """For progress, questions and what went wrong."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        # A file or a pipe has no width: wrap late, so that grep finds things.
        console.width = 160
    return console


def show(console: Console, what: RenderableType) -> None:
    """Print *what*; into a pipe without the blanks that only fill a screen."""
    if console.is_terminal:
        console.print(what)
        return
    with console.capture() as capture:
        console.print(what)
    for line in capture.get().splitlines():
        console.print(Text(line.rstrip()), soft_wrap=True)
