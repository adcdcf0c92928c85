"""Claim 16: odd block sizes, which the paper prescribes and never trains."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from cdbench.claims.base import (
    FOR_NEW_DATA,
    Bench,
    Claim,
    Measurements,
    Needs,
    needs_of,
    recipe_models,
)
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.records.judgement import (
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.statistics.estimands import NEW_DATA
from cdbench.statistics.estimates import (
    Observations,
    largest,
    mean,
    mean_difference,
    median,
    median_ratio,
)
from cdbench.statistics.wording import above, below, in_points
from cdbench.store.audit_queries import AuditedRun

BLOCK_SIZES = (1, 2, 3, 4, 5, 6, 7, 8)
ODD = (3, 5, 7)
"""Odd block sizes between even ones; B=1 is the dense network itself."""
DENSE = "dense"
ALL_ODD = "mean of B=3, 5, 7"
ACCURACY = "test accuracy, share"
PARAMETERS = "parameters"
WEIGHT = "weight κ of the middle layer"
"""The middle layer is square at every B; a layer with padded inputs is not, and κ is then less for
that reason alone."""
EXCESS = "test accuracy above even neighbours' at the same parameters, share"
MARGIN = 0.0025
"""An excess up to this share counts as none: less than one of the 360 test samples."""


class OddBlockSizes(Claim):
    """Accuracy of odd block sizes against that of their even neighbours."""

    name = "odd-block-sizes"
    title = "Odd B, the polygons' multiplicity"
    statement = (
        "The framework prescribes B = 2ℓ+1 ∈ {1, 3, 5, 7, …} from the polygon multiplicity, for "
        "hyperparameter selection rather than a heuristic search, even values being degenerate "
        "cases; B=4 was found a good compromise."
    )
    where = "Abstract (b); Sec. I; Sec. II (F2); Sec. VII"
    published = "B from 1, 3, 5, 7, …; only 4 and 8 were trained"
    method = (
        "Train dense and B = 1 to 8 with every seed; widths that B does not divide are rounded up. "
        "A prescription of odd sizes has content if they do better than even ones of the same "
        "number of parameters. So the accuracy of B = 3, 5, 7 is compared, seed by seed, with that "
        "of B-1 and B+1 interpolated linearly in the logarithm of the number of parameters."
    )
    rule = (
        "By the 95 % interval of the excess over the even neighbours, averaged over B = 3, 5, 7 "
        "and over the seeds: holds if it lies above 0.25 points; contradicted if it lies below "
        "-0.25 points; else not supported, and if it lies within ±0.25 points odd sizes are as "
        "good as even ones. That B=4 is a good compromise is told beside it (accuracy, parameters "
        f"and κ of every size) and does not decide. {FOR_NEW_DATA}"
    )
    overturn = (
        "A task in which an odd block size beats both even neighbours: for instance data with a "
        "symmetry of that order."
    )
    version = 2
    changed = (
        "The first version rested on intervals for new splits of these digits. The framework "
        "prescribes odd sizes whatever the data; so the second rests on those for new data of the "
        "kind."
    )
    null = 0.0
    about = NEW_DATA  # "prescribes", for any data

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return dense and every block size with every seed."""
        return needs_of(_configs(seeds), Diagnostics(values=False, kinds=("weight",)))

    def observe(self, bench: Bench) -> list[Observation]:
        """Return every run's accuracy, parameters and κ, and the odd sizes' excess."""
        observations = []
        for model, configs in _configs(bench.seeds).items():
            for run in map(bench.run, configs):
                observations += [
                    Observation(quantity, model, run.config.seed, value, run.run_id)
                    for quantity, value in (
                        (ACCURACY, run.test_accuracy),
                        (PARAMETERS, run.n_parameters),
                        (WEIGHT, run.conditions("weight")[1].kappa),
                    )
                ]
        for seed in bench.seeds:
            runs = {B: bench.run(RunConfig(B=B, seed=seed)) for B in BLOCK_SIZES}
            excesses = {B: excess(runs, B) for B in ODD}
            observations += [
                Observation(EXCESS, _name(B), seed, value, runs[B].run_id)
                for B, value in excesses.items()
            ]
            together = float(np.mean(list(excesses.values())))
            observations.append(Observation(EXCESS, ALL_ODD, seed, together))
        return observations

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return the excesses, then what each block size costs and gives against dense."""
        names = [_name(B) for B in BLOCK_SIZES]
        return [
            *(mean(observations, EXCESS, subject) for subject in (ALL_ODD, *map(_name, ODD))),
            *(mean_difference(observations, ACCURACY, name, DENSE) for name in names),
            *(mean(observations, ACCURACY, name) for name in (DENSE, *names)),
            *(largest(observations, PARAMETERS, name) for name in (DENSE, *names)),
            *(median_ratio(observations, WEIGHT, name, DENSE) for name in names),
            *(median(observations, WEIGHT, name) for name in (DENSE, *names)),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        odd = found.find(EXCESS, ALL_ODD)
        four = found.find(ACCURACY, _name(4), DENSE)
        parameters = [found.find(PARAMETERS, name).estimate for name in (_name(4), DENSE)]
        compromise = (
            f"B=4 has {100 * parameters[0] / parameters[1]:.0f} % of dense's parameters and "
            f"differs from it by {in_points(four)}"
        )
        measured = f"odd over even {in_points(odd)}"
        if above(odd, MARGIN):
            verdict, words = HOLDS, "are better than"
        elif below(odd, -MARGIN):
            verdict, words = CONTRADICTED, "are worse than"
        elif above(odd, -MARGIN) and below(odd, MARGIN):
            verdict, words = NOT_SUPPORTED, "are as good as"
        else:
            verdict, words = NOT_SUPPORTED, "cannot be told from"
        reason = (
            f"Odd block sizes {words} even ones of the same number of parameters: "
            f"{in_points(odd)}; {compromise}."
        )
        return Judgement(verdict, measured, reason)


def excess(runs: Mapping[int, AuditedRun], B: int) -> float:
    """Return a block size's accuracy less its neighbours', interpolated in ln(parameters)."""
    larger, own, smaller = (runs[size] for size in (B - 1, B, B + 1))
    place = math.log(own.n_parameters / larger.n_parameters) / math.log(
        smaller.n_parameters / larger.n_parameters
    )
    neighbours = (1 - place) * larger.test_accuracy + place * smaller.test_accuracy
    return own.test_accuracy - neighbours


def _configs(seeds: Sequence[int]) -> dict[str, list[RunConfig]]:
    return recipe_models(BLOCK_SIZES, seeds)


def _name(B: int) -> str:
    return RunConfig(B=B).model
