"""The canonical JSON of a configuration, and the digests by which it is known."""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cdbench.config.architecture_knobs import OWN_KNOBS

NEW: Mapping[str, Any] = {
    "structure": None,
    "plugin": None,
    "task": "classification",
    "head": "structured",
    "validation": 0.0,
    "early_stopping": None,
    "permute": None,
    "test": None,
    "encode": None,
    "architecture": "mlp",
    "activation": "relu",
    **dict.fromkeys(OWN_KNOBS),
    "weight_decay": None,
    "schedule": "constant",
    "warmup": 0.0,
    "clip": None,
    "label_smoothing": 0.0,
}
"""Fields that are left out at these values, so that digests are what they were without them."""


@lru_cache(maxsize=1024)  # most configurations of a large sweep differ only in their seed
def around_seed(names: tuple[str, ...], values: tuple[Any, ...]) -> tuple[str, str]:
    """Return a configuration's canonical JSON as the two parts before and after its seed.

    Parameters
    ----------
    names : tuple of str
        The fields but the seed.
    values : tuple
        Their values.
    """
    text = canonical({"seed": None} | _used(names, values))
    before, key, after = text.partition('"seed":null')  # quotes within a value are escaped
    return before + key.removesuffix("null"), after


@lru_cache(maxsize=1024)
def group_json(names: tuple[str, ...], values: tuple[Any, ...]) -> str:
    """Return the canonical JSON without the seed."""
    return canonical(_used(names, values))


@lru_cache(maxsize=1024)
def group_digest(names: tuple[str, ...], values: tuple[Any, ...]) -> str:
    """Return the SHA-256 of the canonical JSON without the seed, in hexadecimal."""
    return sha256(group_json(names, values))


def sha256(text: str) -> str:
    """Return the SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(values: Mapping[str, Any]) -> str:
    """Return values as JSON with sorted keys and no spaces."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _used(names: tuple[str, ...], values: tuple[Any, ...]) -> dict[str, Any]:
    named = dict(zip(names, values, strict=True))
    return {name: value for name, value in named.items() if name not in NEW or value != NEW[name]}
