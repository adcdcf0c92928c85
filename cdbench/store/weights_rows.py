"""Trained networks as rows of ``kept_weights``: compressed bytes, and JSON that describes them."""

import json
import zlib
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdbench.records.weights import Weights, parameters_digest
from cdbench.records.weights_parts import arrays_of, parts_of, weights_of

WEIGHTS_COLUMNS = (
    *("dtype", "n_parameters", "digest", "n_bytes"),
    *("parameters", "arrays", "parts_json"),
)


def weights_values(weights: Weights) -> tuple[Any, ...]:
    """Return the values of WEIGHTS_COLUMNS."""
    arrays = {name: _plain(array) for name, array in arrays_of(weights).items()}
    listed = [[name, array.dtype.str, list(array.shape)] for name, array in arrays.items()]
    parameters = zlib.compress(_plain(weights.parameters).tobytes())
    others = zlib.compress(b"".join(array.tobytes() for array in arrays.values()))
    return (
        str(weights.parameters.dtype),
        weights.parameters.size,
        weights.digest,
        len(parameters) + len(others),
        parameters,
        others,
        json.dumps(parts_of(weights) | {"arrays": listed}, sort_keys=True, separators=(",", ":")),
    )


def weights_from(row: Mapping[str, Any]) -> Weights:
    """Return the weights of a row.

    Raises
    ------
    ValueError
        If the row is damaged: its bytes are not those of the digest, or do not fit its JSON.
    """
    parameters = parameters_of(row)
    try:
        parts = json.loads(row["parts_json"])
        return weights_of(parts, parameters, _arrays_of(parts["arrays"], row["arrays"]))
    except (KeyError, TypeError, AttributeError, zlib.error, RecursionError) as error:
        raise ValueError(f"parts_json cannot be read: {error!r}") from None


def parameters_of(row: Mapping[str, Any]) -> NDArray[Any]:
    """Return a row's parameters, (n_parameters,); ValueError if its digest is another."""
    try:
        content = zlib.decompress(row["parameters"])
        found = np.frombuffer(content, np.dtype(row["dtype"]).newbyteorder("<"))
    except (zlib.error, TypeError, ValueError) as error:
        raise ValueError(f"parameters cannot be read: {error}") from None
    if found.size != row["n_parameters"]:
        raise ValueError(f"{found.size} parameters for {row['n_parameters']}")
    if parameters_digest(found) != row["digest"]:
        raise ValueError("the digest is not that of the parameters")
    return found.astype(row["dtype"])


def _arrays_of(listed: Any, content: bytes) -> dict[str, NDArray[Any]]:
    raw, start, found = zlib.decompress(content), 0, {}
    for name, dtype, shape in listed:
        n = prod(shape)
        array = np.frombuffer(raw, dtype, n, start).reshape(shape)
        found[name] = array.astype(array.dtype.newbyteorder("="))
        start += array.nbytes
    return found


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array as it is stored: little-endian, rows first."""
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
