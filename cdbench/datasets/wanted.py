"""The features that a trained network takes, and where a user's file has them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from cdbench.datasets.encoding import Texts
from cdbench.errors import DatasetError

NAMED = 10
"""Most columns that an error names; for more, it says how many there are."""


class Features(NamedTuple):
    """What was read of a file to be predicted from.

    Attributes
    ----------
    X : (N, n_columns) float64 or a small integer type
        The features, in the order in which the network was given them; of a text its place.
    labels : tuple of str or None
        Those of the samples, (N,), if the file has them.
    unused : tuple of str
        Names of columns that were not taken.
    """

    X: NDArray[Any]
    labels: tuple[str, ...] | None
    unused: tuple[str, ...]


class Places(NamedTuple):
    """In which columns of a file the features are, and the label, if it is there."""

    features: list[int]
    label: int | None
    unused: tuple[str, ...]


class Wanted(NamedTuple):
    """What a network was trained on.

    Attributes
    ----------
    n_columns : int
        Number of raw features.
    names : tuple of str
        Their names, or none.
    texts : Texts
        For each the texts that it may be; empty if all are numbers and none may be blank.
    image : tuple of int or None
        (height, width, channels) of images.
    label_column : str or None
        Name or number of the label column in training; None was the last.
    """

    n_columns: int
    names: tuple[str, ...] = ()
    texts: Texts = ()
    image: tuple[int, int, int] | None = None
    label_column: str | None = None

    def places(self, path: Path, names: Sequence[str] | None, width: int) -> Places:
        """Return where a file of so many columns, perhaps with names, has the features.

        By name where both have names, in any order, beside whatever else there is; else by
        position: the features alone, or with a label.

        Raises
        ------
        DatasetError
            If features are missing, or columns without names are not as many as they must be.
        """
        if names is not None and self.names:
            return self._named(path, names)
        label = None
        if width == self.n_columns + 1:
            label = self._label(names, width)
        elif width != self.n_columns:
            raise DatasetError(
                f"{path}: has {width} columns, expected the {self.n_columns} features that the "
                "network was trained on, with or without a label"
            )
        return Places([i for i in range(width) if i != label], label, ())

    def _label(self, names: Sequence[str] | None, width: int) -> int:
        if self.label_column is not None:
            if names is not None and self.label_column in names:
                return names.index(self.label_column)
            if self.label_column.isascii() and self.label_column.isdigit():
                return min(int(self.label_column), width) - 1
        return width - 1

    def _named(self, path: Path, names: Sequence[str]) -> Places:
        missing = [name for name in self.names if name not in names]
        if missing:
            raise DatasetError(
                f"{path}: lacks {_listed(missing)}, expected the columns {_listed(self.names)}, in "
                "any order"
            )
        features = [names.index(name) for name in self.names]
        others = [place for place in range(len(names)) if place not in set(features)]
        label = None
        if self.label_column in names:
            label = names.index(self.label_column)
        elif self.label_column is None and others and others[-1] == len(names) - 1:
            label = others[-1]
        unused = tuple(names[place] for place in others if place != label)
        return Places(features, label, unused)


def _listed(names: Sequence[str]) -> str:
    some = ", ".join(map(repr, names[:NAMED]))
    return f"{some} and {len(names) - NAMED:,} more" if len(names) > NAMED else some
