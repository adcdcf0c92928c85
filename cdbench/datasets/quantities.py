"""A data set whose target is a quantity, for regression."""

from dataclasses import dataclass, replace
from math import ceil
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from cdbench.datasets.base import Dataset
from cdbench.datasets.stratified import Indices
from cdbench.engine.products.base import Array
from cdbench.engine.split import Split
from cdbench.errors import DatasetError
from cdbench.records.published import TEST_SHARE

FEWEST = 6
"""Fewest samples: two are in the test split, as R² needs."""


@dataclass(frozen=True)
class Quantities(Dataset):
    """Samples and a numeric target; the network has one output.

    Attributes
    ----------
    name : str
        Name or path, for messages.
    X : (N, n_features) float64 or a small integer type
        Finite features.
    y : (N,) float64
        Finite targets, in a unit of their own.
    classes : tuple
        Empty.

    Raises
    ------
    DatasetError
        If there are too few samples, or all targets are equal.
    """

    y: NDArray[np.float64]
    classes: tuple[str, ...] = ()

    task: ClassVar[str] = "regression"
    _hashed_as: ClassVar[str] = "<f8"

    def __post_init__(self) -> None:
        if len(self.y) < FEWEST:
            raise DatasetError(
                f"{self.name}: got {len(self.y)} rows, expected at least {FEWEST}: the test split "
                f"({TEST_SHARE:.0%}) needs two"
            )
        if self.y.min() == self.y.max():
            raise DatasetError(
                f"{self.name}: the target is {self.y[0]:g} in every row, expected a quantity that "
                "varies"
            )

    @property
    def n_outputs(self) -> int:
        """One."""
        return 1

    @property
    def guessing_level(self) -> float:
        """R² up to which a run is no better than always guessing the mean: 0."""
        return 0.0

    def split(
        self,
        seed: int,
        dtype: str = "float64",
        transform: str = "scale",
        validation: float = 0.0,
    ) -> Split:
        """Return the random split of this seed: 80 % training, 20 % test.

        Targets are standardised by the mean and the deviation of the training split.

        Parameters
        ----------
        seed : int
            Seed of the split.
        dtype : str, optional
            Type to which samples and targets are rounded.
        transform : str, optional
            Name of the input transform, fitted on the training samples.
        validation : float, optional
            Share of the training samples that are held out, by the same seed.

        Raises
        ------
        DatasetError
            If transformed values are out of range, too few samples would be held out or left, or
            the targets of a side do not vary, within rounding.
        """
        split = super().split(seed, dtype, transform, validation)
        with np.errstate(all="ignore"):  # checked below
            mean, deviation = split.y_train.mean(), split.y_train.std()
            unit = float(deviation**2)

            def standardized(y: Array) -> Array:
                standard: Array = ((y - mean) / deviation).astype(dtype)
                return standard

            train, test = standardized(split.y_train), standardized(split.y_test)
            spreads = {"training": unit, "test": float(np.var(test, dtype=np.float64))}
        for side, spread in spreads.items():
            if not 0 < spread < np.inf:
                raise DatasetError(
                    f"{self.name}: the targets of the {side} split of seed {seed} have the "
                    f"variance {spread:g}, expected a positive number; choose another seed, or "
                    "rescale them"
                )
        held_out = None if split.y_validation is None else standardized(split.y_validation)
        split = replace(split, unit=unit, mean=float(mean), deviation=float(deviation))
        return replace(split, y_train=train, y_test=test, y_validation=held_out)

    def _drawn(self, n_test: int, seed: int) -> tuple[Indices, Indices]:
        """Return the training and the test samples."""
        return random_split(len(self.y), n_test, seed)

    def _held_out(self, train: Indices, share: float, seed: int) -> tuple[Indices, Indices]:
        """Return the training samples without those held out for validation, and these."""
        if share == 0:
            return train, train[:0]
        n = ceil(share * len(train))
        if len(train) - n < 2:
            raise DatasetError(
                f"{self.name}: validation = {share:g} holds out {n} of {len(train)} training "
                "samples; expected at least two left"
            )
        left, held_out = random_split(len(train), n, seed)
        return train[left], train[held_out]


def random_split(N: int, n_test: int, seed: int) -> tuple[Indices, Indices]:
    """Return the training samples, (N − n_test,), and the test samples, (n_test,), shuffled.

    It draws what scikit-learn's ``train_test_split`` draws without stratifying, from the frozen
    stream of NumPy's RandomState.
    """
    order = np.random.RandomState(seed).permutation(N)
    return order[n_test:], order[:n_test]
