"""Weights in parts that can be written: plain values for JSON, and named arrays.

The arrays besides the parameters are, where there are any, ``shift``, ``scale``, ``matrix`` and
``order`` of the input transform, ``fills`` and ``unseen`` of an encoding, and ``mean_0``,
``variance_0`` … of each BatchNorm.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdbench.records.weights import Affine, Array, Encoding, InputTransform, Target, Weights

AFFINE = ("shift", "scale", "matrix")
ENCODING = ("fills", "unseen")


def parts_of(weights: Weights) -> dict[str, Any]:
    """Return what weights are besides arrays, as plain values for JSON."""
    inputs = weights.inputs
    encoding, image = inputs.encoding, weights.image
    return {
        "n_features": weights.n_features,
        "n_outputs": weights.n_outputs,
        "image": None if image is None else list(image),
        "classes": list(weights.classes),
        "target": None if weights.target is None else weights.target._asdict(),
        "features": list(weights.features),
        "product": weights.product,
        "divisor": inputs.affine.divisor,
        "texts": None if encoding is None else [list(own) for own in encoding.texts],
    }


def arrays_of(weights: Weights) -> dict[str, NDArray[Any]]:
    """Return the arrays besides the parameters, by name."""
    inputs = weights.inputs
    found: dict[str, Any] = {name: getattr(inputs.affine, name) for name in AFFINE}
    found["order"] = inputs.order
    found |= {name: getattr(inputs.encoding, name, None) for name in ENCODING}
    for number, (mean, variance) in enumerate(weights.moments):
        found |= {f"mean_{number}": mean, f"variance_{number}": variance}
    return {name: array for name, array in found.items() if array is not None}


def weights_of(
    parts: Mapping[str, Any], parameters: Array, arrays: Mapping[str, NDArray[Any]]
) -> Weights:
    """Return the weights of these parts.

    Raises
    ------
    KeyError, TypeError, ValueError
        If a part is missing, of another type, or does not fit the others.
    """
    _check_values(parts)
    n = parts["n_features"]
    affine = Affine(parts["divisor"], *(arrays.get(name) for name in AFFINE))
    encoding, texts = None, parts["texts"]
    if texts is not None:
        own = (arrays[name] for name in ENCODING)
        encoding = Encoding(tuple(map(tuple, texts)), *own)
    target, image = parts["target"], parts["image"]
    _check_arrays(n, n if texts is None else len(texts), arrays)
    n_classes = len(parts["classes"])
    if n_classes != (0 if target is not None else parts["n_outputs"]):
        raise ValueError(f"{n_classes} classes for {parts['n_outputs']} outputs")
    n_norms = sum(name.startswith("mean_") for name in arrays)
    return Weights(
        parameters=parameters,
        n_features=n,
        n_outputs=parts["n_outputs"],
        image=None if image is None else (image[0], image[1], image[2]),
        inputs=InputTransform(affine, arrays.get("order"), encoding),
        classes=tuple(parts["classes"]),
        target=None if target is None else Target(**target),
        features=tuple(parts["features"]),
        product=parts["product"],
        moments=tuple((arrays[f"mean_{i}"], arrays[f"variance_{i}"]) for i in range(n_norms)),
    )


def _check_values(parts: Mapping[str, Any]) -> None:
    """Raise ValueError if a plain value is of another type than it must be."""
    for name in ("classes", "features"):
        if not all(isinstance(own, str) for own in parts[name]):
            raise ValueError(f"{name} are not all text")
    numbers = {"divisor": parts["divisor"], **(parts["target"] or {})}
    for name, value in numbers.items():
        if name == "divisor" and value is None:
            continue
        if type(value) not in (int, float) or not isfinite(value) or (name != "mean" and not value):
            raise ValueError(f"{name} is {value!r}, expected a finite number")


def _check_arrays(n: int, n_columns: int, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Raise ValueError if arrays of a transform of n features are not what they must be."""
    shapes = {"shift": (n,), "scale": (n,), "matrix": (n, n), "order": (n,), "unseen": (n,)}
    for name, shape in (shapes | {"fills": (n_columns,)}).items():
        if name not in arrays:
            continue
        array, kind = arrays[name], {"order": "i", "unseen": "b"}.get(name, "f")
        if array.shape != shape or array.dtype.kind != kind:
            found = f"{array.dtype} of shape {array.shape}"
            raise ValueError(f"{name} is {found}, expected shape {shape}")
        if kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{name} is not finite")
        if name == "scale" and not array.all():
            raise ValueError("scale has zeros")
    if "order" in arrays and not np.array_equal(np.sort(arrays["order"]), np.arange(n)):
        raise ValueError("order is no permutation of the features")
