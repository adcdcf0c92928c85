"""Claim 8: the Hessian's spectrum depends on the input alone, not on the weights."""

from collections.abc import Callable, Sequence

from cdbench.claims.base import Bench, Claim, Measurements, Needs, needs_of
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.records.spectra import Condition
from cdbench.statistics.estimates import Observations, largest, median_ratio
from cdbench.statistics.wording import above, below, ends, in_digits
from cdbench.store.audit_queries import AuditedRun

BLOCK_SIZES = (4, 8)
LAYERS = (1, 2, 3)
EVERY = 5
ROUNDING = 1e-12
LEAST = 1.05

STATISTICS: dict[str, Callable[[Condition], float]] = {
    "largest": lambda found: found.largest,
    "smallest": lambda found: found.largest / found.kappa_nonnull,
    "κ": lambda found: found.kappa_nonnull,
}
"""What is followed of Theorem 1's numbers, those at rounding level left out."""


def followed(statistic: str, layer: int, model: str) -> str:
    """Return what a statistic of a layer's spectrum is called; its subjects are the epochs."""
    return f"{statistic} of theorem1, layer {layer}, {model}"


def change(layer: int) -> str:
    """Return what the greatest change of a layer's spectrum is called."""
    return f"greatest relative change of theorem1, layer {layer}"


class InputOnlySpectrum(Claim):
    """Theorem 1's numbers of each layer, from initialisation to the end of training."""

    name = "input-only-spectrum"
    title = "The spectrum depends on the input alone"
    statement = (
        "The eigenvalue distribution depends only on the input statistics, not on the weights "
        "c_ij, so that monitoring it in training requires tracking the input blocks only."
    )
    where = "Sec. III.3, discussion of Theorem 1"
    published = "independent of the weights"
    method = (
        "Theorem 1's numbers η_j(k) of every layer, on the whole training split, at initialisation "
        "and every 5 epochs, for B = 4 and 8. The data do not change; what changes the numbers are "
        "weights. The layer's own weights do not enter η at all; those of the layers before it "
        "do, through its inputs. Taken are the largest, the smallest above rounding level and "
        "their ratio κ: after 25 epochs against initialisation, median paired ratio over seeds."
    )
    rule = (
        "A layer is fixed if none of the three changes by more than 1e-12, relative, at any "
        "measured epoch of any run. It has moved if the 95 % interval of one of the three ratios "
        "lies outside 1/1.05 to 1.05, and has stayed if all three lie inside. contradicted if "
        "layer 1 is not fixed. Else holds if layers 2 and 3 have stayed, at both B; holds under a "
        "condition, for the first layer, if both have moved, at both B; else not supported."
    )
    overturn = "Layers 2 and 3 whose inputs keep their spectrum in training, at both block sizes."

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return the block-circulant models, their spectra followed through the training."""
        return needs_of(_models(seeds), Diagnostics(spectra_every=EVERY, values=False))

    def observe(self, bench: Bench) -> list[Observation]:
        """Return the statistics of each layer and epoch, and each run's greatest changes."""
        found = []
        for model, configs in _models(bench.seeds).items():
            for config in configs:
                run = bench.run(config)
                for layer in LAYERS:
                    found += _course(run, layer, model)
        return found

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return the greatest change of each layer, then the end against the beginning."""
        models = observations.subjects(change(1))
        end = epoch(RunConfig().epochs)
        return [
            *(largest(observations, change(layer), model) for layer in LAYERS for model in models),
            *(
                median_ratio(observations, followed(statistic, layer, model), end, epoch(0))
                for layer in LAYERS
                for model in models
                for statistic in STATISTICS
            ),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        models = [m.subject for m in found.all if m.quantity == change(1)]
        ratios = {(n, model): _ratios(found, n, model) for n in LAYERS[1:] for model in models}
        first = max(found.find(change(1), model).estimate for model in models)
        condition = None
        if first > ROUNDING:
            verdict = CONTRADICTED
        elif all(_inside(ratio) for deeper in ratios.values() for ratio in deeper):
            verdict = HOLDS
        elif all(any(map(_outside, deeper)) for deeper in ratios.values()):
            verdict = CONDITIONAL
            condition = "the layer is the first; a deeper one's inputs depend on the weights before"
        else:
            verdict = NOT_SUPPORTED
        told = [
            f"layer {n}'s largest eigenvalue by {in_digits(high)} and its κ by {in_digits(kappa)}"
            for n in LAYERS[1:]
            for high, _, kappa in [ratios[n, models[0]]]
        ]
        return Judgement(
            verdict,
            f"layer 1: {first:.0g}; largest of layer 2 × {in_digits(ratios[2, models[0]][0])}",
            f"From initialisation to the end of training layer 1 changes by {first:.0g}; at "
            f"{models[0]} training multiplies {', '.join(told)}.",
            condition,
        )


def epoch(number: int) -> str:
    """Return how an epoch is called."""
    return f"epoch {number}"


def _course(run: AuditedRun, layer: int, model: str) -> list[Observation]:
    """Return a layer's statistics at every epoch, and their greatest relative change."""
    seed, found, changes = run.config.seed, [], []
    for name, statistic in STATISTICS.items():
        course = {
            e: statistic(run.conditions("theorem1", e)[layer - 1])
            for e in range(0, run.config.epochs + 1, EVERY)
        }
        quantity = followed(name, layer, model)
        found += [Observation(quantity, epoch(e), seed, x, run.run_id) for e, x in course.items()]
        changes += [abs(x / course[0] - 1) for x in course.values()]
    return [*found, Observation(change(layer), model, seed, max(changes), run.run_id)]


def _ratios(found: Measurements, layer: int, model: str) -> list[Measurement]:
    quantities = [followed(statistic, layer, model) for statistic in STATISTICS]
    return [m for name in quantities for m in found.all if m.quantity == name]


def _inside(ratio: Measurement) -> bool:
    low, high = ends(ratio)
    return low >= 1 / LEAST and high <= LEAST


def _outside(ratio: Measurement) -> bool:
    return above(ratio, LEAST) or below(ratio, 1 / LEAST)


def _models(seeds: Sequence[int]) -> dict[str, list[RunConfig]]:
    return {f"cdlinear B={B}": [RunConfig(B=B, seed=seed) for seed in seeds] for B in BLOCK_SIZES}
