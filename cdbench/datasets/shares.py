"""What a user's file turned out to hold, in a line each."""

import numpy as np

from cdbench.datasets.base import Dataset
from cdbench.datasets.cells import is_number

SHOWN = 10
"""Most classes that are named; for more, it says how many there are."""

MANY = 10
"""Least different numbers among a column's texts that look like a quantity, not like names."""


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


def doubtful(data: Dataset) -> list[str]:
    """Return a line for each encoded column that is of numbers, most of its texts, and words.

    One word for a blank, such as NA, makes a feature of each number of its column.

    Examples
    --------
    >>> mass = tuple(sorted(["NA", *map(str, range(3400, 3420))]))
    >>> data = Dataset("mine.csv", np.ones((8, 1)), np.repeat([0, 1], 4), ("no", "yes"),
    ...                texts=(mass,), columns=("mass",))
    >>> doubtful(data)[0].partition(";")[0]
    "mine.csv: column 'mass' has 'NA' among its numbers, so each of its 21 texts is a feature"
    """
    found = []
    for place, texts in enumerate(data.texts):
        words = [text for text in texts if not is_number(text)]
        if words and len(texts) - len(words) >= max(MANY, len(words)):
            name = repr(data.columns[place]) if data.columns else str(place + 1)
            found.append(
                f"{data.name}: column {name} has {words[0]!r} among its numbers, so each of its "
                f"{len(texts):,} texts is a feature; where that stands for a blank, leave those "
                "cells empty"
            )
    return found
