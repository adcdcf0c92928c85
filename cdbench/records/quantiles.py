"""Which numbers are kept of a spectrum that is too large to be kept in full."""

from collections.abc import Sequence

MOST_VALUES = 4096
"""Largest spectrum that is kept in full: as many numbers as a 64 × 64 layer has entries."""

N_QUANTILES = 1025
"""Numbers kept of a larger spectrum; a wide layer would otherwise store megabytes per kind."""


def kept_ranks(n_numbers: int) -> tuple[int, ...]:
    """Return the ranks of the quantiles that are kept: equally spaced, from 1 to the last.

    Examples
    --------
    >>> kept_ranks(4097)[:3], kept_ranks(4097)[-1]
    ((1, 5, 9), 4097)
    """
    step = (n_numbers - 1) / (N_QUANTILES - 1)
    return tuple(1 + round(step * i) for i in range(N_QUANTILES))


def ranked(values: Sequence[float], n_numbers: int | None) -> list[tuple[int, float]]:
    """Return the values kept of a spectrum with their ranks; quantiles if old versions kept more.

    Parameters
    ----------
    values : sequence of float
        The numbers that are kept, largest first.
    n_numbers : int or None
        How many there were; None if these are all.
    """
    if n_numbers is None and len(values) > MOST_VALUES:
        return [(rank, values[rank - 1]) for rank in kept_ranks(len(values))]
    ranks = kept_ranks(n_numbers) if n_numbers else range(1, len(values) + 1)
    return list(zip(ranks, values, strict=True))
