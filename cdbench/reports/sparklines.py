"""Numbers as a line of small bars, one character each: ▁▂▃▄▅▆▇█."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isclose, isfinite, log

BARS = "▁▂▃▄▅▆▇█"
PLAIN_BARS = "_.,-~+*#"
"""The same where the output's encoding has no bars."""

MOST = 28
"""Characters of the longest line: with three numbers beside it fits 80 columns."""

STEEP = 10
"""Ratio of the largest number to the smallest from which on the heights are logarithmic."""

LEVEL = 1e-9
"""Relative difference of the smallest and largest number up to which a line is level."""

ENDLESS = "!"
"""In place of a number that is not finite."""


@dataclass(frozen=True)
class Scale:
    """What the lowest and the highest bar stand for.

    Attributes
    ----------
    low, high : float
        The smallest and the largest number.
    is_log : bool
        Whether heights go by the logarithm.
    """

    low: float
    high: float
    is_log: bool

    def height(self, number: float) -> float:
        """Return how high a finite number is, from 0 to 1; one half if all are the same."""
        if self.low == self.high:
            return 0.5
        if self.is_log:
            return log(number / self.low) / log(self.high / self.low)
        # Halves, since the difference of two large numbers may not be finite.
        return (number / 2 - self.low / 2) / (self.high / 2 - self.low / 2)


def scale_of(numbers: Iterable[float]) -> Scale:
    """Return the scale on which all of the numbers can be shown."""
    finite = [number for number in numbers if isfinite(number)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    if isclose(low, high, rel_tol=LEVEL):
        low = high
    # A ratio that is not finite is no basis for heights.
    return Scale(low, high, low > 0 and STEEP <= high / low < float("inf"))


def sparkline(
    numbers: Sequence[float], scale: Scale | None = None, *, plain: bool = False, most: int = MOST
) -> str:
    """Return the numbers as bars.

    Parameters
    ----------
    numbers : sequence of float
        In order.
    scale : Scale, optional
        What they are measured by, for several lines of one scale; by default their own.
    plain : bool, optional
        Whether to use ASCII only.
    most : int, optional
        Most bars; of more numbers equally spaced ones are shown, the first and the last among them.

    Examples
    --------
    >>> sparkline([3, 1, 2, 5]), sparkline([0.1, 1, 10], plain=True)
    ('▅▁▃█', '_~#')
    """
    scale = scale or scale_of(numbers)
    bars = PLAIN_BARS if plain else BARS
    return "".join(
        bars[round(scale.height(number) * (len(bars) - 1))] if isfinite(number) else ENDLESS
        for number in thinned(numbers, most)
    )


def thinned(numbers: Sequence[float], most: int = MOST) -> Sequence[float]:
    """Return at most so many of the numbers, equally spaced, with the first and the last."""
    if len(numbers) <= most:
        return numbers
    step = (len(numbers) - 1) / (most - 1)
    return [numbers[round(place * step)] for place in range(most)]
