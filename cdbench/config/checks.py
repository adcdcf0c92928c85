"""What the values of a RunConfig may be.

RunConfig runs these checks while it is created, so this module cannot name its type.
"""

import math
from itertools import pairwise
from typing import Any

from cdbench.config import architecture_knobs, families, plugins
from cdbench.config.numbers import MAX_INTEGER
from cdbench.config.step_knobs import SCHEDULES
from cdbench.config.text_sets import is_text
from cdbench.errors import ConfigurationError, ShapeError, UnknownNameError

DATASET_NAMES = (
    *("digits", "wine", "breast_cancer", "iris"),
    *("digits-noise", "digits-few", "digits-pairs", "digits-sums"),
)
FOLDER_NAMES = ("mnist", "fashion-mnist", "cifar-10", "cifar-10-gray")
"""Sets of images in a folder, as in mnist:FOLDER, or to be downloaded: mnist."""

OPTIMIZER_NAMES = ("sgd", "adam", "adamw")
FISHER_FORMS = ("trace-inverse", "log-variance")
DTYPES = ("float64", "float32")
ENCODINGS = ("one-hot",)
INPUT_TRANSFORMS = ("scale", "center", "standardize", "whiten", "none")
NORMALIZATIONS = ("none", "layer", "batch")
TASK_NAMES = ("classification", "regression", "language")
HEADS = ("structured", "dense")
LEARNING_RATE_SCALINGS = ("raw", "weight-space", "mean", "sharp")
PRODUCT_NAMES = ("auto", "gather", "polygon", "fft")

plugins.introduce("dataset", (*DATASET_NAMES, *FOLDER_NAMES))

MAX_SEED = 2**32 - 1
"""Largest seed that both NumPy and scikit-learn's split accept."""


def check_names(config: Any) -> None:
    """Raise UnknownNameError if a knob's value is not one of its choices."""
    if not isinstance(config.dataset, str):
        raise ConfigurationError(f"dataset = {config.dataset!r}: expected a name or a path")
    for name in (
        *("dataset", "label_column", "test", "dataset_fingerprint", "structure", "plugin"),
    ):
        value = getattr(config, name)
        if value is not None:
            check_text(name, value)
    for name, choices in (
        ("task", TASK_NAMES),
        ("optimizer", OPTIMIZER_NAMES),
        ("fisher_form", FISHER_FORMS),
        ("dtype", DTYPES),
        ("input", INPUT_TRANSFORMS),
        ("encode", ENCODINGS),
        ("normalization", NORMALIZATIONS),
        ("head", HEADS),
        ("learning_rate_scaling", LEARNING_RATE_SCALINGS),
        ("product", PRODUCT_NAMES),
        ("schedule", SCHEDULES),
        *architecture_knobs.CHOICES.items(),
    ):
        value = getattr(config, name)
        if value not in choices and not (name in _MAY_BE_NONE and value is None):
            raise UnknownNameError(name, str(value), choices)


_MAY_BE_NONE = ("input", "encode", *architecture_knobs.OWN_KNOBS)


def check_text(name: str, value: object) -> None:
    """Raise ConfigurationError unless a value is text that files, JSON and databases all accept.

    That is any text without NUL, which ends a path, and without surrogates for bytes of a file name
    that are not UTF-8, which cannot be encoded.
    """
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} = {value!r}: expected a text")
    if "\0" in value:
        raise ConfigurationError(f"{name} = {value!r}: contains NUL; expected text without it")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(
            f"{name} = {value!r}: is not UTF-8; rename the file, or its folder"
        ) from None


def check_numbers(config: Any) -> None:
    """Raise ConfigurationError if a number is out of range."""
    for name in ("B", "epochs", "batch_size", "early_stopping"):
        _expect(name, getattr(config, name), (getattr(config, name) or 0) <= MAX_INTEGER, _SMALLER)
    _expect("hidden", config.hidden, max(config.hidden, default=0) <= MAX_INTEGER, _SMALLER)
    _expect("epochs", config.epochs, config.epochs >= 1, "at least 1")
    _expect("batch_size", config.batch_size, config.batch_size >= 1, "at least 1")
    check_seed(config.seed)
    check_seed(config.permute or 0, "permute")
    _expect("validation", config.validation, 0 <= config.validation < 1, "0 or more, below 1")
    patience = config.early_stopping
    _expect("early_stopping", patience, patience is None or patience >= 1, "at least 1")
    _expect("hidden", config.hidden, bool(config.hidden), "at least one width")
    _expect("hidden", config.hidden, min(config.hidden) >= 1, "widths of at least 1")
    _expect("dropout", config.dropout, 0 <= config.dropout < 1, "0 or more, below 1, or alpha-cd")
    weight, epsilon = config.fisher_weight, config.fisher_epsilon
    _expect("fisher_weight", weight, 0 <= weight < math.inf, "0 or more")
    _expect("fisher_epsilon", epsilon, 0 < epsilon < math.inf, "a positive number")


def check_seed(seed: int, name: str = "seed") -> None:
    """Raise ConfigurationError if a seed is out of range."""
    _expect(name, seed, 0 <= seed <= MAX_SEED, f"0 to {MAX_SEED}")


def check_combinations(config: Any) -> None:
    """Raise ConfigurationError if knobs are incompatible."""
    if config.early_stopping is not None and config.validation == 0:
        raise ConfigurationError(
            f"early_stopping = {config.early_stopping} was given without validation, whose loss it "
            "goes by; expected --validation, such as 0.15, as well"
        )
    _check_language(config)
    if config.layer not in families.WITH_B:
        _check_other_family(config)
        return
    assert config.B is not None
    _expect("B", config.B, config.B >= 1, "a block size of at least 1")
    name, inner = architecture_knobs.inner_widths(config)
    widest = max(inner)
    if config.B > widest:
        raise ConfigurationError(
            f"B = {config.B} is larger than the widest hidden layer and would pad it from "
            f"{widest} to {config.B}; expected B from 1 to {widest}, or a wider --{name}"
        )


def _check_language(config: Any) -> None:
    """Raise ConfigurationError if a text has knobs of other data sets, or another has those."""
    if not is_text(config.dataset):
        if config.task == "language":
            raise ConfigurationError(
                f"task = language was given with dataset {config.dataset}, which is no text; "
                "expected --dataset text:FILE"
            )
        return
    if config.architecture != "attention":
        raise ConfigurationError(
            f"dataset = {config.dataset} was given with architecture {config.architecture}, which "
            "reads no text; expected --architecture attention"
        )
    for name in ("label_column", "test", "encode", "permute"):
        value = getattr(config, name)
        if value is not None:
            raise ConfigurationError(
                f"{name} = {value} was given with dataset {config.dataset}, which is a text; "
                f"expected no --{name.replace('_', '-')}"
            )


def _check_other_family(config: Any) -> None:
    """Raise ConfigurationError if a knob is for families with circulant blocks, or nothing fits."""
    if config.B is not None:
        raise ConfigurationError(
            f"B = {config.B} was given with layer {config.layer}, which has no blocks of size B; "
            f"expected layer {families.DEFAULT}, or no B"
        )
    if config.layer == families.BASELINE:
        fisher = None
    else:
        own = families.family(config.layer)
        fisher = own.fisher_parameter
        structure = families.structure_of(config.layer, config.structure)
        name, inner = architecture_knobs.inner_widths(config)
        try:
            with plugins.blamed("layer", config.layer, "cannot be built"):
                multiple = own.width_multiple(structure)
                widths = [-(-width // multiple) * multiple for width in inner]
                for n_in, n_out in pairwise([widths[0], *widths]):
                    own.build(n_in, n_out, structure)
        except ShapeError as error:
            named = families.specification(config.layer, config.structure, None)
            raise ConfigurationError(
                f"layer = {named}, {name} = {architecture_knobs.shown(inner)}: {error}"
            ) from error
    if config.fisher_weight and fisher is None:
        raise ConfigurationError(
            f"fisher_weight was given with layer {config.layer}, which has no circulant blocks to "
            f"regularise; expected layer {families.DEFAULT}, or fisher_weight 0"
        )


_SMALLER = f"at most {MAX_INTEGER}"


def _expect(name: str, value: object, holds: bool, expected: str) -> None:
    if not holds:
        raise ConfigurationError(f"{name} = {value}: expected {expected}")
