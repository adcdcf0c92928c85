"""Grid: from lists of values to the configurations of all their combinations."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from cdbench import families
from cdbench.config import RunConfig
from cdbench.errors import ConfigurationError


def grid(
    knobs: Mapping[str, Sequence[Any]],
    seeds: Sequence[int],
    *,
    baseline: bool,
    pin: Callable[[RunConfig], RunConfig] | None = None,
) -> list[RunConfig]:
    """Return the configurations of all combinations of the knobs' values and the seeds.

    Parameters
    ----------
    knobs : mapping
        Values by knob; a knob that is not named keeps its default.
    seeds : sequence of int
        Each combination is trained with each seed.
    baseline : bool
        Whether to put the dense configuration of every combination before the others.
    pin : callable, optional
        Pins a configuration to its data set's contents; called once for all of its seeds.

    Returns
    -------
    list of RunConfig
        Each configuration once, dense ones first.

    Raises
    ------
    ConfigurationError
        If a value is given twice, or a combination is invalid.
    """
    for name, given in (("seeds", seeds), *knobs.items()):
        _check_distinct(name, given)
    layers = [layer.partition(":")[0] for layer in knobs.get("layer", [families.DEFAULT])]
    with_B = families.WITH_B & set(layers)
    models: dict[RunConfig, None] = {}
    for combination in product(*knobs.values()):
        values = dict(zip(knobs, combination, strict=True))
        layer = str(values.get("layer", families.DEFAULT))
        if with_B and layer.partition(":")[0] not in families.WITH_B:
            # Alongside families with block sizes, these play no part in the others; nor do the
            # Fisher regularisers, which act on circulant blocks.
            config = RunConfig(**{k: v for k, v in values.items() if k not in OF_BLOCKS})
        else:
            config = RunConfig(**values)
        if baseline:
            models[config.baseline()] = None
        models[config] = None
    dense_first = sorted(models, key=lambda model: model.layer != families.BASELINE)
    pinned = dense_first if pin is None else [pin(model) for model in dense_first]
    return [model.with_seed(seed) for model in pinned for seed in seeds]


OF_BLOCKS = ("B", "fisher_weight", "fisher_form", "fisher_epsilon")
"""Knobs that mean something for circulant blocks only."""


def _check_distinct(name: str, given: Sequence[Any]) -> None:
    seen = set()
    for value in given:
        if value in seen:
            raise ConfigurationError(f"{name}: {value} is given twice; expected each once")
        seen.add(value)
