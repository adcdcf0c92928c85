"""Claim 13: Figure 2, a dense spectrum over five decades and nearly flat CD spectra."""

import math
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
from cdbench.config.diagnostics import Diagnostics
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    REPRODUCED,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.statistics.estimates import Observations, largest, mean_difference, median
from cdbench.statistics.wording import below, in_digits

PUBLISHED_SEED = 2
"""Figure 2 is of this seed alone."""
PUBLISHED_COUNT = 9
PUBLISHED_DECADES = 5
FLAT_DECADES = 1
"""What 'nearly flat' is taken to be: the largest number less than ten times the smallest."""

MODELS = ("dense", "cdlinear B=4", "cdlinear B=8")
OWN, COMPARABLE, HESSIAN = "published", "weight", "layer_hessian"
COUNT = "eigenvalues of the last layer in Figure 2"
FIGURE = "decades of the last layer's published numbers in Figure 2"


def decades(kind: str) -> str:
    """Return the quantity: log10 of largest / smallest of the last layer's numbers of a kind."""
    return f"decades of the last layer, {kind}"


class Figure2(Claim):
    """Decades that the last layer's spectra span, for every kind of number."""

    name = "figure-2"
    title = "Figure 2: dense 5 decades, CD nearly flat"
    statement = (
        "The dense layer has 9 eigenvalues spanning more than 5 decades, while the CD layers "
        "maintain a much flatter spectrum across all eigenvalues; the CD spectra are nearly flat."
    )
    where = "Fig. 2, caption; Sec. VI.2 (ii)"
    published = "dense: 9 over > 5 decades; CD nearly flat"
    method = (
        "The decades from the largest to the smallest number of the last weight layer at the end "
        "of training: of the figure's own numbers (kind published: dense squared, CD unsquared) "
        "for its own seed 2, and over all seeds for every kind, those at rounding level left out. "
        "Like for like (kind weight) the models are paired by seed."
    )
    rule = (
        "Three parts. FIVE: dense spans more than 5 decades; FLAT: B=4 and B=8 span less than 1 "
        "decade each; both of the published numbers, true if true of seed 2 and of the median over "
        "the seeds, false if false of both. FLATTER: like for like, both CD models span fewer "
        "decades than dense, the 95 % intervals of the mean paired differences below 0. reproduced "
        "if FIVE and FLAT are true and dense has 9 eigenvalues at seed 2; holds if FIVE, FLAT and "
        "FLATTER are true; holds under a condition if two of the three are, the condition naming "
        "them; contradicted if FIVE and FLAT are both false; else not supported."
    )
    overturn = (
        "The paper's own data of Figure 2, if they are of another layer or another training than "
        "its recipe."
    )

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return the paper's three models with every seed, and those of the figure whole."""
        whole = needs_of(paper_models([PUBLISHED_SEED]), Diagnostics())
        return needs_of(paper_models(seeds), CONDITIONS_ONLY) | whole

    def observe(self, bench: Bench) -> list[Observation]:
        """Return the last layers' decades of each kind, and what the figure shows."""
        from cdbench.diagnostics.spectra import KINDS

        observations = []
        for model, configs in paper_models(bench.seeds).items():
            for run in map(bench.run, configs):
                observations += [
                    Observation(
                        decades(kind),
                        model,
                        run.config.seed,
                        math.log10(run.conditions(kind)[-1].kappa_nonnull),
                        run.run_id,
                    )
                    for kind in KINDS
                ]
        for model, (config,) in paper_models([PUBLISHED_SEED]).items():
            run = bench.run(config)
            shown = run.conditions(OWN)[-1]
            observations += [
                Observation(quantity, model, PUBLISHED_SEED, value, run.run_id)
                for quantity, value in (
                    (COUNT, shown.rank),
                    (FIGURE, math.log10(shown.kappa_nonnull)),
                )
            ]
        return observations

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return what the figure shows, medians of every kind, and differences like for like."""
        from cdbench.diagnostics.spectra import KINDS

        return [
            *(largest(observations, q, model) for q in (COUNT, FIGURE) for model in MODELS),
            *(median(observations, decades(kind), m) for kind in (OWN, COMPARABLE) for m in MODELS),
            *(mean_difference(observations, decades(COMPARABLE), m, MODELS[0]) for m in MODELS[1:]),
            *(
                median(observations, decades(kind), model)
                for kind in KINDS
                if kind not in (OWN, COMPARABLE)
                for model in MODELS
            ),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        pairs = {
            model: [found.find(FIGURE, model).estimate, found.find(decades(OWN), model).estimate]
            for model in MODELS
        }
        five = [span > PUBLISHED_DECADES for span in pairs[MODELS[0]]]
        flat = [
            all(pairs[model][i] < FLAT_DECADES for model in MODELS[1:]) for i in range(len(five))
        ]
        changes = [found.find(decades(COMPARABLE), model, MODELS[0]) for model in MODELS[1:]]
        flatter = all(below(change, 0.0) for change in changes)
        count = round(found.find(COUNT, MODELS[0]).estimate)
        spans = ", ".join(f"{pairs[model][0]:.2f}" for model in MODELS)
        exact = ", ".join(f"{found.find(decades(HESSIAN), m).estimate:.2f}" for m in MODELS)
        measured = f"decades at seed 2: {spans} (dense, B=4, B=8)"
        reason = (
            f"At seed 2 dense has {count} eigenvalues, and the figure's numbers span {spans} "
            f"decades (dense, B=4, B=8); like for like B=4 and B=8 differ from dense by "
            f"{' and '.join(map(in_digits, changes))} decades; the layer's exact Hessian spans "
            f"{exact} in the median."
        )
        verdict, condition = _verdict(five, flat, flatter, count)
        return Judgement(verdict, measured, reason, condition)


def _verdict(
    five: Sequence[bool], flat: Sequence[bool], flatter: bool, count: int
) -> tuple[str, str | None]:
    parts = {
        "dense's five decades are meant": all(five),
        "CD's flatness is meant": all(flat),
        "spectra are compared like for like": flatter,
    }
    true = [words for words, is_true in parts.items() if is_true]
    if all(five) and all(flat) and count == PUBLISHED_COUNT:
        return REPRODUCED, None
    if len(true) == len(parts):
        return HOLDS, None
    if len(true) == len(parts) - 1:
        return CONDITIONAL, " and ".join(true)
    if not any(five) and not any(flat):
        return CONTRADICTED, None
    return NOT_SUPPORTED, None
