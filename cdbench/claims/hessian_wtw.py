"""Claim: the Hessian of mean-squared loss is WᵀW."""

from collections.abc import Sequence

import numpy as np

from cdbench.claims.base import Bench, Claim, Measurements, Needs, needs_of
from cdbench.claims.evidence.kappa_curves import (
    DECIDING,
    FLOORS_COUNT,
    ROBUST,
    always,
    curve,
    cut,
    in_words,
    kappa_at,
    levels_of,
)
from cdbench.claims.gradients import central_difference
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.engine.layers import EVALUATION, Dense
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.statistics.estimates import Observations, largest, median, median_ratio
from cdbench.statistics.factors import beyond, within
from cdbench.statistics.rank_correlation import FOLLOWS, STATISTIC, rank_correlation
from cdbench.statistics.wording import above, below, in_digits

LAYERS = (1, 2, 3)
WEIGHT, HESSIAN = "W⊤W", "Hessian in the weights"
IN_INPUT = "relative distance of the Hessian in the input from W⊤W"
RANDOM = "random dense layers, 12 → 8"

FACTOR, STREAM = 2.0, 41
MEASURED = Diagnostics(values=False, kinds=("weight", "layer_hessian"), floors=True)


def kappa_of(layer: int) -> str:
    """Return what κ of a dense layer is called; its subjects are the two matrices."""
    return f"κ, dense, layer {layer}"


class HessianWtw(Claim):
    """κ of W⊤W against κ of the layer's Hessian, in trained dense networks."""

    name = "hessian-is-wtw"
    title = "The Hessian of mean-squared loss is W⊤W"
    statement = (
        "For a linear layer y = Wx + b the Hessian of mean-squared loss is W⊤W, whose condition "
        "number κ(W) = σ²_max/σ²_min controls the convergence rate of gradient descent."
    )
    where = "Sec. I"
    published = "Hessian = W⊤W, κ = σ²_max/σ²_min"
    method = (
        "Gradient descent moves the weights, so the Hessian meant is that of ½‖Wx + b - t‖² in W: "
        "one copy for each output of the inputs' second moment, mean x x⊤, in which W does not "
        "occur. Its exact κ on the training split, of the non-null part and above noise floors, is "
        "compared with κ of W⊤W above the same floors, for each layer of the recipe's trained "
        "dense networks, paired by seed: their ratio, and whether the one ranks the seeds as the "
        "other does. Beside it the Hessian in x, by central differences of the gradients of random "
        "dense layers, against W⊤W."
    )
    rule = (
        "κ of W⊤W is the Hessian's at a layer and level if the 95 % interval of the median of "
        "Hessian / W⊤W lies within 1/2 to 2, and is off if it lies wholly outside. It ranks as the "
        "Hessian does if the interval of the Spearman correlation over seeds lies above 0.7 (half "
        "of the ranks' variance), and does not if it lies below. The levels are rounding and every "
        "noise floor up to 1e-6 of the trace. holds if it is the Hessian's at all three layers and "
        "all levels; holds under a condition if that is so at some levels, which the condition "
        "names; else, as an indicator, if it ranks as the Hessian does at all three layers and all "
        "levels; else contradicted if at some layer it is off and does not rank at every level; "
        "else not supported. That W⊤W is the Hessian in the input is told and does not decide: "
        "descent does not move the input."
    )
    overturn = (
        "Gradient descent in the layer's input, for which W⊤W is the Hessian; or κ of W and of the "
        "inputs' second moment that go together, which training does not bring about."
    )
    version = 2
    changed = FLOORS_COUNT
    null = 1.0

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return the recipe's dense runs."""
        return needs_of(_models(seeds), MEASURED)

    def observe(self, bench: Bench) -> list[Observation]:
        """Return both κ of every layer and run, and the Hessians in the input."""
        found = []
        for config in _models(bench.seeds)["dense"]:
            run = bench.run(config)
            for subject, kind in ((WEIGHT, "weight"), (HESSIAN, "layer_hessian")):
                for layer, condition in enumerate(run.conditions(kind), 1):
                    found += [
                        Observation(
                            *(cut(kappa_of(layer), level), subject, config.seed),
                            kappa_at(condition, level),
                            run.run_id,
                        )
                        for level in DECIDING
                    ]
        found += [Observation(IN_INPUT, RANDOM, seed, in_input(seed)) for seed in bench.seeds]
        return found

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return ratios and rank correlations of κ, the distance in the input, then each κ."""
        names = [cut(kappa_of(layer), level) for level in DECIDING for layer in LAYERS]
        return [
            *(median_ratio(observations, name, HESSIAN, WEIGHT) for name in names),
            *(rank_correlation(observations, name, HESSIAN, WEIGHT) for name in names),
            largest(observations, IN_INPUT, RANDOM),
            *(median(observations, name, side) for name in names for side in (WEIGHT, HESSIAN)),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        of_ratios, of_ranks = (
            [curve(found, kappa_of(layer), HESSIAN, WEIGHT, statistic) for layer in LAYERS]
            for statistic in ("median paired ratio", STATISTIC)
        )
        equal = set.intersection(*(set(levels_of(own, _is_equal)) for own in of_ratios))
        refuted = any(
            always(ratio, lambda own: beyond(own, FACTOR))
            and always(rank, lambda own: below(own, FOLLOWS))
            for ratio, rank in zip(of_ratios, of_ranks, strict=True)
        )
        condition = None
        if equal == set(DECIDING):
            verdict = HOLDS
        elif equal:
            verdict, condition = CONDITIONAL, f"κ is taken {in_words(equal)}"
        elif all(always(rank, lambda own: above(own, FOLLOWS)) for rank in of_ranks):
            verdict = CONDITIONAL
            condition = "κ of W⊤W is an indicator, not the Hessian's κ"
        else:
            verdict = CONTRADICTED if refuted else NOT_SUPPORTED
        ratios, ranks = ([own[0] for own in curves] for curves in (of_ratios, of_ranks))
        robust = [own[-1] for own in of_ratios]
        return Judgement(
            verdict,
            f"κ of layer 1's Hessian: {in_digits(ratios[0])}× W⊤W's",
            "In trained dense layers 1 to 3 κ of the Hessian in the weights is "
            f"{', '.join(map(in_digits, ratios))} times that of W⊤W, above {ROBUST:.0e} of the "
            f"trace {', '.join(map(in_digits, robust))} times, and over seeds their ranks "
            f"correlate by {', '.join(map(in_digits, ranks))}. W⊤W is the Hessian in the layer's "
            f"input, to {found.find(IN_INPUT, RANDOM).estimate:.0e}.",
            condition,
        )


def _is_equal(ratio: Measurement) -> bool:
    return within(ratio, FACTOR)


def in_input(seed: int) -> float:
    """Return how far the Hessian in x of a random dense layer's ½‖Wx + b - t‖² is from W⊤W."""
    rng = np.random.default_rng([seed, STREAM])
    layer = Dense(12, 8)
    params = {name: rng.normal(size=shape) for name, shape in layer.parameter_shapes().items()}
    x, target = rng.normal(size=(1, layer.n_in)), rng.normal(size=(1, layer.n_out))
    grads = {name: np.empty_like(value) for name, value in params.items()}
    W = layer.matrix(params)
    rows = []
    for entry in range(layer.n_in):

        def slope(entry: int = entry) -> float:
            y, pullback = layer.forward(params, x, EVALUATION)
            return float(pullback(y - target, grads)[0, entry])

        rows.append(central_difference(slope, x, 1.0)[0])  # exact: the loss is quadratic in x
    gram = W.T @ W
    return float(np.linalg.norm(np.array(rows) - gram) / np.linalg.norm(gram))


def _models(seeds: Sequence[int]) -> dict[str, list[RunConfig]]:
    return {"dense": [RunConfig(seed=seed).baseline() for seed in seeds]}
