"""Classes of samples: which there are, which a sample is of; and what samples weigh."""

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHOWN = 5
"""Classes that a message names."""


def new_classes(known: NDArray[Any] | None, given: Any) -> NDArray[Any] | None:
    """Return the classes that a ``partial_fit`` names, sorted; None if they are known.

    Raises
    ------
    ValueError
        If the first call names none, or a later one others.
    """
    if given is None:
        if known is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        return None
    classes = np.unique(np.asarray(given))
    if known is None:
        return classes
    if not np.array_equal(known, classes):
        raise ValueError(
            f"classes = {_shown(classes)} is not the same as on the last call, {_shown(known)}; "
            "expected the same, or none"
        )
    return None


def places_of(y: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.int64]:
    """Return each sample's place among the sorted classes, (n_samples,).

    Raises
    ------
    ValueError
        If a sample's class is not among them.
    """
    found, inverse = np.unique(y, return_inverse=True)
    known = {name: place for place, name in enumerate(classes.tolist())}  # "1" is not 1
    unseen = [name for name in found.tolist() if name not in known]
    if unseen:
        raise ValueError(
            f"y has classes {_shown(np.array(unseen))} beside those of the first call, "
            f"{_shown(classes)}; expected none: name all in the first partial_fit(X, y, classes=…)"
        )
    return np.array([known[name] for name in found.tolist()], np.int64)[inverse]


def class_weights(
    given: Any, classes: NDArray[Any], places: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what the weight of each sample is multiplied by for its class, (n_samples,).

    Parameters
    ----------
    given : mapping, "balanced" or None
        Weights by class, 1 for those not in it; or the mean class's sum of weights over a class's.
    classes : (n_classes,) array
        Sorted.
    places : (n_samples,) int
        The samples' classes among them.
    weights : (n_samples,) float
        Their own.

    Raises
    ------
    ValueError
        If a weight is negative or not finite, or is of no class.
    """
    if given is None:
        return np.ones(len(places))
    if isinstance(given, Mapping):
        unknown = [name for name in given if name not in classes.tolist()]
        wrong = [value for value in given.values() if not _is_weight(value)]
        if unknown or wrong:
            what = (
                f"classes {unknown}, which y does not have" if unknown else f"a weight {wrong[0]}"
            )
            raise ValueError(
                f"class_weight has {what}; expected finite weights of 0 or more for "
                f"{_shown(classes)}"
            )
        each = np.array([given.get(name, 1.0) for name in classes.tolist()], float)
    else:
        sums = np.bincount(places, weights, len(classes))
        each = np.zeros(len(classes))
        np.divide(sums.sum(), np.count_nonzero(sums) * sums, out=each, where=sums > 0)
    return each[places]


def _is_weight(value: Any) -> bool:
    return isinstance(value, Real) and 0 <= float(value) < np.inf


def some(weights: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which samples have a weight, (n_samples,).

    Raises
    ------
    ValueError
        If none has.
    """
    counted: NDArray[np.bool_] = weights > 0
    if not counted.any():
        raise ValueError("all samples have weight 0; expected some with more")
    return counted


def _shown(classes: NDArray[Any]) -> str:
    names = ", ".join(map(repr, classes[:SHOWN].tolist()))
    return f"[{names}{', …' if len(classes) > SHOWN else ''}]"
