"""Claim: κ is at most a small constant times the spread of the input's spectrum."""

from collections.abc import Sequence

from cdbench.claims.base import Bench, Claim, Measurements, Needs, needs_of, paper_models
from cdbench.claims.evidence.kappa_curves import (
    DECIDING,
    FLOORS_COUNT,
    ROBUST,
    always,
    curve,
    cut,
    kappa_at,
    levels_of,
    named_with,
)
from cdbench.config.diagnostics import Diagnostics
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.statistics.estimates import Observations, median, median_ratio
from cdbench.statistics.wording import above, below, in_digits

LAYERS, MODELS, DENSE = (1, 2, 3), ("cdlinear B=4", "cdlinear B=8"), "dense"
HESSIAN, SPREAD = "layer_hessian", "theorem1"
SMALL = 10.0
MEASURED = Diagnostics(values=False, kinds=(SPREAD, HESSIAN), floors=True)


def kappa_of(layer: int, model: str) -> str:
    """Return what κ of a layer is called; its subjects are the Hessian and the input's spread."""
    return f"κ, layer {layer}, {model}"


class KappaOfInput(Claim):
    """κ of each layer's Hessian over the spread of its input's spectrum."""

    name = "kappa-of-input"
    title = "κ is a small constant times the input's spread"
    statement = (
        "In practice inputs are not perfectly whitened, but the empirical κ should remain bounded "
        "by a small constant times the input-spectrum spread, in contrast to the dense case, where "
        "κ = Θ(n_in). Sec. VI verifies this prediction empirically."
    )
    where = "Sec. V, after Theorem 2"
    published = "κ ≤ a small constant × spread of |F[X_j](k)|²"
    method = (
        "The empirical κ is that of each layer's exact Hessian on the training split, for the "
        "trained networks of the recipe. The input-spectrum spread is largest over smallest of "
        "Theorem 1's numbers on the same inputs, the mean of |F[X_j](k)|² over samples. Both of "
        "their non-null parts, because blank pixels make both infinite, and above the same noise "
        "floors; the constant is their ratio, paired by seed. The spread could also mean that of "
        "the inputs' whole covariance. That bounds κ with the constant 1, null directions counted, "
        "but is κ itself for a dense layer, and says nothing in contrast to it. Beside it the same "
        "ratio for dense."
    )
    rule = (
        "Small is at most 10: the contrast is with Θ(n_in), n_in = 64, and a constant within an "
        "order of magnitude of 64 would be none. A layer keeps the bound at a level if the 95 % "
        "interval of the median ratio lies below 10 at B=4 and at B=8, and breaks it if it lies "
        "above 10 at either. It keeps it altogether if it does at rounding level and at every "
        "noise floor up to 1e-6 of the trace. holds if all three layers do; holds under a "
        "condition if at least one does, or keeps it at some levels, the condition naming layers "
        "and levels; contradicted if none keeps it at any level and one breaks it at all of them; "
        "else not supported."
    )
    overturn = (
        "Inputs whose blocks are as weakly coupled as those of the deeper layers; or a constant "
        "that may be larger than 10."
    )
    version = 2
    changed = FLOORS_COUNT
    null = 10.0

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return the paper's three models."""
        return needs_of(paper_models(seeds), MEASURED)

    def observe(self, bench: Bench) -> list[Observation]:
        """Return κ of the Hessian and the input's spread, of every layer and run."""
        found = []
        for model, configs in paper_models(bench.seeds).items():
            for run in map(bench.run, configs):
                for kind in (HESSIAN, SPREAD):
                    for layer, condition in enumerate(run.conditions(kind), 1):
                        found += [
                            Observation(
                                *(cut(kappa_of(layer, model), level), kind, run.config.seed),
                                kappa_at(condition, level),
                                run.run_id,
                            )
                            for level in DECIDING
                        ]
        return found

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return the ratios, dense's last, then both κ."""
        names = [
            cut(kappa_of(layer, model), level)
            for level in DECIDING
            for model in (*MODELS, DENSE)
            for layer in LAYERS
        ]
        return [
            *(median_ratio(observations, name, HESSIAN, SPREAD) for name in names),
            *(median(observations, name, kind) for name in names for kind in (HESSIAN, SPREAD)),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        at = {
            (layer, model): curve(found, kappa_of(layer, model), HESSIAN, SPREAD)
            for model in (*MODELS, DENSE)
            for layer in LAYERS
        }
        kept = {
            layer: set.intersection(*(set(levels_of(at[layer, own], _is_small)) for own in MODELS))
            for layer in LAYERS
        }
        broken = [
            layer for layer in LAYERS if any(always(at[layer, own], _is_large) for own in MODELS)
        ]
        condition = None
        if all(levels == set(DECIDING) for levels in kept.values()):
            verdict = HOLDS
        elif any(kept.values()):
            verdict = CONDITIONAL
            condition = "the layer is " + " or ".join(
                named_with(str(layer), levels) for layer, levels in kept.items() if levels
            )
        else:
            verdict = CONTRADICTED if broken else NOT_SUPPORTED
        four, eight, dense = (
            ", ".join(in_digits(at[layer, model][0]) for layer in LAYERS)
            for model in (*MODELS, DENSE)
        )
        robust = ", ".join(in_digits(at[layer, MODELS[0]][-1]) for layer in LAYERS)
        return Judgement(
            verdict,
            f"layer 1, B=4: {in_digits(at[1, MODELS[0]][0])}× the input's spread",
            f"κ of the Hessians of layers 1 to 3 is {four} times the spread of the input's "
            f"spectrum at B=4 and {eight} times at B=8; for dense {dense} times. Above "
            f"{ROBUST:.0e} of the trace it is {robust} times at B=4.",
            condition,
        )


def _is_small(ratio: Measurement) -> bool:
    return below(ratio, SMALL)


def _is_large(ratio: Measurement) -> bool:
    return above(ratio, SMALL)
