"""The estimators' parameters: what they may be, and the configuration that they make."""

from collections.abc import Iterable
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

from sklearn.utils._param_validation import Interval, StrOptions

from cdbench.config import families
from cdbench.config.architecture_knobs import ACTIVATIONS
from cdbench.config.checks import (
    DTYPES,
    FISHER_FORMS,
    HEADS,
    LEARNING_RATE_SCALINGS,
    NORMALIZATIONS,
    OPTIMIZER_NAMES,
)
from cdbench.config.run_config import RunConfig
from cdbench.config.step_knobs import SCHEDULES, WITH_DECAY
from cdbench.errors import ConfigurationError
from cdbench.sklearn.initial import INITIALIZATIONS

AUTO_BATCH = 200
"""Samples of a batch, at most, with ``batch_size="auto"``, as in MLPClassifier."""

GATHERED = 256
"""Up to this width a lone block-circulant layer is faster by its gathered matrix: it would change
the layout of activations for itself alone."""


def _options(names: Any) -> list[Any]:
    return [StrOptions(set(names))]


def _from(low: float, high: float | None = None, closed: str = "left") -> Any:
    return Interval(Real, low, high, closed=closed)


UNIT = _from(0, 1)
"""A share below 1."""

_COUNT = Interval(Integral, 1, None, closed="left")

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", _COUNT],
    "layer": [str],
    "head": _options(HEADS),
    "initialization": _options(INITIALIZATIONS),
    "activation": _options(ACTIVATIONS),
    "normalization": _options(NORMALIZATIONS),
    "dropout": [UNIT],
    "solver": _options(OPTIMIZER_NAMES),
    "alpha": [_from(0)],
    "weight_decay": [_from(0)],
    "fisher_weight": [_from(0)],
    "fisher_form": _options(FISHER_FORMS),
    "fisher_epsilon": [_from(0, closed="neither")],
    "batch_size": [*_options(["auto"]), _COUNT],
    "learning_rate": _options(SCHEDULES),
    "learning_rate_init": [_from(0, closed="neither")],
    "learning_rate_scaling": _options(LEARNING_RATE_SCALINGS),
    "clip": [_from(0, closed="neither"), None],
    "max_iter": [_COUNT],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [_from(0)],
    "n_iter_no_change": [_COUNT],
    "early_stopping": ["boolean"],
    "validation_fraction": [_from(0, 1, "neither")],
    "warm_start": ["boolean"],
    "verbose": ["verbose"],
    "momentum": [UNIT],
    "beta_1": [UNIT],
    "beta_2": [UNIT],
    "epsilon": [_from(0, closed="neither")],
    "dtype": _options(["auto", *DTYPES]),
}
"""What each parameter may be, as scikit-learn checks it."""

SAME = (
    *("layer", "head", "activation", "normalization", "dropout", "learning_rate_scaling", "clip"),
    *("fisher_weight", "fisher_form", "fisher_epsilon"),
)
"""Parameters that are knobs of RunConfig under the same name."""

RENAMED = {
    "hidden": "hidden_layer_sizes",
    "learning-rate": "learning_rate_init",
    "optimizer": "solver",
}
"""What options of the command line are called here, where a message may name them."""


def configuration(
    estimator: Any, task: str, dtype: str, n_samples: int, seed: int, smoothing: float = 0.0
) -> RunConfig:
    """Return the configuration of an estimator's training.

    Parameters
    ----------
    estimator : CDClassifier or CDRegressor
        Whose parameters.
    task : str
        "classification" or "regression".
    dtype : str
        Of the training, "float64" or "float32".
    n_samples : int
        Of the training, which a batch has at most.
    seed : int
        Of initial weights, order of samples and dropout.
    smoothing : float
        Of labels.

    Raises
    ------
    ValueError
        If parameters do not fit each other, or the layer's specification is none.
    """
    size, sizes = estimator.batch_size, estimator.hidden_layer_sizes
    decays = estimator.solver in WITH_DECAY
    try:
        config = RunConfig(
            **{name: getattr(estimator, name) for name in SAME},
            task=task,
            dtype=dtype,
            seed=seed,
            label_smoothing=float(smoothing),
            hidden=tuple(sizes) if isinstance(sizes, Iterable) else (sizes,),
            epochs=int(estimator.max_iter),
            batch_size=min(AUTO_BATCH if size == "auto" else int(size), n_samples),
            optimizer=estimator.solver,
            momentum=estimator.momentum if estimator.solver == "sgd" else estimator.beta_1,
            weight_decay=estimator.weight_decay if decays else None,
            schedule=estimator.learning_rate,
            learning_rate=estimator.learning_rate_init,
        )
    except ConfigurationError as error:
        raise ValueError(in_own_words(str(error))) from error
    if config.layer in families.WITH_B and len(config.hidden) == 1 and config.hidden[0] <= GATHERED:
        return replace(config, product="gather")
    return config


def in_own_words(message: str) -> str:
    """Return an engine's message with the estimators' names for options, ``--hidden``."""
    message = message.replace("hidden = ", "hidden_layer_sizes = ")
    for option, name in RENAMED.items():
        message = message.replace(f"--{option}", name)
    return message.replace("--", "")
