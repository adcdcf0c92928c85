"""What a user's file holds, before it becomes a data set: features, labels and their names."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdbench.datasets.base import Dataset
from cdbench.datasets.encoding import Texts
from cdbench.datasets.quantities import Quantities
from cdbench.engine.products.base import Array
from cdbench.errors import DatasetError

ENCODE = "to encode text and fill blanks: --encode one-hot"
"""Hint of an error for a cell that is no number."""

MOST_TEXTS = 1000
"""Most different texts of a column that is encoded; each becomes a feature."""


@dataclass(frozen=True)
class Table:
    """Samples of one file.

    Attributes
    ----------
    name : str
        Its path.
    X : (N, n_columns) float64 or a small integer type
        Numbers, or the place in ``texts`` of a text; −1 for one that is not there, NaN for a blank.
    y : (N,) int64
        Classes, as places in ``classes``.
    classes : tuple of str
        Sorted labels, or those of numbers in the order of numbers.
    columns : tuple of str or None
        Names of the columns of X, if the file has them.
    texts : Texts
        Empty if all columns are numbers and nothing is blank.
    image : tuple of int, optional
        (height, width, channels) of samples that are images, as in a Dataset.
    """

    name: str
    X: NDArray[Any]
    y: NDArray[np.int64]
    classes: tuple[str, ...]
    columns: tuple[str, ...] | None = None
    texts: Texts = ()
    image: tuple[int, int, int] | None = None

    def dataset(self, test: "Table | None" = None) -> Dataset:
        """Return the data set, with another file as its test split.

        Raises
        ------
        DatasetError
            If the samples cannot be trained on, or the other file has other columns or a label
            that this one lacks.
        """
        if test is None:
            own = (self.X, self.y, self.classes)
            return Dataset(self.name, *own, texts=self.texts, **self._described)
        self._check_columns(test)
        place = {label: i for i, label in enumerate(self.classes)}
        for label in test.classes:
            if label not in place:
                some = ", ".join(self.classes[:10]) + " …" * (len(self.classes) > 10)
                raise DatasetError(
                    f"{test.name}: label {label!r} is none of {self.name}, expected {some}"
                )
        order = np.array([place[label] for label in test.classes])
        # A blank only in the test file: then both have columns of which some are to be filled.
        texts = self.texts or test.texts
        own = (self.X, self.y, self.classes)
        held_out = (test.X, order[test.y])
        return Dataset(self.name, *own, *held_out, texts=texts, **self._described)

    @property
    def _described(self) -> dict[str, Any]:
        return {"image": self.image, "columns": self.columns or ()}

    def quantities(self, test: "Table | None" = None) -> Quantities:
        """Return the data set whose targets are the labels' numbers, tested on another file.

        Raises
        ------
        DatasetError
            If a label is no finite number, the samples cannot be trained on, or the other file has
            other columns.
        """
        if test is None:
            y = self._targets()
            return Quantities(self.name, self.X, y, texts=self.texts, **self._described)
        self._check_columns(test)
        y, y_test = self._targets(), test._targets()
        texts = self.texts or test.texts
        own: dict[str, Any] = {"X_test": test.X, "y_test": y_test} | self._described
        return Quantities(self.name, self.X, y, texts=texts, **own)

    def _targets(self) -> Array:
        """Return the numbers that the labels of the samples are, (N,)."""
        values = np.array([_number(label) for label in self.classes])
        wrong = ~np.isfinite(values)[self.y]
        if wrong.any():
            sample = int(wrong.argmax())
            raise DatasetError(
                f"{self.name}: the target of sample {sample + 1} is "
                f"{self.classes[self.y[sample]]!r}, expected a finite number in every row, or "
                "--task classification for classes"
            )
        targets: Array = values[self.y]
        return targets

    def _check_columns(self, test: "Table") -> None:
        if self.image != test.image:
            found, wanted = (words(one.image) for one in (test, self))
            raise DatasetError(f"{test.name}: got {found}, expected {wanted} as in {self.name}")
        own, others = self.X.shape[1], test.X.shape[1]
        if own != others:
            raise DatasetError(
                f"{test.name}: got {others} features, expected {own} as in {self.name}"
            )
        for number, pair in enumerate(zip(self.columns or (), test.columns or (), strict=False), 1):
            if pair[0] != pair[1]:
                raise DatasetError(
                    f"{test.name}: feature {number} is called {pair[1]!r}, expected {pair[0]!r} as "
                    f"in {self.name}"
                )


def words(image: tuple[int, int, int] | None) -> str:
    """Return what samples are, in words: ``images of 28 × 28 × 1``, or rows of a table."""
    return "rows of a table" if image is None else f"images of {' × '.join(map(str, image))}"


def _number(label: str) -> float:
    """Return the label as a number, or NaN if it is not one."""
    try:
        return float(label)
    except ValueError:
        return np.nan


def of_blanks(X: NDArray[Any]) -> Texts:
    """Return the texts of columns of numbers: none, or nothing at all if none of them is blank."""
    return ((),) * X.shape[1] if X.dtype.kind == "f" and np.isnan(X).any() else ()
