"""Convert money from minor units (cents) to the decimal amount that TikTok takes."""

from decimal import Decimal

from tiktok_events._spec.currencies import MINOR_UNITS


def from_minor_units(amount: int, currency: str) -> Decimal:
    """Convert *amount* minor units (cents, pence), in which payment providers state money, to a decimal amount.

    `from_minor_units(4600, "eur")` is 46.00; `from_minor_units(4600, "jpy")` is 4600, because the yen has no minor
    unit. The number of decimals is that of ISO 4217; a currency that is not in its list of exceptions has two.

    Raises:
        TypeError: If *amount* is not an int, or *currency* not a str.
        ValueError: If *currency* is not a three-letter code.
    """
    if not isinstance(amount, int) or isinstance(amount, bool):
        raise TypeError(f"amount must be an int of minor units, not {type(amount).__name__}")
    if not isinstance(currency, str):
        raise TypeError(f"currency must be str, not {type(currency).__name__}")
    code = currency.strip().upper()
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        raise ValueError("currency must be a three-letter ISO 4217 code")
    return Decimal(amount).scaleb(-MINOR_UNITS.get(code, 2))
