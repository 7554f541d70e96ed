"""What a child starts with after a fork: new locks, and nothing that its parent is already doing."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Renewable(Protocol):
    """An object whose locks and threads do not survive a fork."""

    def _renew(self) -> None:
        """Start afresh."""


_living: weakref.WeakSet[Renewable] = weakref.WeakSet()


def renew_after_fork(living: Renewable) -> None:
    """Have *living* renewed in every child of this process, for as long as it lives."""
    _living.add(living)


def _renew_all() -> None:
    for living in list(_living):
        living._renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
