"""Claim 6: the published comparison of condition numbers, like for like."""

from collections.abc import Mapping, Sequence
from itertools import product

from cdbench.claims.base import Bench, Claim, Measurements, Needs, needs_of, paper_models
from cdbench.claims.kappas import (
    BESIDE,
    DECISIVE,
    DENSE,
    LAYERS,
    MODELS,
    RANKS,
    WEIGHT,
    of_layers,
    of_network,
    running,
    running_ratios,
)
from cdbench.claims.statistics import Observations, largest, median, median_ratio, smallest
from cdbench.claims.wording import above, below, ends
from cdbench.diagnostics import Diagnostics
from cdbench.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.published import PUBLISHED_KAPPA_RATIOS

LABELS = dict(
    zip(
        DECISIVE,
        (
            "the weights",
            *(f"layer {layer}'s Hessian" for layer in LAYERS),
            "the network's Gauss–Newton matrix",
            "the same in weight-space coordinates",
        ),
        strict=True,
    )
)
"""How sentences call the quantities that decide."""


class ComparableKappa(Claim):
    """The paper's ratios of κ, formed of quantities that both families have."""

    name = "comparable-kappa"
    title = "310× and 12,000× better conditioned, like for like"
    statement = (
        "B=4 has a Hessian condition number 310× smaller than dense's, B=8 one 12,000× smaller: "
        "CDLinear layers maintain exponentially better-conditioned loss surfaces than dense layers "
        "under the same training procedure."
    )
    where = "Abstract; Sec. VI.2 (ii); Sec. VIII"
    published = "310× at B=4, 12,000× at B=8"
    method = (
        "After training, κ of what is the same in both families: σ²(W) (weight; mean over layers, "
        "as the paper averages); each layer's exact mean-squared-error Hessian (layer_hessian; of "
        "the non-null part, for dense's is singular by constant pixels and dead units, and the "
        "ranks are told); and the whole network's Gauss–Newton matrix, damped by 1e-3, in its own "
        "and in weight-space coordinates. It is singular, so that this κ compares the largest "
        "eigenvalues. Ratios dense / CDLinear, paired by seed, medians. Told beside: both sides "
        "squared (dense σ²(W), CDLinear |F[c]|²: still a layer against its blocks), the published "
        "mixture, and how ratios of means move with the number of seeds."
    )
    rule = (
        "Six quantities decide at each B: weight κ, layer_hessian κ of layers 1, 2 and 3, damped "
        "Gauss–Newton κ in both coordinates. A ratio reaches the published factor (310 or 12,000) "
        "if the upper end of its 95 % interval is at least that and the lower end above 1; it is "
        "short of it if the upper end is below; else open. holds if all 12 reach it; holds under "
        "a condition if some do, the condition naming them; contradicted if all 12 are short; else "
        "not supported."
    )
    overturn = (
        "Ratios of comparable quantities at the published factors: in all of them for it to hold, "
        "in none of them for it to be contradicted."
    )

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return the paper's models with the whole network's curvature.

        Their spectra in training decide nothing here; the figure of κ over epochs shows them.
        """
        diagnostics = Diagnostics(spectra_every=5, curvature="lanczos", values=False)
        return needs_of(paper_models(seeds), diagnostics)

    def observe(self, bench: Bench) -> list[Observation]:
        """Return every quantity of every run, then the ratios over the first seeds."""
        found = []
        kappas: dict[tuple[str, str], list[float]] = {}
        for model, configs in paper_models(bench.seeds).items():
            for run in map(bench.run, configs):
                values = {**of_layers(run), **of_network(run)}
                for quantity, value in values.items():
                    seed = run.config.seed
                    found.append(Observation(quantity, model, seed, value, run.run_id))
                    kappas.setdefault((quantity, model), []).append(value)
        return found + running_ratios(kappas)

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return the ratios, those that decide first, then levels and running ratios."""
        return [
            *(
                median_ratio(observations, quantity, DENSE, model)
                for quantity in (*DECISIVE, *BESIDE)
                for model in MODELS
            ),
            *(
                median(observations, quantity, model)
                for quantity in (*DECISIVE, *RANKS)
                for model in (DENSE, *MODELS)
            ),
            *(
                extreme(observations, running(average, WEIGHT), model)
                for average in ("means", "medians")
                for model in MODELS
                for extreme in (smallest, largest)
            ),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        ratios = {
            (quantity, model): found.find(quantity, DENSE, model)
            for quantity, model in product(DECISIVE, MODELS)
        }
        levels = {key: _level(ratio, key[1]) for key, ratio in ratios.items()}
        reached = [key for key, level in levels.items() if level == "reached"]
        condition = None
        if len(reached) == len(ratios):
            verdict = HOLDS
        elif reached:
            verdict, condition = CONDITIONAL, f"κ is that of {_named(reached)}"
        elif all(level == "short" for level in levels.values()):
            verdict = CONTRADICTED
        else:
            verdict = NOT_SUPPORTED
        whole = sum(
            not below(ratio, factor) and ends(ratio)[0] >= factor
            for (_, model), ratio in ratios.items()
            for factor in [PUBLISHED_KAPPA_RATIOS[DENSE, model]]
        )
        better = sum(above(ratio, 1) for ratio in ratios.values())
        worse = sum(below(ratio, 1) for ratio in ratios.values())
        told = [
            f"{label} " + " and ".join(_told(ratios[name, m], (name, m) in reached) for m in MODELS)
            for name, label in LABELS.items()
        ]
        return Judgement(
            verdict,
            _measured(ratios, reached),
            f"{len(reached)} of {len(ratios)} like-for-like ratios reach the published factor (✓), "
            f"{whole} with their whole interval; {better} intervals lie above 1, {worse} below; "
            f"dense / B=4 and dense / B=8 are, for {'; '.join(told)}. Of the weights, with their "
            f"intervals: {' and '.join(_times(ratios[WEIGHT, m]) for m in MODELS)}.",
            condition,
        )


def _level(ratio: Measurement, model: str) -> str:
    """Return how a ratio stands to the published factor: reached, short or open."""
    if below(ratio, PUBLISHED_KAPPA_RATIOS[DENSE, model]):
        return "short"
    return "reached" if above(ratio, 1) else "open"


def _named(reached: Sequence[tuple[str, str]]) -> str:
    """Return ``layer 1's Hessian (B=4), layer 2's Hessian (B=4, B=8)``."""
    models: dict[str, list[str]] = {}
    for quantity, model in reached:
        models.setdefault(LABELS[quantity], []).append(model.removeprefix("cdlinear "))
    return ", ".join(f"{label} ({', '.join(at)})" for label, at in models.items())


def _measured(
    ratios: Mapping[tuple[str, str], Measurement], reached: Sequence[tuple[str, str]]
) -> str:
    """Return how many ratios reach the factor, which, from what to what, and the weights'."""
    said = f"{len(reached)} of {len(ratios)} reach it"
    if reached:
        kinds = dict.fromkeys(_kind(quantity) for quantity, _ in reached)
        estimates = sorted(ratios[key].estimate for key in reached)
        least, most = _digits(estimates[0]), _digits(estimates[-1])
        said += f": {', '.join(kinds)} {least}× … {most}×"
    if all(quantity != WEIGHT for quantity, _ in reached):
        said += f"; weights {', '.join(_digits(ratios[WEIGHT, m].estimate) + '×' for m in MODELS)}"
    return said


def _kind(quantity: str) -> str:
    if quantity == WEIGHT:
        return "weights"
    return "layer Hessians" if quantity.startswith("layer_hessian") else "network"


def _told(ratio: Measurement, reaches: bool) -> str:
    return f"{_digits(ratio.estimate)}×{' ✓' * reaches}"


def _times(ratio: Measurement) -> str:
    low, high = map(_digits, ends(ratio))
    return f"{_digits(ratio.estimate)}× ({low} … {high})"


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
