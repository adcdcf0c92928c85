"""A data set, its fingerprint and its split."""

import hashlib
from dataclasses import dataclass, replace
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from cdbench.datasets.stratified import Indices, stratified_split
from cdbench.datasets.transforms import TRANSFORMS
from cdbench.engine.products.base import Array
from cdbench.engine.split import Split
from cdbench.errors import DatasetError

TEST_SHARE = 0.2
"""Share of the samples held out for the test split (Sec. VI.1: 360 of 1797)."""


MOST_NUMBERED_CLASSES = 20
"""Most numeric classes that are certainly classes; more may be measured quantities."""


@dataclass(frozen=True)
class Dataset:
    """Samples and their classes.

    Attributes
    ----------
    name : str
        Name or path, for messages.
    X : (N, n_features) float64
        Finite features.
    y : (N,) int64
        Classes, 0 to n_classes - 1.
    classes : tuple of str
        Names of the classes in the source.

    Raises
    ------
    DatasetError
        If there is only one class, or a class or the whole set is too small for the split.
    """

    name: str
    X: NDArray[np.float64]
    y: NDArray[np.int64]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.n_classes < 2:
            raise DatasetError(f"{self.name}: got only one class, expected at least 2")
        counts = np.bincount(self.y, minlength=self.n_classes)
        rarest = int(counts.argmin())
        if self._is_of_quantities(int(counts[rarest])):
            raise DatasetError(
                f"{self.name}: got {self.n_classes:,} different numbers as labels, such as "
                f"{self.classes[0]}; that is a quantity, but cdbench trains classifiers; expected "
                "classes (group the numbers, or name another column with --label-column)"
            )
        if counts[rarest] < 2:
            raise DatasetError(
                f"{self.name}: class {self.classes[rarest]!r} has {counts[rarest]} row, expected "
                "at least 2 of each class, one for each side of the split"
            )
        n_test = ceil(TEST_SHARE * len(self.y))
        if n_test < self.n_classes:
            needed = ceil(self.n_classes / TEST_SHARE) - round(1 / TEST_SHARE) + 1
            raise DatasetError(
                f"{self.name}: got {len(self.y)} rows, expected at least {needed}: the test split "
                f"({TEST_SHARE:.0%}) needs one of each of the {self.n_classes} classes"
            )

    def _is_of_quantities(self, fewest: int) -> bool:
        """Whether the labels suit a regression: many numbers, with fractions or seen only once."""
        if self.n_classes <= MOST_NUMBERED_CLASSES:
            return False
        try:
            numbers = [float(name) for name in self.classes]
        except ValueError:
            return False
        return fewest < 2 or not all(number.is_integer() for number in numbers)

    @property
    def n_features(self) -> int:
        """Number of columns of X."""
        return int(self.X.shape[1])

    @property
    def n_classes(self) -> int:
        """Number of distinct classes."""
        return len(self.classes)

    @property
    def guessing_level(self) -> float:
        """Accuracy, 0 to 1, up to which a run is no better than always guessing the largest class.

        The share p of that class plus two standard errors √(p (1 − p) / n) for a test split of n.
        """
        p = float(np.bincount(self.y).max()) / len(self.y)
        n = ceil(TEST_SHARE * len(self.y))
        return p + 2 * sqrt(p * (1 - p) / n)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the arrays as read, with their shapes and the class names."""
        digest = hashlib.sha256()
        for array in (self.X.astype("<f8", copy=False), self.y.astype("<i8", copy=False)):
            digest.update(str(array.shape).encode())
            digest.update(np.ascontiguousarray(array).data)
        digest.update("\0".join(self.classes).encode())
        return digest.hexdigest()

    def split(
        self,
        seed: int,
        dtype: str = "float64",
        transform: str = "scale",
        validation: float = 0.0,
    ) -> Split:
        """Return the stratified split of this seed: 80 % training, 20 % test (Sec. VI.1).

        Parameters
        ----------
        seed : int
            Seed of the split.
        dtype : str, optional
            Type to which the samples are rounded after the transform.
        transform : str, optional
            Name of the input transform, fitted on the training samples.
        validation : float, optional
            Share of the training samples that are held out, stratified and by the same seed.

        Returns
        -------
        Split

        Raises
        ------
        DatasetError
            If transformed values are out of the range of float64 or of ``dtype``, or too few
            samples would be held out, or left, for each class to have one.
        """
        train, test = stratified_split(self.y, ceil(TEST_SHARE * len(self.y)), seed)
        train, held_out = self._held_out(train, validation, seed)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # checked below
            try:
                fitted = TRANSFORMS[transform](self.X[train])
            except np.linalg.LinAlgError:  # from values that are not finite
                raise self._not_finite(np.ones(self.n_features, bool), transform, dtype) from None
            sides = [fitted(self.X[side]).astype(dtype) for side in (train, test, held_out)]
        lost = ~np.logical_and.reduce([np.isfinite(X).all(axis=0) for X in sides])
        if lost.any():
            raise self._not_finite(lost, transform, dtype)
        X_train, X_test, X_held_out = sides
        split = Split(X_train, self.y[train], X_test, self.y[test])
        if validation == 0:
            return split
        return replace(split, X_validation=X_held_out, y_validation=self.y[held_out])

    def _held_out(self, train: Indices, share: float, seed: int) -> tuple[Indices, Indices]:
        """Return the training samples without those held out for validation, and these."""
        if share == 0:
            return train, train[:0]
        n = ceil(share * len(train))
        labels = self.y[train]
        fewest = int(np.bincount(labels, minlength=self.n_classes).min())
        if min(n, len(train) - n) < self.n_classes or fewest < 2:
            raise DatasetError(
                f"{self.name}: validation = {share:g} holds out {n} of {len(train)} training "
                f"samples; expected at least one of each of the {self.n_classes} classes held out, "
                "and one left"
            )
        left, held_out = stratified_split(labels, n, seed)
        return train[left], train[held_out]

    def _not_finite(self, lost: NDArray[np.bool_], transform: str, dtype: str) -> DatasetError:
        """Return the error that names the most extreme of the lost features."""
        largest = np.abs(self.X).max(axis=0)
        magnitude = np.abs(np.log2(largest, where=largest > 0, out=np.zeros_like(largest)))
        feature = int(np.where(lost, magnitude, -1).argmax())
        return DatasetError(
            f"{self.name}: feature {feature + 1}, whose largest value is {largest[feature]:.3g}, "
            f"is not finite after the input transform {transform} in {dtype}; rescale it, for "
            "example by dividing it by that value, or choose another --input"
        )


def dataset_from_arrays(name: str, X: Array, labels: NDArray[np.generic]) -> Dataset:
    """Build a user's data set from checked arrays.

    Parameters
    ----------
    name : str
        Its path.
    X : (N, n_features) real
        Features.
    labels : (N,)
        Anything that can be sorted: integers or text.

    Returns
    -------
    Dataset

    Raises
    ------
    DatasetError
        If a feature is not finite, or a label is not valid text.
    """
    X = np.asarray(X, dtype=np.float64)
    finite = np.isfinite(X)
    if not finite.all():
        row, column = np.unravel_index(int(finite.argmin()), finite.shape)
        raise DatasetError(
            f"{name}: sample {row + 1}, feature {column + 1} is {X[row, column]}, expected a "
            "finite number; drop or fill such rows first"
        )
    names, y = np.unique(labels, return_inverse=True)
    try:
        classes = tuple(str(label) for label in names)
        "".join(classes).encode()
    except (ValueError, SystemError) as error:  # NumPy stores any four bytes per letter
        raise DatasetError(f"{name}: a label in y is not text ({error})") from None
    return Dataset(name, X, y.astype(np.int64), classes)
