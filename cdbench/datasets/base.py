"""A data set, its fingerprint and its split."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cdbench.datasets import limits
from cdbench.datasets.encoding import Texts, fitted_encoding, n_encoded
from cdbench.datasets.stratified import Indices, stratified_split
from cdbench.datasets.trainable import check_trainable
from cdbench.datasets.transforms import TRANSFORMS, all_finite, transformed
from cdbench.engine.products.base import Array
from cdbench.engine.samples import Samples
from cdbench.engine.split import Split
from cdbench.errors import DatasetError
from cdbench.records.guessing import guessing_level
from cdbench.records.published import TEST_SHARE
from cdbench.records.weights import Encoding, InputTransform

HASHED_AT_ONCE = 512
"""Rows that are converted at a time."""

Side = tuple[Array | Samples, NDArray[Any]]


@dataclass(frozen=True)
class Dataset:
    """Samples and their classes.

    Attributes
    ----------
    name : str
        Name or path, for messages.
    X : (N, n_features) float64 or a small integer type
        Finite features.
    y : (N,) int64
        Classes, 0 to n_classes - 1.
    classes : tuple of str
        Names of the classes in the source.
    X_test, y_test : (N_test, n_features) and (N_test,), optional
        The test split, if the source brings its own: X and y are then the training split of every
        seed.
    permute : int, optional
        Seed of a fixed permutation of the features; None leaves them as they are. It is in no
        fingerprint.
    texts : Texts
        Where columns of X hold text or blanks, as in a Table: for each column the texts that it may
        be. A split then has more features than X has columns.
    image : tuple of int, optional
        (height, width, channels) of images, whose features are ordered (channel, row, column).
    columns : tuple of str
        Names of the columns of X, where the source has them. They are in no fingerprint.

    Raises
    ------
    DatasetError
        If there is only one class, or a class or the whole set is too small for the split.
    """

    name: str
    X: NDArray[Any]
    y: NDArray[Any]
    classes: tuple[str, ...]
    X_test: NDArray[Any] | None = None
    y_test: NDArray[Any] | None = None
    permute: int | None = None
    texts: Texts = ()
    image: tuple[int, int, int] | None = None
    columns: tuple[str, ...] = ()

    task: ClassVar[str] = "classification"
    _hashed_as: ClassVar[str] = "<i8"

    def __post_init__(self) -> None:
        check_trainable(self)

    @property
    def n_features(self) -> int:
        """Number of features of a split: of columns of X, or of those encoded."""
        return n_encoded(self.texts) if self.texts else int(self.X.shape[1])

    @property
    def order(self) -> Indices | None:
        """The columns of X in the order of the features, (n_features,), if it is another."""
        if self.permute is None:
            return None
        return np.random.RandomState(self.permute).permutation(self.n_features)

    @property
    def n_classes(self) -> int:
        """Number of distinct classes."""
        return len(self.classes)

    @property
    def n_outputs(self) -> int:
        """Number of outputs of a network for it: its classes."""
        return self.n_classes

    @property
    def guessing_level(self) -> float:
        """Accuracy up to which a run is no better than always guessing the largest class."""
        counts = np.bincount(self.y)
        p, n = float(counts.max()) / len(self.y), ceil(TEST_SHARE * len(self.y))
        if self.y_test is not None:
            n = len(self.y_test)
            p = float(np.count_nonzero(self.y_test == counts.argmax())) / n
        return guessing_level(p, n)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the arrays as read, in 64 bits, with their shapes and the class names."""
        digest = hashlib.sha256()
        for array, dtype in (
            *((self.X, "<f8"), (self.y, self._hashed_as)),
            *((self.X_test, "<f8"), (self.y_test, self._hashed_as)),
        ):
            if array is not None:
                digest.update(str(array.shape).encode())
                for start in range(0, len(array), HASHED_AT_ONCE):
                    some = array[start : start + HASHED_AT_ONCE].astype(dtype, copy=False)
                    digest.update(np.ascontiguousarray(some).data)
        for names in (self.classes, *self.texts):
            digest.update("\0".join(names).encode())
        return digest.hexdigest()

    @property
    def is_large(self) -> bool:
        """Whether its samples are transformed as they are taken, and not kept transformed."""
        n_samples = len(self.y) + (0 if self.y_test is None else len(self.y_test))
        return not self.texts and 8 * n_samples * self.n_features > limits.LARGE

    def split(
        self,
        seed: int,
        dtype: str = "float64",
        transform: str = "scale",
        validation: float = 0.0,
    ) -> Split:
        """Return the stratified split of this seed: 80 % training, 20 % test (Sec. VI.1).

        If the source brings a test split, that is the split of every seed.

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
        encoding, ((train, y_train), *others) = self._encoded(self._sides(seed, validation))
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # checked below
            try:
                fitted = TRANSFORMS[transform](train)
            except np.linalg.LinAlgError:  # from values that are not finite
                raise self._not_finite(np.ones(self.n_features, bool), transform, dtype) from None
            sides = [transformed(X, fitted, dtype) for X in (train, *(X for X, _ in others))]
            if self.X.dtype.kind == "f" or not self.is_large:  # small integers stay finite
                lost = ~np.logical_and.reduce([all_finite(X) for X in sides])
                if lost.any():
                    raise self._not_finite(lost, transform, dtype)
        inputs = InputTransform(fitted, self.order, encoding)
        split = Split(sides[0], y_train, sides[1], others[0][1], inputs=inputs)
        if validation == 0:
            return split
        return replace(split, X_validation=sides[2], y_validation=others[1][1])

    def _sides(self, seed: int, validation: float) -> list[Side]:
        """Return the samples of a seed as they were read, with their classes.

        Those for training, for testing and, if any are held out, for validation.
        """
        if self.X_test is not None and self.y_test is not None:
            train, test = np.arange(len(self.y)), (self._rows(self.X_test), self.y_test)
        else:
            train, rows = self._drawn(ceil(TEST_SHARE * len(self.y)), seed)
            test = self._rows(self.X, rows), self.y[rows]
        train, held_out = self._held_out(train, validation, seed)
        sides = [(self._rows(self.X, train), self.y[train]), test]
        return [*sides, (self._rows(self.X, held_out), self.y[held_out])][: 3 if validation else 2]

    def _encoded(self, sides: list[Side]) -> tuple[Encoding | None, list[Side]]:
        """Return samples of text and blanks as numbers, and the features in their order.

        And what encoded them, if anything did.
        """
        if self.is_large:  # they have no text, and Samples know the order
            return None, sides
        arrays = [(np.asarray(X), y) for X, y in sides]
        encode = None
        if self.texts:
            encode = fitted_encoding(self.name, arrays[0][0], self.texts)
            arrays = [(encode(X), y) for X, y in arrays]
        order = self.order
        return encode, [(X if order is None else X.take(order, axis=1), y) for X, y in arrays]

    def _drawn(self, n_test: int, seed: int) -> tuple[Indices, Indices]:
        """Return the training and the test samples."""
        return stratified_split(self.y, n_test, seed)

    def _rows(self, X: NDArray[Any], rows: Indices | None = None) -> Array | Samples:
        if self.is_large:
            return Samples(X, rows, order=self.order)
        return (X if rows is None else X[rows]).astype(np.float64, copy=False)

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
        if self.order is not None:  # the user knows columns, not features in a drawn order
            lost = lost[np.argsort(self.order)]
        if self.texts:  # of a column's features to the column
            widths = [max(1, len(one)) for one in self.texts]
            lost = np.logical_or.reduceat(lost, np.cumsum([0, *widths[:-1]]))
        largest = np.nanmax(np.abs(self.X), axis=0)
        magnitude = np.abs(np.log2(largest, where=largest > 0, out=np.zeros_like(largest)))
        feature = int(np.where(lost, magnitude, -1).argmax())
        return DatasetError(
            f"{self.name}: feature {feature + 1}, whose largest value is {largest[feature]:.3g}, "
            f"is not finite after the input transform {transform} in {dtype}; rescale it, for "
            "example by dividing it by that value, or choose another --input"
        )
