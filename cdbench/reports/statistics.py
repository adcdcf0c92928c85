"""Statistics over seeds, printed as in the paper."""

from collections.abc import Callable, Iterable, Sequence
from math import isinf, isnan, nan

from cdbench.records.run import Scored
from cdbench.statistics.averages import deviation, mean
from cdbench.statistics.numerals import minus

LARGE_LOSS = 1e6
"""From here on a loss is printed with an exponent; 1e308 would have 309 digits."""


def format_count(count: int) -> str:
    """Return ``8,970`` for 8970."""
    return f"{count:,}"


def format_loss(losses: Sequence[float]) -> str:
    """Return mean ± standard deviation (ddof 0), rounded like losses in Table 1: 0.0011 ± 0.0001.

    A single seed has no deviation: then only the value is returned.
    """
    return _loss(mean(losses)) + (f" ± {_loss(deviation(losses))}" if len(losses) > 1 else "")


def _loss(loss: float) -> str:
    return f"{loss:.4f}" if abs(loss) < LARGE_LOSS else f"{loss:.1e}".replace("e+", "e")


def format_percent(shares: Sequence[float]) -> str:
    """Return mean ± standard deviation (ddof 0) of shares in percent: 98.15 % ± 0.47 %.

    A single seed has no deviation: then only the value is returned.
    """
    spread = f" ± {100 * deviation(shares):.2f} %" if len(shares) > 1 else ""
    return f"{100 * mean(shares):.2f} %{spread}"


def format_score(found: Sequence[Scored]) -> str:
    """Return accuracies in percent or, of a regression, R²: 0.9123 ± 0.0047.

    Mean ± standard deviation (ddof 0); a single seed has no deviation.
    """
    scores = [one.score for one in found]
    if found[0].test_r2 is None:
        return format_percent(scores)
    spread = f" ± {deviation(scores):.4f}" if len(scores) > 1 else ""
    return minus(f"{mean(scores):.4f}") + spread


def over_measured(
    statistic: Callable[[Sequence[float]], float], values: Iterable[float | None]
) -> float:
    """Return a statistic of the numbers that were measured; NaN if none was."""
    measured = [value for value in values if value is not None]
    return statistic(measured) if measured else nan


def format_kappa(kappa: float) -> str:
    """Return a condition number with two digits, as in Table 1: 5.9e6; ∞; – for none."""
    if isinf(kappa):
        return "∞"
    if isnan(kappa):
        return "–"
    mantissa, exponent = f"{kappa:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"
