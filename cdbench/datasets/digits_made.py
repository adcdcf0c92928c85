"""Harder sets made from the bundled digits, always the same ones.

Their draws are those of NumPy's RandomState, whose stream is frozen, with one seed for all of them;
a run's seed decides only the split. All keep the digits' scale, on which a pixel is 0 to 1.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from cdbench.datasets.base import Dataset
from cdbench.datasets.bundled import digits
from cdbench.datasets.stratified import stratified_split

NOISE = 0.6
"""Standard deviation of the noise on a pixel; pixels are 0 to 1."""

N_FEW = 200
"""Samples of ``digits-few``, about 20 a class."""

PAIR = (8, 8, 2)
"""Image of a pair: the two digits are its channels."""

_SEED = 0
"""Of all draws; the first one tried."""


@cache
def digits_noise() -> Dataset:
    """Return the digits with independent Gaussian noise on every pixel, (1797, 64), 10 classes.

    Nothing is clipped, so that the noise has the same deviation on every pixel. It is drawn once: a
    sample has the same noise in every run.
    """
    whole = digits()
    noise = np.random.RandomState(_SEED).normal(scale=NOISE, size=whole.X.shape)
    return Dataset("digits-noise", whole.X + noise, whole.y, whole.classes, image=whole.image)


@cache
def digits_few() -> Dataset:
    """Return 200 of the digits, in the same shares of the classes, (200, 64), 10 classes.

    A split has 160 training samples and 40 test samples.
    """
    whole = digits()
    _, chosen = stratified_split(whole.y, N_FEW, _SEED)
    return Dataset("digits-few", whole.X[chosen], whole.y[chosen], whole.classes, image=whole.image)


@cache
def digits_pairs() -> Dataset:
    """Return two digits side by side, (898, 128), 100 classes, named ``00`` to ``99``.

    Pairs are drawn at random, and each digit is in one pair only (one of the 1797 is left over).
    With more pairs than that a digit would be in several, some of them on the training and some on
    the test side of a split, and half of a test sample would then be known. A split has 718
    training pairs, 2 to 15 a class.
    """
    X, left, right = _pairs()
    classes = tuple(f"{number:02}" for number in range(100))
    return Dataset("digits-pairs", X, 10 * left + right, classes, image=PAIR)


@cache
def digits_sums() -> Dataset:
    """Return the pairs of ``digits-pairs``, the class being their sum modulo 10, (898, 128)."""
    X, left, right = _pairs()
    return Dataset("digits-sums", X, (left + right) % 10, digits().classes, image=PAIR)


def _pairs() -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs' pixels, (898, 128), and the digits on their left and right, (898,)."""
    whole = digits()
    order = np.random.RandomState(_SEED).permutation(len(whole.y))
    left, right = order[: len(order) // 2 * 2].reshape(-1, 2).T
    return np.hstack([whole.X[left], whole.X[right]]), whole.y[left], whole.y[right]
