"""How well guessing does: what a run has to be better than."""

from math import sqrt


def guessing_level(share: float, n: int) -> float:
    """Return the accuracy up to which a run is no better than always guessing the same class.

    That is the share p of this class plus two standard errors √(p (1 − p) / n).

    Parameters
    ----------
    share : float
        The largest class's share of the test split, 0 to 1.
    n : int
        Samples of the test split.

    Examples
    --------
    >>> guessing_level(0.5, 100)
    0.6
    """
    return share + 2 * sqrt(share * (1 - share) / n)
