"""Whether there are enough samples of each class to train and test on."""

from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdbench.errors import DatasetError
from cdbench.records.published import TEST_SHARE

MOST_NUMBERED_CLASSES = 20
"""Most numeric classes that are certainly classes; more may be measured quantities."""


def check_trainable(data: Any) -> None:
    """Raise DatasetError if a Dataset has too few classes, or samples, or brings no good test."""
    n_classes = len(data.classes)
    if n_classes < 2:
        raise DatasetError(f"{data.name}: got only one class, expected at least 2")
    counts = np.bincount(data.y, minlength=n_classes)
    rarest = int(counts.argmin())
    if _is_of_quantities(data.classes, int(counts[rarest])):
        raise DatasetError(
            f"{data.name}: got {n_classes:,} different numbers as labels, such as "
            f"{data.classes[0]}; that is a quantity; expected --task regression, or classes (group "
            "the numbers, or name another column with --label-column)"
        )
    if data.y_test is not None:
        _check_given_test(data, counts)
        return
    if counts[rarest] < 2:
        raise DatasetError(
            f"{data.name}: class {data.classes[rarest]!r} has {counts[rarest]} row, expected "
            "at least 2 of each class, one for each side of the split"
        )
    n_test = ceil(TEST_SHARE * len(data.y))
    if n_test < n_classes:
        needed = ceil(n_classes / TEST_SHARE) - round(1 / TEST_SHARE) + 1
        raise DatasetError(
            f"{data.name}: got {len(data.y)} rows, expected at least {needed}: the test split "
            f"({TEST_SHARE:.0%}) needs one of each of the {n_classes} classes"
        )


def _check_given_test(data: Any, counts: NDArray[np.int64]) -> None:
    n_features = data.X.shape[1]  # columns, where they are encoded
    if data.X_test.shape != (len(data.y_test), n_features) or not len(data.y_test):
        raise DatasetError(
            f"{data.name}: got test samples {data.X_test.shape}, expected at least one, of "
            f"{n_features} features as the training samples"
        )
    if not counts.all():
        raise DatasetError(
            f"{data.name}: class {data.classes[int(counts.argmin())]!r} has no training samples, "
            "expected some of each"
        )


def _is_of_quantities(classes: tuple[str, ...], fewest: int) -> bool:
    """Whether the labels suit a regression: many numbers, with fractions or seen only once."""
    if len(classes) <= MOST_NUMBERED_CLASSES:
        return False
    try:
        numbers = [float(name) for name in classes]
    except ValueError:
        return False
    return fewest < 2 or not all(number.is_integer() for number in numbers)
