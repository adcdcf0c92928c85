"""The stratified split: which samples of each class are for training and which for testing.

It draws exactly what scikit-learn's ``train_test_split`` draws: the paper's numbers are for that
split, but importing scikit-learn would take longer than training. The draws are those of NumPy's
RandomState, whose stream is frozen.
"""

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def stratified_split(y: Indices, n_test: int, seed: int) -> tuple[Indices, Indices]:
    """Return the training samples, (N − n_test,), and the test samples, (n_test,), shuffled.

    Parameters
    ----------
    y : (N,) int64
        Classes, 0 to n_classes - 1, each at least twice.
    n_test : int
        Samples held out, at least one per class.
    seed : int
        Seed of the draws.
    """
    rng = np.random.RandomState(seed)
    counts = np.bincount(y)
    n_train_of = _shares(counts, len(y) - n_test, rng)
    n_test_of = _shares(counts - n_train_of, n_test, rng)
    members = np.split(np.argsort(y, kind="stable"), np.cumsum(counts)[:-1])
    train, test = [], []
    for samples, first, second in zip(members, n_train_of, n_test_of, strict=True):
        shuffled = samples[rng.permutation(len(samples))]
        train.append(shuffled[:first])
        test.append(shuffled[first : first + second])
    return rng.permutation(np.concatenate(train)), rng.permutation(np.concatenate(test))


def _shares(counts: Indices, n_draws: int, rng: np.random.RandomState) -> Indices:
    """Return how many of n_draws each class gets: proportional, largest remainders rounded up.

    Among equal remainders, those that are rounded up are drawn.
    """
    exact = counts / counts.sum() * n_draws
    shares = np.floor(exact)
    remainders = exact - shares
    left = int(n_draws - shares.sum())
    for remainder in np.unique(remainders)[::-1]:
        if left == 0:
            break
        tied = np.flatnonzero(remainders == remainder)
        up = rng.choice(tied, size=min(len(tied), left), replace=False)
        shares[up] += 1
        left -= len(up)
    return np.asarray(shares, dtype=np.int64)
