"""Claim: κ is at most a small constant times the spread of the input's spectrum."""

from collections.abc import Sequence

from cdbench.claims.base import (
    CONDITIONS_ONLY,
    Bench,
    Claim,
    Measurements,
    Needs,
    needs_of,
    paper_models,
)
from cdbench.claims.statistics import Observations, median, median_ratio
from cdbench.claims.wording import above, below, in_digits
from cdbench.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Measurement,
    Observation,
)

LAYERS, MODELS, DENSE = (1, 2, 3), ("cdlinear B=4", "cdlinear B=8"), "dense"
HESSIAN, SPREAD = "layer_hessian", "theorem1"
SMALL = 10.0


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
        "their non-null parts, because blank pixels make both infinite; the constant is their "
        "ratio, paired by seed. The spread could also mean that of the inputs' whole covariance. "
        "That bounds κ with the constant 1, null directions counted, but is κ itself for a "
        "dense layer, and says nothing in contrast to it. Beside it the same ratio for dense."
    )
    rule = (
        "Small is at most 10: the contrast is with Θ(n_in), n_in = 64, and a constant within an "
        "order of magnitude of 64 would be none. A layer keeps the bound if the 95 % interval of "
        "the median ratio lies below 10 at B=4 and at B=8, and breaks it if it lies above 10 at "
        "either. holds if all three layers keep it; holds under a condition if at least one does, "
        "the condition naming which; contradicted if none does and one breaks it; else not "
        "supported."
    )
    overturn = (
        "Inputs whose blocks are as weakly coupled as those of the deeper layers; or a "
        "constant that may be larger than 10."
    )
    null = 10.0

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return the paper's three models."""
        return needs_of(paper_models(seeds), CONDITIONS_ONLY)

    def observe(self, bench: Bench) -> list[Observation]:
        """Return κ of the Hessian and the input's spread, of every layer and run."""
        found = []
        for model, configs in paper_models(bench.seeds).items():
            for run in map(bench.run, configs):
                for kind in (HESSIAN, SPREAD):
                    for layer, condition in enumerate(run.conditions(kind), 1):
                        name, kappa = kappa_of(layer, model), condition.kappa_nonnull
                        found.append(Observation(name, kind, run.config.seed, kappa, run.run_id))
        return found

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return the ratios, dense's last, then both κ."""
        names = [kappa_of(layer, model) for model in (*MODELS, DENSE) for layer in LAYERS]
        return [
            *(median_ratio(observations, name, HESSIAN, SPREAD) for name in names),
            *(median(observations, name, kind) for name in names for kind in (HESSIAN, SPREAD)),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        at = {
            (layer, model): found.find(kappa_of(layer, model), HESSIAN, SPREAD)
            for model in (*MODELS, DENSE)
            for layer in LAYERS
        }
        kept = [n for n in LAYERS if all(below(at[n, model], SMALL) for model in MODELS)]
        broken = [n for n in LAYERS if any(above(at[n, model], SMALL) for model in MODELS)]
        condition = None
        if kept == list(LAYERS):
            verdict = HOLDS
        elif kept:
            verdict = CONDITIONAL
            condition = f"the layer is {' or '.join(map(str, kept))} of the three"
        else:
            verdict = CONTRADICTED if broken else NOT_SUPPORTED
        four, eight, dense = (
            ", ".join(in_digits(at[layer, model]) for layer in LAYERS) for model in (*MODELS, DENSE)
        )
        return Judgement(
            verdict,
            f"layer 1, B=4: {in_digits(at[1, MODELS[0]])}× the input's spread",
            f"κ of the Hessians of layers 1 to 3 is {four} times the spread of the input's "
            f"spectrum at B=4 and {eight} times at B=8; for dense {dense} times.",
            condition,
        )
