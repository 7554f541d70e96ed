"""Read values of other libraries: numbers of numpy, missing values of pandas, enums, URL objects and money objects.

No library is imported: a value is read by the interface that it offers.
"""

from __future__ import annotations

from enum import Enum
from math import nan
from numbers import Integral, Real
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class URLObject(Protocol):
    """A URL of Starlette, httpx, yarl, pydantic or `urllib.parse`: `str()`, or `geturl()`, returns its text."""

    @property
    def scheme(self) -> str:
        """Such as https."""
        ...

    @property
    def path(self) -> Any:
        """The path."""


@runtime_checkable
class MoneyObject(Protocol):
    """An amount with its currency, such as py-moneyed's `Money`. The currency is a code, or has one in `code`."""

    @property
    def amount(self) -> Any:
        """The amount, as a Decimal or another number."""

    @property
    def currency(self) -> Any:
        """The currency."""


def plain(value: Any, *, is_number: bool = False) -> Any:
    """*value* as a Python value: an enum member as its value, a number of another library as int or float.

    A missing value (NaN, `pandas.NaT`, `pandas.NA`) becomes None; for a field that *is_number* it becomes NaN, which no
    such field accepts. All other values are returned unchanged.
    """
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, (str, bool)):
        return value
    if is_missing(value):
        return nan if is_number else None
    if isinstance(value, float):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return _shortest_float(value)
    return _numpy_bool(value)


def is_missing(value: Any) -> bool:
    """Whether *value* is NaN, `pandas.NaT` or `pandas.NA`: the values that do not equal themselves."""
    differs: Any = False
    try:
        differs = value != value  # noqa: PLR0124
        return bool(differs)
    except Exception:  # noqa: BLE001 - the comparison of a foreign object may raise anything
        return differs is value  # pandas.NA returns itself from every comparison, and has no truth value


def money_parts(value: Any) -> tuple[Any, str] | None:
    """The amount of a money object and its currency code; None for any other value."""
    amount, currency = getattr(value, "amount", None), getattr(value, "currency", None)
    if amount is None or currency is None or callable(amount):
        return None
    code = currency if isinstance(currency, str) else getattr(currency, "code", None)
    return amount, code if isinstance(code, str) else str(currency)


def url_text(value: Any) -> Any:
    """The text of a URL object. All other values are returned unchanged."""
    if isinstance(value, str) or not isinstance(getattr(value, "scheme", None), str) or not hasattr(value, "path"):
        return value
    geturl = getattr(value, "geturl", None)
    return geturl() if callable(geturl) else str(value)


def _shortest_float(value: Real) -> float:
    # numpy.float32(10.9) is 10.899999618530273 as a float; its text has the digits that were meant.
    try:
        return float(str(value))
    except ValueError:
        return float(value)


def _numpy_bool(value: Any) -> Any:
    item = getattr(value, "item", None) if type(value).__module__ == "numpy" else None
    scalar = item() if callable(item) and getattr(value, "ndim", None) == 0 else None
    return scalar if isinstance(scalar, bool) else value
