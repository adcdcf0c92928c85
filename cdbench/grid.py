"""Grid: from lists of values to the configurations of all their combinations."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from cdbench.config import RunConfig
from cdbench.errors import ConfigurationError


def grid(
    knobs: Mapping[str, Sequence[Any]], seeds: Sequence[int], *, baseline: bool
) -> list[RunConfig]:
    """Return the configurations of all combinations of the knobs' values and the seeds.

    Parameters
    ----------
    knobs : mapping
        Values by knob; a knob that is not named keeps its default.
    seeds : sequence of int
        Each combination is trained with each seed.
    baseline : bool
        Whether the dense configuration of every combination comes too, ahead of the others.

    Returns
    -------
    list of RunConfig
        Each once, the dense ones first.

    Raises
    ------
    ConfigurationError
        If a value is given twice, or a combination cannot be.
    """
    for name, given in (("seeds", seeds), *knobs.items()):
        repeated = [value for i, value in enumerate(given) if value in given[:i]]
        if repeated:
            raise ConfigurationError(f"{name}: {repeated[0]} is given twice; expected each once")
    layers = knobs.get("layer", ["cdlinear"])
    configs: dict[RunConfig, None] = {}
    for combination in product(*knobs.values()):
        values = dict(zip(knobs, combination, strict=True))
        if values.get("layer") == "dense" and "cdlinear" in layers:
            # Beside cdlinear, dense stands for the baseline: its blocks do not come into play.
            config = RunConfig(**values | {"layer": "cdlinear", "B": 1}).baseline()
        else:
            config = RunConfig(**values)
        for seed in seeds:
            seeded = RunConfig.from_mapping({**vars(config), "seed": seed})
            if baseline:
                configs[seeded.baseline()] = None
            configs[seeded] = None
    return sorted(configs, key=lambda config: config.layer != "dense")
