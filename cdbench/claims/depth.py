"""The claim that the advantage in conditioning grows with depth."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cdbench.claims.base import (
    CONDITIONS_ONLY,
    MIN_SEEDS,
    Bench,
    Claim,
    Measurements,
    Needs,
    needs_of,
    recipe_models,
)
from cdbench.claims.kappas import DENSE
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
from cdbench.layers import CDLinear, Dense, Params, WeightLayer
from cdbench.numerals import format_number
from cdbench.products.base import Array
from cdbench.store.audit_queries import AuditedRun

WIDTH, B = 64, 4
MODEL = f"cdlinear B={B}"
DEPTHS, PRODUCTS = (2, 4, 6), (2, 4, 6, 8, 10, 12)
RATE = 0.02
"""With six hidden layers the recipe's 0.1 may diverge, and 0.05 may kill every unit of a layer."""

STREAM = 100
"""Second word of the seeds of the products' weights."""

HESSIANS = "layer_hessian κ after training, geometric mean of the layers after the first"
PRODUCT = "κ of σ²(product of the weights) at initialisation"
RANK = "layer_hessian rank, share of size, layers after the first"
ACCURACY = "test accuracy, share"


def advantage(quantity: str) -> str:
    """Return what dense's κ over that of B=4 is called; its subjects are depths."""
    return f"{quantity}, dense over B=4"


def hidden(depth: int) -> str:
    """Return how a network with so many hidden layers is called."""
    return f"{depth} hidden layers"


def factors(depth: int) -> str:
    """Return how a product of so many weight matrices is called."""
    return f"{depth} matrices"


class Depth(Claim):
    """Advantages over dense in networks of several depths."""

    name = "depth"
    title = "The advantage is more pronounced in deeper networks"
    statement = (
        "The conditioning advantage may be even more pronounced on deeper networks, where Hessian "
        "condition compounds across layers."
    )
    where = "Sec. VII"
    published = "more advantage in deeper networks (expected)"
    method = (
        f"Train dense and B=4 by the recipe with 2, 4 and 6 hidden layers of 64 ({MIN_SEEDS} "
        f"seeds), all at the rate {RATE}, for at 0.1 deep ones may diverge. Take κ of the layers' "
        "Hessians, of the non-null part, geometric mean of all layers but the first, whose inputs "
        "are the same at every depth. Units that fire for a few samples only count in full, since "
        "a κ without them is not stored; the ranks show the dead ones. As the paper calls WᵀW the "
        "Hessian, κ that compounds is also taken literally: σ²_max/σ²_min of the product of 2 to "
        "12 square matrices, 64 × 64, as the layers draw their initial weights, with every seed. "
        "The advantage is dense's κ over that of B=4, seed by seed; growth is the advantage of the "
        "deepest over that of the shallowest. The whole network's Hessian is singular, and its "
        "damped κ shows the loss reached more than depth."
    )
    rule = (
        "By the 95 % interval of the median growth, from 2 to 6 hidden layers in the trained "
        "layers' Hessians, and from 2 to 12 matrices in the initial product: the advantage grows "
        "if the interval lies above 1 and shrinks if it lies below. holds if it grows in both; "
        "holds under a condition, the one in which, if it grows in one; contradicted if it shrinks "
        "in both; else not supported. The depths in between are told and do not decide."
    )
    overturn = (
        "Deeper networks whose units do not die, such as with normalisation or other initial "
        "weights; or a growth that turns round beyond these depths."
    )
    null = 1.0

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return dense and B=4 of every depth, for the first ten seeds."""
        configs = {
            f"{model}, {hidden(depth)}": own
            for depth in DEPTHS
            for model, own in _models(depth, seeds).items()
        }
        return needs_of(configs, CONDITIONS_ONLY)

    def observe(self, bench: Bench) -> list[Observation]:
        """Return κ of every network and of every product, and the advantages."""
        found = []
        for depth in DEPTHS:
            for model, configs in _models(depth, bench.seeds).items():
                for run in map(bench.run, configs):
                    found += [
                        Observation(
                            f"{quantity}, {model}", hidden(depth), run.config.seed, x, run.run_id
                        )
                        for quantity, x in _of_run(run).items()
                    ]
        for seed in bench.seeds:
            for model, kappas in product_kappas(seed).items():
                found += [
                    Observation(f"{PRODUCT}, {model}", factors(n), seed, kappas[n])
                    for n in PRODUCTS
                ]
        known = {(o.quantity, o.subject, o.place): o for o in found}
        for quantity, subjects in CASES.items():
            for subject, seed in ((s, seed) for s in subjects for seed in bench.seeds):
                dense = known.get((f"{quantity}, {DENSE}", subject, seed))
                if dense is not None:
                    ratio = dense.value / known[f"{quantity}, {MODEL}", subject, seed].value
                    own = (advantage(quantity), subject, seed, ratio, dense.run_id)
                    found.append(Observation(*own))
        return found

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return growths, then advantages and κ of every depth, then ranks and accuracies."""
        growths, advantages, levels = [], [], []
        for quantity, (first, *deeper) in CASES.items():
            own = advantage(quantity)
            growths += [
                median_ratio(observations, own, subject, first) for subject in reversed(deeper)
            ]
            advantages += [median(observations, own, subject) for subject in CASES[quantity]]
            levels += [
                median(observations, f"{quantity}, {model}", subject)
                for model in (DENSE, MODEL)
                for subject in CASES[quantity]
            ]
        return [
            *growths,
            *advantages,
            *levels,
            *(
                mean(observations, f"{quantity}, {model}", hidden(depth))
                for quantity in (RANK, ACCURACY)
                for model in (DENSE, MODEL)
                for depth in DEPTHS
            ),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        growths = {
            quantity: found.find(advantage(quantity), subjects[-1], subjects[0])
            for quantity, subjects in CASES.items()
        }
        grows = [quantity for quantity, growth in growths.items() if above(growth, 1.0)]
        at = [
            [format_number(found.find(advantage(quantity), s).estimate) for s in subjects]
            for quantity, subjects in CASES.items()
        ]
        by = [format_number(growth.estimate) for growth in growths.values()]
        measured = f"advantage × {by[0]} (Hessians, 2 → 6), × {by[1]} (product, 2 → 12)"
        reason = (
            "In the trained layers' Hessians dense's κ is "
            f"{', '.join(at[0])} times that of B=4 with 2, 4 and 6 hidden layers, a growth of "
            f"{in_digits(growths[HESSIANS])}; in the initial product of 2 to 12 matrices "
            f"{', '.join(at[1])} times, a growth of {in_digits(growths[PRODUCT])}."
        )
        if len(grows) == len(CASES):
            return Judgement(HOLDS, measured, reason)
        if grows:
            return Judgement(CONDITIONAL, measured, reason, f"κ is that of {LABELS[grows[0]]}")
        shrinks = all(below(growth, 1.0) for growth in growths.values())
        return Judgement(CONTRADICTED if shrinks else NOT_SUPPORTED, measured, reason)


CASES = {HESSIANS: [*map(hidden, DEPTHS)], PRODUCT: [*map(factors, PRODUCTS)]}
"""The subjects of each quantity, from the shallowest on."""

LABELS = {
    HESSIANS: "the trained layers' Hessians",
    PRODUCT: "the product of the initial weights",
}


def product_kappas(seed: int) -> dict[str, dict[int, float]]:
    """Return κ of the product of the first n initial matrices of a seed, by model and n."""
    layers: dict[str, WeightLayer] = {DENSE: Dense(WIDTH, WIDTH), MODEL: CDLinear(WIDTH, WIDTH, B)}
    found = {}
    for model, layer in layers.items():
        rng = np.random.default_rng([seed, STREAM])
        found[model] = kappas_of_products([_drawn(layer, rng) for _ in range(PRODUCTS[-1])])
    return found


def kappas_of_products(matrices: Sequence[Array]) -> dict[int, float]:
    """Return σ²_max/σ²_min of W_n … W_1 for n = 1, 2 …, each matrix being square.

    The smallest singular value would drown in the rounding of the largest. It is therefore one
    over the largest of the inverses' product.
    """
    forward: Array = np.eye(len(matrices[0]))
    backward = forward
    found = {}
    for n, W in enumerate(matrices, 1):
        forward = W @ forward
        backward = np.linalg.solve(W.T, backward.T).T
        found[n] = float((np.linalg.norm(forward, 2) * np.linalg.norm(backward, 2)) ** 2)
    return found


def _drawn(layer: WeightLayer, rng: np.random.Generator) -> Array:
    params: Params = {name: np.empty(shape) for name, shape in layer.parameter_shapes().items()}
    layer.initialize(params, rng)
    return layer.matrix(params)


def _of_run(run: AuditedRun) -> dict[str, float]:
    hessians = run.conditions("layer_hessian")[1:]
    logs = [math.log(layer.kappa_nonnull) for layer in hessians]
    return {
        HESSIANS: math.exp(sum(logs) / len(logs)),
        RANK: sum(layer.rank / layer.size for layer in hessians) / len(hessians),
        ACCURACY: run.test_accuracy,
    }


def _models(depth: int, seeds: Sequence[int]) -> dict[str, list[RunConfig]]:
    models = recipe_models((B,), seeds[:MIN_SEEDS])
    return {
        model: [replace(config, hidden=(WIDTH,) * depth, learning_rate=RATE) for config in configs]
        for model, configs in models.items()
    }
