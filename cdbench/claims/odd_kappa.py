"""Claim: odd block sizes, the polygons' own, as to the condition number of the weights."""

from collections.abc import Mapping, Sequence

import numpy as np

from cdbench.claims.base import (
    CONDITIONS_ONLY,
    Bench,
    Claim,
    Measurements,
    Needs,
    needs_of,
    recipe_models,
)
from cdbench.claims.odd_block_sizes import BLOCK_SIZES, ODD, WEIGHT
from cdbench.claims.statistics import Observations, mean, median, median_ratio
from cdbench.claims.wording import above, below, in_digits
from cdbench.config import RunConfig
from cdbench.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.layers import CDLinear

TRAINED, RANDOM = WEIGHT, "weight κ of a square random layer, geometric mean of the draws"
QUANTITIES = (TRAINED, RANDOM)
DRAWS = 40
"""Random layers of each B and seed."""
WIDTH = 64
"""Of the hidden layers; B that does not divide it rounds it up."""
STREAM = 16
REAL = "smallest σ² is of a real frequency, share of the draws"
ALL_ODD, ALL_EVEN = "B=3, 5, 7", "even neighbours of B=3, 5, 7"

Kappas = Mapping[int, float]
"""κ by block size."""


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
        f"{DRAWS} of each B and seed, of the middle layer's width. κ of the Hessian depends on the "
        "inputs and is not compared."
    )
    rule = (
        "By the 95 % interval of the median ratio of κ, odd over even, geometric mean of B = 3, 5, "
        "7: holds if it lies below 1 in the trained networks; contradicted if it lies above 1; "
        "else holds under a condition, that the weights are random, if that of the random layers "
        "lies below 1; else not supported. 1 is no difference. B = 3, 5 and 7 each are told beside "
        "it."
    )
    overturn = (
        "Trained weights whose smallest singular values are not those of the real frequencies, as "
        "with a regulariser that lifts them; or κ of even B without the frequency B/2."
    )
    null = 1.0

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return every block size with every seed, as the claim on their accuracy does."""
        return needs_of(_configs(seeds), CONDITIONS_ONLY)

    def observe(self, bench: Bench) -> list[Observation]:
        """Return κ of the trained and of the random layers, and of odd and even B together."""
        found = []
        for seed in bench.seeds:
            runs = {B: bench.run(RunConfig(B=B, seed=seed)) for B in BLOCK_SIZES[1:]}
            trained = {B: run.conditions("weight")[1].kappa for B, run in runs.items()}
            found += [
                Observation(TRAINED, _name(B), seed, kappa, runs[B].run_id)
                for B, kappa in trained.items()
            ]
            drawn, shares = random_layers(seed)
            found += [Observation(RANDOM, _name(B), seed, kappa) for B, kappa in drawn.items()]
            found += [Observation(REAL, _name(B), seed, share) for B, share in shares.items()]
            for quantity, kappas in ((TRAINED, trained), (RANDOM, drawn)):
                found += [
                    Observation(quantity, subject, seed, value)
                    for subject, value in together(kappas).items()
                ]
        return found

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return the ratios of odd to even, then κ of every block size."""
        pairs = [(ALL_ODD, ALL_EVEN), *((_name(B), _neighbours(B)) for B in ODD)]
        names = [_name(B) for B in BLOCK_SIZES[1:]]
        return [
            *(
                median_ratio(observations, quantity, *pair)
                for quantity in QUANTITIES
                for pair in pairs
            ),
            *(median(observations, quantity, name) for quantity in QUANTITIES for name in names),
            *(mean(observations, REAL, name) for name in names),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        trained, drawn = (found.find(quantity, ALL_ODD, ALL_EVEN) for quantity in QUANTITIES)
        each = [in_digits(found.find(TRAINED, _name(B), _neighbours(B))) for B in ODD]
        condition = None
        if below(trained, 1):
            verdict = HOLDS
        elif above(trained, 1):
            verdict = CONTRADICTED
        elif below(drawn, 1):
            verdict, condition = CONDITIONAL, "the weights are random, as at the start"
        else:
            verdict = NOT_SUPPORTED
        return Judgement(
            verdict,
            f"κ, odd over even: {in_digits(trained)}; random {in_digits(drawn)}",
            f"Weight κ of the middle layer, odd B over its even neighbours, is "
            f"{in_digits(trained)} in trained networks (B=3, 5, 7: {'; '.join(each)}) and "
            f"{in_digits(drawn)} in random layers, whose smallest σ² is of a real frequency in "
            f"{100 * found.find(REAL, _name(4)).estimate:.0f} % of the draws at B=4.",
            condition,
        )


def random_layers(seed: int) -> tuple[Kappas, Kappas]:
    """Return κ of square layers as initialised, by B, and where their smallest σ² lies.

    The first is the geometric mean over the draws; the second the share of them whose smallest σ²
    is of a real frequency.
    """
    rng = np.random.default_rng([seed, STREAM])
    kappas, shares = {}, {}
    for B in BLOCK_SIZES[1:]:
        width = -(-WIDTH // B) * B
        layer = CDLinear(width, width, B)
        params = {name: np.empty(shape) for name, shape in layer.parameter_shapes().items()}
        logs, at_real = [], []
        for _ in range(DRAWS):
            layer.initialize(params, rng)
            sigma = np.linalg.svd(np.fft.rfft(params["c"]).T, compute_uv=False)
            real = [0] if B % 2 else [0, B // 2]
            logs.append(2 * np.log(sigma.max() / sigma.min()))
            at_real.append(sigma[real].min() == sigma.min())
        kappas[B], shares[B] = float(np.exp(np.mean(logs))), float(np.mean(at_real))
    return kappas, shares


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
