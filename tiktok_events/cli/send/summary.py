"""Count the results of a file's lines, and print the summary. It contains line numbers and rules, never a value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import attrs
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tiktok_events._spec.problem import Problem
from tiktok_events.cli.console import clean, show, styled

_MAX_NUMBERS = 6
_DIGITS = re.compile("[0-9]+")


@attrs.define
class Group:
    """The lines with the same rule or error."""

    name: str
    message: str
    count: int = 0
    first_numbers: list[int] = attrs.field(factory=list)

    def add(self, number: int) -> None:
        """Count line *number*."""
        self.count += 1
        if len(self.first_numbers) < _MAX_NUMBERS:
            self.first_numbers.append(number)

    @property
    def line_numbers(self) -> str:
        """The first line numbers as text."""
        more = ", …" if self.count > len(self.first_numbers) else ""
        return ("line " if self.count == 1 else "lines ") + ", ".join(str(one) for one in self.first_numbers) + more


@attrs.define
class Summary:
    """Numbers of lines by result, and the reasons."""

    delivered: int = 0
    refused: int = 0
    partial: int = 0
    unsent: int = 0
    repeated: int = 0
    reasons: dict[str, Group] = attrs.field(factory=dict)
    warnings: dict[str, Group] = attrs.field(factory=dict)
    failures: dict[str, Group] = attrs.field(factory=dict)

    @property
    def total(self) -> int:
        """The number of lines read."""
        return self.delivered + self.refused + self.partial + self.unsent

    @property
    def ok(self) -> bool:
        """Whether every line was delivered."""
        return self.delivered == self.total

    def refuse(self, number: int, problems: Iterable[Problem]) -> None:
        """Count line *number* as refused by the rules."""
        self.refused += 1
        _group(self.reasons, number, problems)

    def refuse_by_tiktok(self, number: int, name: str, message: str) -> None:
        """Count line *number* as refused by TikTok."""
        self.refused += 1
        # TikTok names the index in the request, which differs for equal errors and means nothing to the user.
        self.reasons.setdefault(f"{name} {_DIGITS.sub('', message)}", Group(name, message)).add(number)

    def fail(self, number: int, message: str, *, partial: bool = False) -> None:
        """Count valid line *number* as not sent, or as uncertain if its request had a *partial* success."""
        if partial:
            self.partial += 1
        else:
            self.unsent += 1
        self.failures.setdefault(message, Group("partial" if partial else "unsent", message)).add(number)

    def warn(self, number: int, problems: Iterable[Problem]) -> None:
        """Count the warnings of line *number*."""
        _group(self.warnings, number, problems)


def _group(groups: dict[str, Group], number: int, problems: Iterable[Problem]) -> None:
    # A group has one rule and one field, for any index of a list. A line counts once in each group.
    for name, one in {f"{one.rule} {_DIGITS.sub('', one.field)}": one for one in reversed(list(problems))}.items():
        groups.setdefault(name, Group(one.rule, f"{one.field} {one.message}. {one.fix}")).add(number)


def print_summary(console: Console, summary: Summary, rejected_file: Path | None, *, dry_run: bool) -> None:
    """Print *summary*, and the path of *rejected_file*, which holds the lines that were not delivered."""
    console.print()
    show(console, _counts_table(summary, dry_run=dry_run))
    if summary.repeated:
        lines = "1 line repeats" if summary.repeated == 1 else f"{summary.repeated:,} lines repeat"
        console.print(Text(f"\n{lines} the name and id of an earlier line: TikTok counts each pair once."))
    _print_groups(console, "Refused", summary.reasons, "bold red")
    _print_groups(console, "Not delivered", summary.failures, "bold yellow")
    _print_groups(console, "Warnings", summary.warnings, "bold")
    if rejected_file is not None:
        console.print()
        console.print(styled(f"Lines that were not delivered, each with its reason: {clean(rejected_file)}", "bold"))
        console.print(
            Text(
                "The file holds personal data, and only you can read it. Delete the file once the lines are fixed and sent."
            )
        )


def _counts_table(summary: Summary, *, dry_run: bool) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    table.add_column()
    rows = [
        (summary.delivered, "valid (would be sent)" if dry_run else "delivered", "green"),
        (summary.refused, "refused", "red"),
        (summary.partial, "uncertain: TikTok accepted part of their request", "yellow"),
        (summary.unsent, "not sent", "yellow"),
    ]
    for number, label, style in rows:
        if number or (label.endswith(("delivered", "sent")) and style == "green"):
            table.add_row(Text(f"{number:,}", style=f"bold {style}"), label)
    table.add_row(f"{summary.total:,}", "line" if summary.total == 1 else "lines", style="dim")
    return table


def _print_groups(console: Console, title: str, groups: dict[str, Group], style: str) -> None:
    if not groups:
        return
    console.print(Text(f"\n{title}", style=style))
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    for group in sorted(groups.values(), key=lambda one: (-one.count, one.name)):
        message = Text(clean(group.message, 600))
        message.append(f"\n{group.line_numbers}", style="dim")
        table.add_row(f"{group.count:,}", styled(group.name, "bold"), message)
    show(console, Padding(table, (0, 0, 0, 2)))
