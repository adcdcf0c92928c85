"""Human-readable numbers: three significant digits, one style per cell, a true minus sign."""

from collections.abc import Iterable
from math import isfinite, isinf, isnan

PLAIN_FROM, PLAIN_BELOW = 1e-3, 1e5
"""Magnitudes that are written without an exponent."""


def format_number(number: float) -> str:
    """Return three significant digits, with an exponent if far from 1: 0.0123, −12.3, 3.80e6; ∞."""
    return format_together([number])[0]


def format_together(numbers: Iterable[float]) -> list[str]:
    """Return the numbers of one cell in one style: all with an exponent if one needs it.

    Examples
    --------
    >>> format_together([-0.0106, -4.83e-4]), format_together([0, 1234.5, 0.5])
    (['−1.06e-2', '−4.83e-4'], ['0', '1,234', '0.5'])
    """
    numbers = list(numbers)
    exponents = any(isfinite(x) and x and not PLAIN_FROM <= abs(x) < PLAIN_BELOW for x in numbers)
    return [_format(number, exponents) for number in numbers]


def format_range(low: float, high: float) -> str:
    """Return both ends of an interval: ``1.75 … 1.91``."""
    return " … ".join(format_together([low, high]))


def format_points(shares: Iterable[float], *, signed: bool = True) -> list[str]:
    """Return differences of shares in percentage points, with two decimals: ``−0.65``, ``+0.04``.

    Examples
    --------
    >>> format_points([-0.0065, 0.0004])
    ['−0.65', '+0.04']
    """
    return [minus(f"{100 * share:{'+' if signed else ''}.2f}") for share in shares]


def two_digits(ratio: float) -> str:
    """Return a ratio with two significant digits, which are all that a median of κ has.

    Examples
    --------
    >>> two_digits(0.00922), two_digits(23.7), two_digits(12431.0), two_digits(2.34e-7)
    ('0.0092', '24', '12,000', '2.3e-7')
    """
    if isnan(ratio):
        return "–"
    if isinf(ratio):
        return "∞"
    mantissa, exponent = f"{ratio:.1e}".split("e")
    power = int(exponent)
    if ratio == 0 or not -4 <= power < 6:
        return "0" if ratio == 0 else f"{mantissa}e{power}"
    return f"{float(f'{ratio:.1e}'):,.{max(1 - power, 0)}f}"


def minus(text: str) -> str:
    """Return the text with a true minus sign for a negative number; exponents keep a hyphen."""
    return f"−{text[1:]}" if text.startswith("-") else text


def _format(number: float, exponent: bool) -> str:
    if isinf(number):
        return "∞" if number > 0 else "−∞"
    if exponent and number:
        mantissa, power = f"{number:.2e}".split("e")
        return minus(f"{mantissa}e{int(power)}")
    return minus(f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}")
