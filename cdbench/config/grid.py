"""Grid: from lists of values to the configurations of all their combinations."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from cdbench.config import families
from cdbench.config.architecture_knobs import ARCHITECTURES, OWN_KNOBS, has
from cdbench.config.run_config import RunConfig
from cdbench.config.step_knobs import WITH_DECAY
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
    layers = [str(layer) for layer in knobs.get("layer", [families.DEFAULT])]
    models: dict[RunConfig, None] = {}
    for combination in product(*knobs.values()):
        values = dict(zip(knobs, combination, strict=True))
        layer = str(values.get("layer", families.DEFAULT))
        foreign = {
            name
            for means, names in _MEANT_FOR
            for name in names
            if not means(layer) and any(map(means, layers))
        } | _of_others(values, knobs)
        config = RunConfig(**{name: v for name, v in values.items() if name not in foreign})
        if baseline:
            models[config.baseline()] = None
        models[config] = None
    dense_first = sorted(models, key=lambda model: model.layer != families.BASELINE)
    pinned = dense_first if pin is None else [pin(model) for model in dense_first]
    return [model.with_seed(seed) for model in pinned for seed in seeds]


def _of_blocks(layer: str) -> bool:
    return layer.partition(":")[0] in families.WITH_B


_MEANT_FOR = (
    (_of_blocks, ("B",)),
    (families.has_circulant_blocks, ("fisher_weight", "fisher_form", "fisher_epsilon")),
)
"""Knobs that mean something for some families only; beside these they are not for the others."""


def _of_others(values: Mapping[str, Any], knobs: Mapping[str, Sequence[Any]]) -> set[str]:
    """Return the knobs without effect on one combination, but on others of the grid."""
    found = {
        name
        for name in OWN_KNOBS
        if not _means(name, values)
        and any(
            _means(name, {"architecture": architecture, "dataset": dataset})
            for architecture in knobs.get("architecture", ["mlp"])
            for dataset in knobs.get("dataset", ["digits"])
        )
    }
    optimizers = knobs.get("optimizer", [])
    if values.get("optimizer") not in WITH_DECAY and any(one in WITH_DECAY for one in optimizers):
        found.add("weight_decay")
    return found


def _means(name: str, values: Mapping[str, Any]) -> bool:
    architecture = values.get("architecture", "mlp")
    return architecture in ARCHITECTURES and has(
        architecture, str(values.get("dataset", "digits")), name
    )


def _check_distinct(name: str, given: Sequence[Any]) -> None:
    seen = set()
    for value in given:
        if value in seen:
            raise ConfigurationError(f"{name}: {value} is given twice; expected each once")
        seen.add(value)
