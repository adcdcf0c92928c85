"""What a trained network is made of, as plain values: its parameters, and what feeds them."""

import hashlib
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Affine:
    """An input transform, fitted on the training split: ``(x / divisor − shift) / scale @ matrix``.

    What is None is left out, in this order: ``scale`` is a divisor, ``center`` a divisor and a
    shift, ``standardize`` a shift and a scale, ``whiten`` these and a matrix, ``none`` nothing.

    Attributes
    ----------
    divisor : float, optional
        One number for all features.
    shift, scale : (n_features,) float64, optional
        What is subtracted, and then divided by.
    matrix : (n_features, n_features) float64, optional
        What rows are multiplied by last.
    """

    divisor: float | None = None
    shift: Array | None = None
    scale: Array | None = None
    matrix: Array | None = None

    def __call__(self, X: Array, out: Array | None = None) -> Array:
        """Return the transform of samples (N, n_features) float64, written into ``out`` if given.

        ``out`` may be X itself, which is otherwise not changed.
        """
        if self.divisor is None and self.shift is None:
            return np.positive(X, out=out)
        into = None if self.matrix is not None else out
        done = X
        if self.divisor is not None:
            done = np.divide(done, self.divisor, out=into)
        if self.shift is not None:
            done = np.subtract(done, self.shift, out=into)
        if self.scale is not None:
            done = np.divide(done, self.scale, out=into)
        if self.matrix is not None:
            done = np.matmul(done, self.matrix, out=out)
        return done


@dataclass(frozen=True, eq=False)
class Encoding:
    """Text as one-hot columns, and blanks filled, as fitted on the training split.

    Attributes
    ----------
    texts : tuple of tuple of str
        For each raw column the texts that it may be, sorted; none for one of numbers.
    fills : (n_columns,) float64
        What a blank becomes: a number, or the place in ``texts`` of a text.
    unseen : (n_encoded,) bool
        One-hot columns that no training sample has; they are always 0.
    """

    texts: tuple[tuple[str, ...], ...]
    fills: Array
    unseen: NDArray[np.bool_]

    def __call__(self, X: Array) -> Array:
        """Return columns as they were read, (N, n_columns), as numbers (N, n_encoded).

        Texts are places in ``texts``, −1 for one that is not there, and blanks NaN.
        """
        filled = np.where(np.isnan(X), self.fills, X)
        parts = [
            column[:, None] == np.arange(len(own)) if own else column[:, None]
            for column, own in zip(filled.T, self.texts, strict=True)
        ]
        encoded = np.hstack(parts).astype(np.float64)
        encoded[:, self.unseen] = 0.0
        return encoded


@dataclass(frozen=True, eq=False)
class InputTransform:
    """What maps raw features to the inputs of a network: the same numbers as in its training.

    Attributes
    ----------
    affine : Affine
        The fitted input transform; it comes last.
    order : (n_features,) int64, optional
        The raw features in the order in which the network takes them; None as they are.
    encoding : Encoding, optional
        Of text and blanks; it comes first.
    """

    affine: Affine = Affine()
    order: NDArray[np.int64] | None = None
    encoding: Encoding | None = None

    def __call__(self, X: NDArray[Any]) -> Array:
        """Return the inputs, (N, n_features) float64, of raw features (N, n_columns)."""
        raw: Array = np.asarray(X, np.float64)
        if self.encoding is not None:
            raw = self.encoding(raw)
        if self.order is not None:
            raw = raw.take(self.order, axis=1)
        return self.affine(raw)


IDENTITY = InputTransform()
"""Leaves features as they are."""


class Target(NamedTuple):
    """The target of a regression: ``mean + unit × output`` of the network.

    Attributes
    ----------
    mean, unit : float
        Of the training split: its mean and its standard deviation, in the target's own unit.
    """

    mean: float
    unit: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Weights:
    """The network of a run after its last epoch, and what is needed to apply it to raw features.

    Attributes
    ----------
    parameters : (n_parameters,) float64 or float32
        All parameters, as the network's flat vector.
    n_features, n_outputs : int
        Of the network. Of a text, the characters of a sample, and the symbols.
    image : tuple of int or None
        (height, width, channels) of images, whose features are ordered (channel, row, column).
    inputs : InputTransform
        From raw features to the network's inputs.
    classes : tuple of str
        Names of the classes, or the symbols of a text; empty of a regression.
    target : Target or None
        Of a regression.
    features : tuple of str
        Names of the raw features, where the data set has them.
    product : str or None
        The product that the run was computed with, as ``Run.product_used``.
    moments : tuple of (mean, variance)
        For each BatchNorm, in order, those of its inputs over the training split, (1, n) each.
    """

    parameters: Array
    n_features: int
    n_outputs: int
    image: tuple[int, int, int] | None = None
    inputs: InputTransform = IDENTITY
    classes: tuple[str, ...] = ()
    target: Target | None = None
    features: tuple[str, ...] = ()
    product: str | None = None
    moments: tuple[tuple[Array, Array], ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of the parameters' bytes, little-endian, in hexadecimal."""
        return parameters_digest(self.parameters)


def parameters_digest(parameters: Array) -> str:
    """Return the SHA-256 of parameters' bytes, little-endian, in hexadecimal."""
    plain = np.ascontiguousarray(parameters, parameters.dtype.newbyteorder("<"))
    return hashlib.sha256(plain.tobytes()).hexdigest()
