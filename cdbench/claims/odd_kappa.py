"""Claim: odd block sizes, the polygons' own, as to the condition number of the weights."""

from collections.abc import Mapping, Sequence

import numpy as np

from cdbench.claims.base import Bench, Claim, Measurements, Needs, needs_of, recipe_models
from cdbench.claims.evidence.kappa_curves import (
    DECIDING,
    FLOORS_COUNT,
    LESS,
    MORE,
    ROBUST,
    ROUNDING,
    always,
    curve,
    cut,
    in_words,
    kappa_at,
    levels_of,
)
from cdbench.claims.odd_block_sizes import BLOCK_SIZES, ODD, WEIGHT
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.engine.layers import CDLinear
from cdbench.engine.products.base import Array
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.statistics.estimates import Observations, mean, median, median_ratio
from cdbench.statistics.wording import in_digits

TRAINED, RANDOM = WEIGHT, "weight κ of a square random layer, geometric mean of the draws"
QUANTITIES = (TRAINED, RANDOM)
MEASURED = Diagnostics(values=False, kinds=("weight",), floors=True)
DRAWS = 40
"""Random layers of each B and seed."""
WIDTH = 64
"""Of the hidden layers; B that does not divide it rounds it up."""
STREAM = 16
REAL = "smallest σ² is of a real frequency, share of the draws"
ALL_ODD, ALL_EVEN = "B=3, 5, 7", "even neighbours of B=3, 5, 7"

Kappas = Mapping[int, float]
"""κ by block size."""
Curves = Mapping[int, tuple[float, ...]]
"""κ by block size, at each of the levels that decide."""


class OddKappa(Claim):
    """Condition number of odd block sizes' weights against that of their even neighbours'."""

    name = "odd-kappa"
    title = "Odd B and the condition number"
    statement = (
        "Polygons have a natural odd multiplicity B = 2ℓ+1; the framework prescribes B ∈ {1, 3, 5, "
        "7, …}, with even values being admissible degenerate cases, and the layer is for improved "
        "Hessian conditioning."
    )
    where = "Title; Abstract (b); Sec. II (F2); Sec. VII"
    published = "odd B prescribed, even B degenerate"
    method = (
        "That even B is degenerate can be read as a statement on κ: an odd B has one real "
        "frequency (0), an even B two (0 and B/2), and a random real matrix is nearer to singular "
        "than a complex one. So κ of W of the trained networks' middle layer, which is square at "
        "every B, is compared seed by seed: B = 3, 5, 7 with the geometric mean of B-1 and B+1, "
        "which has about as many parameters. The same with square layers as they are initialised, "
        f"{DRAWS} of each B and seed, of the middle layer's width. κ is taken of all directions "
        "and above noise floors. κ of the Hessian depends on the inputs and is not compared."
    )
    rule = (
        "By the 95 % interval of the median ratio of κ, odd over even, geometric mean of B = 3, 5, "
        "7, at rounding level and at every noise floor up to 1e-6 of the trace: holds if it lies "
        "below 1 in the trained networks at all levels; holds under a condition, naming the "
        "levels, if it does at some; contradicted if it lies above 1 at all; else holds under a "
        "condition, that the weights are random, if that of the random layers lies below 1 at all "
        "levels; else not supported. 1 is no difference. B = 3, 5 and 7 each are told beside it."
    )
    overturn = (
        "Trained weights whose smallest singular values are not those of the real frequencies, as "
        "with a regulariser that lifts them; or κ of even B without the frequency B/2."
    )
    version = 2
    changed = FLOORS_COUNT
    null = 1.0

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return every block size with every seed, as the claim on their accuracy does."""
        return needs_of(_configs(seeds), MEASURED)

    def observe(self, bench: Bench) -> list[Observation]:
        """Return κ of the trained and of the random layers, and of odd and even B together."""
        found = []
        for seed in bench.seeds:
            runs = {B: bench.run(RunConfig(B=B, seed=seed)) for B in BLOCK_SIZES[1:]}
            trained = {
                B: tuple(kappa_at(run.conditions("weight")[1], level) for level in DECIDING)
                for B, run in runs.items()
            }
            drawn, shares = random_layers(seed)
            found += [Observation(REAL, _name(B), seed, share) for B, share in shares.items()]
            for place, level in enumerate(DECIDING):
                for quantity, curves in ((TRAINED, trained), (RANDOM, drawn)):
                    kappas = {B: own[place] for B, own in curves.items()}
                    found += [
                        Observation(
                            *(cut(quantity, level), _name(B), seed, kappa),
                            runs[B].run_id if quantity == TRAINED else None,
                        )
                        for B, kappa in kappas.items()
                    ]
                    found += [
                        Observation(cut(quantity, level), subject, seed, value)
                        for subject, value in together(kappas).items()
                    ]
        return found

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return the ratios of odd to even, then κ of every block size."""
        pairs = [(ALL_ODD, ALL_EVEN), *((_name(B), _neighbours(B)) for B in ODD)]
        names = [_name(B) for B in BLOCK_SIZES[1:]]
        return [
            *(
                median_ratio(observations, cut(quantity, level), *pair)
                for quantity in QUANTITIES
                for level in DECIDING
                for pair in pairs
            ),
            *(median(observations, quantity, name) for quantity in QUANTITIES for name in names),
            *(mean(observations, REAL, name) for name in names),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        curves = [curve(found, quantity, ALL_ODD, ALL_EVEN) for quantity in QUANTITIES]
        levels = levels_of(curves[0], LESS)
        each = [in_digits(found.find(TRAINED, _name(B), _neighbours(B))) for B in ODD]
        condition = None
        if levels == DECIDING:
            verdict = HOLDS
        elif levels:
            verdict, condition = CONDITIONAL, f"κ is taken {in_words(levels)}"
        elif always(curves[0], MORE):
            verdict = CONTRADICTED
        elif always(curves[1], LESS):
            verdict, condition = CONDITIONAL, "the weights are random, as at the start"
        else:
            verdict = NOT_SUPPORTED
        (trained, drawn), robust = (own[0] for own in curves), curves[0][-1]
        return Judgement(
            verdict,
            f"κ, odd over even: {in_digits(trained)}; random {in_digits(drawn)}",
            f"Weight κ of the middle layer, odd B over its even neighbours, is "
            f"{in_digits(trained)} in trained networks (B=3, 5, 7: {'; '.join(each)}; above "
            f"{ROBUST:.0e} of the trace {in_digits(robust)}) and "
            f"{in_digits(drawn)} in random layers, whose smallest σ² is of a real frequency in "
            f"{100 * found.find(REAL, _name(4)).estimate:.0f} % of the draws at B=4.",
            condition,
        )


def random_layers(seed: int) -> tuple[Curves, Kappas]:
    """Return κ of square layers as initialised, by B, and where their smallest σ² lies.

    The first is the geometric mean over the draws, at each level that decides; the second the share
    of them whose smallest σ² is of a real frequency.
    """
    rng = np.random.default_rng([seed, STREAM])
    kappas: dict[int, tuple[float, ...]] = {}
    shares = {}
    for B in BLOCK_SIZES[1:]:
        width = -(-WIDTH // B) * B
        layer = CDLinear(width, width, B)
        params = {name: np.empty(shape) for name, shape in layer.parameter_shapes().items()}
        logs, at_real = [], []
        real = [0] if B % 2 else [0, B // 2]
        times = np.full((B // 2 + 1, 1), 2)
        times[real] = 1
        for _ in range(DRAWS):
            layer.initialize(params, rng)
            sigma = np.linalg.svd(np.fft.rfft(params["c"]).T, compute_uv=False)
            logs.append([np.log(_kappa_above(sigma**2, times, level)) for level in DECIDING])
            at_real.append(sigma[real].min() == sigma.min())
        kappas[B] = tuple(map(float, np.exp(np.mean(logs, axis=0))))
        shares[B] = float(np.mean(at_real))
    return kappas, shares


def _kappa_above(power: Array, times: Array, level: float) -> float:
    """Return κ of σ², each of which occurs so many times, above a noise floor."""
    kept = power[power >= level * (times * power).sum()] if level != ROUNDING else power
    return float(power.max() / kept.min())


def together(kappas: Kappas) -> dict[str, float]:
    """Return geometric means: of each odd B's neighbours, of all of these, and of all odd B."""
    neighbours = {B: [kappas[B - 1], kappas[B + 1]] for B in ODD}
    found = {_neighbours(B): _geometric_mean(own) for B, own in neighbours.items()}
    found[ALL_EVEN] = _geometric_mean(list(found.values()))
    found[ALL_ODD] = _geometric_mean([kappas[B] for B in ODD])
    return found


def _geometric_mean(values: Sequence[float]) -> float:
    return float(np.exp(np.mean(np.log(values))))


def _configs(seeds: Sequence[int]) -> dict[str, list[RunConfig]]:
    models = recipe_models(BLOCK_SIZES, seeds)
    return {model: configs for model, configs in models.items() if configs[0].B in BLOCK_SIZES[1:]}


def _name(B: int) -> str:
    return RunConfig(B=B).model


def _neighbours(B: int) -> str:
    return f"neighbours of B={B}"
