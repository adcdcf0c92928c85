"""The knobs of a training's steps: how large they are, and along what."""

import math
from dataclasses import dataclass
from typing import Any

from cdbench.config.knob import knob
from cdbench.config.numbers import DEFAULT_LEARNING_RATE, DEFAULT_WEIGHT_DECAY, parse_rate
from cdbench.errors import ConfigurationError

SCHEDULES = ("constant", "cosine")
WITH_DECAY = ("adamw",)
"""Optimisers that have a weight decay."""


@dataclass(frozen=True)
class StepKnobs:
    """The knobs of steps."""

    batch_size: int = knob(64, "Samples per update; a short last batch is kept.")
    learning_rate: float | None = knob(
        None, "Step size. [default: 0.1 for sgd, 0.001 for adam and adamw]"
    )
    learning_rate_scaling: str = knob(
        "raw",
        "Step on the weights: raw is the learning rate itself; weight-space divides it by how far "
        "a unit step moves W, squared (B for cdlinear); mean and sharp divide it by how much more "
        "than in a dense layer a step moves the layer's outputs, on average or at most, measured "
        "on the first batch.",
    )
    momentum: float = knob(0.9, "Momentum of sgd; first-moment decay of adam and adamw.")
    optimizer: str = knob("sgd", "Optimiser: sgd, adam or adamw.")
    weight_decay: float | None = knob(
        None, "Decay of the weights by adamw, a step: learning rate × this. [default: 0.01]"
    )
    schedule: str = knob(
        "constant", "Learning rate over the steps of a run: constant, or cosine, down to 0."
    )
    warmup: float = knob(
        0.0, "Share of all steps over which the learning rate grows linearly from 0."
    )
    clip: float | None = knob(
        None, "Largest norm of the whole gradient; a longer one is shortened to it. [default: none]"
    )
    label_smoothing: float = knob(
        0.0,
        "Share of each target that is spread evenly over the classes in training; the losses that "
        "are told are without it.",
    )


def settled(config: StepKnobs, task: str) -> dict[str, Any]:
    """Return the steps' numbers, checked, with defaults, None where without effect.

    Raises
    ------
    ConfigurationError
        If one is out of range, or has no effect and is given.
    """
    values = {name: parse_rate(name, getattr(config, name)) for name in _RATES}
    rate = config.learning_rate
    values["learning_rate"] = parse_rate(
        "learning_rate", DEFAULT_LEARNING_RATE[config.optimizer] if rate is None else rate
    )
    decays = config.optimizer in WITH_DECAY
    clip, decay = config.clip, config.weight_decay
    if decay is None and decays:
        decay = DEFAULT_WEIGHT_DECAY
    found = values | {
        "clip": None if clip is None else parse_rate("clip", clip),
        "weight_decay": None if decay is None else parse_rate("weight_decay", decay),
    }
    _check(found)
    if decay is not None and not decays:
        raise ConfigurationError(
            f"weight_decay = {decay} was given with optimizer {config.optimizer}, which does not "
            "have it; expected --optimizer adamw, or no --weight-decay"
        )
    if found["label_smoothing"] and task == "regression":
        raise ConfigurationError(
            f"label_smoothing = {config.label_smoothing} was given with task regression, which "
            "has no classes; expected no --label-smoothing"
        )
    return found


_RATES = ("momentum", "warmup", "label_smoothing")


def _check(values: dict[str, Any]) -> None:
    for name in _RATES:
        if not 0 <= values[name] < 1:
            raise ConfigurationError(f"{name} = {values[name]}: expected 0 or more, below 1")
    for name in ("learning_rate", "clip"):
        if values[name] is not None and not 0 < values[name] < math.inf:
            raise ConfigurationError(f"{name} = {values[name]}: expected a positive number")
    decay = values["weight_decay"]
    if decay is not None and not 0 <= decay < math.inf:
        raise ConfigurationError(f"weight_decay = {decay}: expected 0 or more")
