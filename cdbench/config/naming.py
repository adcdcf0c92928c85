"""Words for several configurations at once: the knobs in which they differ, and their seeds."""

from collections.abc import Iterable, Sequence

from cdbench.config.run_config import KNOBS, RunConfig


def varied_knobs(configs: Iterable[RunConfig]) -> list[str]:
    """Return the knobs other than layer, B and seed in which the configurations differ."""
    configs = list(configs)
    return [
        name
        for name in KNOBS
        if name not in ("layer", "B", "seed")
        and len({getattr(config, name) for config in configs}) > 1
    ]


def name_seeds(seeds: Sequence[int]) -> str:
    """Return ``0..29`` for more than four consecutive seeds, otherwise each of them."""
    if len(seeds) > 4 and list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]}..{seeds[-1]}"
    return " ".join(map(str, seeds))
