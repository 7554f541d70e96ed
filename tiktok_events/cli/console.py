"""Console output. Untrusted text is printed without markup and control characters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from rich.console import Console, RenderableType
from rich.text import Text

_MAX_LENGTH = 200

format_option: Callable[[Any], Any] = click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Output for people or for programs.",
)


def clean(text: object, max_length: int = _MAX_LENGTH) -> str:
    """Return *text* with control characters escaped, cut to *max_length* characters."""
    plain = str(text)
    if len(plain) > max_length:
        plain = plain[: max_length - 1] + "…"
    return plain if plain.isprintable() else "".join(char if char.isprintable() else _escaped(char) for char in plain)


def _escaped(char: str) -> str:
    # Control characters, lone surrogates, and bidirectional marks.
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def styled(text: object, style: str = "") -> Text:
    """Return *text*, cleaned, as a rich text without markup."""
    return Text(clean(text), style=style)


def stdout() -> Console:
    """Return the console for results."""
    return _console(stderr=False)


def stderr() -> Console:
    """Return the console for progress, prompts and errors."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        # A file or a pipe has no width: long lines keep a phrase on one line for grep.
        console.width = 160
    return console


def show(console: Console, renderable: RenderableType) -> None:
    """Print *renderable*; trailing blanks are removed if the output is a file or a pipe."""
    if console.is_terminal:
        console.print(renderable)
        return
    with console.capture() as capture:
        console.print(renderable)
    for line in capture.get().splitlines():
        console.print(Text(line.rstrip()), soft_wrap=True)
