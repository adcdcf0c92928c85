"""How a user's samples are spread over their classes, or their targets, in one line."""

import numpy as np

from cdbench.datasets.base import Dataset

SHOWN = 10
"""Most classes that are named; for more, it says how many there are."""


def shares(data: Dataset) -> str:
    """Return the number and share of the samples of each class, the most frequent first.

    Of a quantity, its range, mean and deviation (ddof 0).

    Examples
    --------
    >>> y = np.repeat([0, 1], [6, 18])
    >>> shares(Dataset("mine.csv", np.ones((24, 3)), y, ("no", "yes")))
    'mine.csv: 24 samples of 3 features; yes 18 (75.0 %), no 6 (25.0 %)'
    """
    test = "" if data.y_test is None else f", tested on {len(data.y_test):,} others"
    samples = f"{len(data.y):,} samples of {data.n_features:,} features{test}"
    if not data.classes:
        y = data.y
        spread = f"{y.min():.6g} to {y.max():.6g}, mean {y.mean():.6g}, deviation {y.std():.6g}"
        return f"{data.name}: {samples}; target {spread}"
    counts = np.bincount(data.y, minlength=data.n_classes)
    order = np.argsort(-counts, kind="stable")
    words = [
        f"{data.classes[k]} {counts[k]:,} ({100 * counts[k] / len(data.y):.1f} %)"
        for k in order[:SHOWN]
    ]
    if data.n_classes > SHOWN:
        words.append(f"and {data.n_classes - SHOWN:,} classes more")
    return f"{data.name}: {samples}; {', '.join(words)}"
