"""Claim: whether B=8 pays in accuracy for its few parameters, or for a step that is too large."""

from collections.abc import Mapping, Sequence

from cdbench.claims.base import EPOCHS_ONLY, Bench, Claim, Measurements, Needs
from cdbench.claims.evidence.rate_grid import (
    B4,
    B8,
    DENSE,
    RAW,
    WEIGHT_SPACE,
    Setting,
    errors_of,
    grid,
    own_best,
)
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.statistics.estimands import SPLITS
from cdbench.statistics.estimates import Observations, mean, mean_difference, mean_ratio, median
from cdbench.statistics.numerals import format_points
from cdbench.statistics.wording import above, below, in_digits, in_points

ACCURACY = "test accuracy, share"
STEP = "step on W of the own best rate"
PAPERS_RATE = 0.1
EQUAL_RATE, ONLY_OURS, BOTH = "equal rate 0.1", "own best rate, dense at 0.1", "own best rates"
COMPARISONS = (EQUAL_RATE, BOTH, ONLY_OURS)
MODELS = (B8, B4)
HALF = 0.5
"""Above it most of the gap is left with a better step, below it most of it was the step's."""

FIXED = tuple(Setting(B8, WEIGHT_SPACE, rate) for rate in (0.1, 0.2, 0.4, 0.8))
"""Steps of B=8 on W from the paper's for dense up to its own, 8 × 0.1; told beside."""


def gap_of(model: str) -> str:
    """Return the quantity: by how much dense is ahead; its subjects are the comparisons."""
    return f"test accuracy of dense above {model}'s, share"


class StepSize(Claim):
    """B=8's gap to dense at the paper's equal rate, and at each model's own best."""

    name = "step-size"
    title = "What B=8 trades its accuracy for"
    statement = (
        "At B=8, accuracy drops to 96.39 % but the parameter count is reduced to 1,296: B=8 trades "
        "1.7 % accuracy for an additional factor of 1.8 in parameter compression. The choice of B "
        "trades parameter count against expressive capacity (at matched optimization budgets, "
        "η = 0.1 for all)."
    )
    where = "Sec. VI.2 (i); Table 1; Sec. VII"
    published = "1.7 % accuracy traded for compression"
    method = (
        "The gap of B=8 to dense, paired by seed, at the paper's equal rate 0.1, at which one step "
        "moves W eight times as far as in the dense layer, and at each model's own best rate of "
        "the grid (dense 0.05 to 0.8; B=8 0.0125 to 0.2 raw, and 0.05 to 0.8 in weight space, "
        "where the step on c is divided by B; in factors of 2). Parameters are the same in both. "
        "What is left of the gap can be capacity's price; what goes was the step's. The own best "
        "of a seed is that of the highest test accuracy, in the mean, over the half of the seeds "
        "it is not in, so that no rate is chosen on the runs that it is judged by. B=8 at its own "
        "best against dense at 0.1, B=8 at fixed steps, and B=4, stand beside it."
    )
    rule = (
        "First there must be a gap: at the equal rate its 95 % interval lies above 0, else not "
        "supported. Then by the 95 % interval of the mean gap at the own best rates over that at "
        "the equal rate: holds if it lies above 0.5, most of the gap being left; contradicted if "
        "it lies below 0.5, most of the gap having been the step's; else holds under a condition "
        "(that only the part left is meant) if a gap is left, its interval above 0 at the own "
        "best rates; else not supported. B=4 is told beside the verdict and does not decide it."
    )
    overturn = (
        "A grid with better rates, for dense or for B=8; a schedule that lowers the rate; or more "
        "seeds that move the interval across a half."
    )
    without_runs = SPLITS
    about = SPLITS  # what became of the 1.7 points of Table 1
    null = 0.5

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return the three models with every rate of the grid and every seed."""
        return {config: EPOCHS_ONLY for own in grid(seeds).values() for config in own}

    def observe(self, bench: Bench) -> list[Observation]:
        """Return accuracies at all settings and at the own best, their steps, and the gaps."""
        runs = {
            setting: {config.seed: bench.run(config) for config in configs}
            for setting, configs in grid(bench.seeds).items()
        }
        best = own_best(errors_of(runs), bench.seeds)
        observations = [
            Observation(ACCURACY, str(setting), seed, run.test_accuracy, run.run_id)
            for setting, own in runs.items()
            for seed, run in own.items()
        ]
        for seed in bench.seeds:
            equal, own = {}, {}
            for model in (DENSE, *MODELS):
                chosen = best[model][seed]
                equal[model] = runs[Setting(model, RAW, PAPERS_RATE)][seed].test_accuracy
                own[model] = runs[chosen][seed].test_accuracy
                observations.append(Observation(ACCURACY, f"{model}, own best", seed, own[model]))
                observations.append(Observation(STEP, model, seed, chosen.step))
            for model in MODELS:
                gaps = {
                    EQUAL_RATE: equal[DENSE] - equal[model],
                    BOTH: own[DENSE] - own[model],
                    ONLY_OURS: equal[DENSE] - own[model],
                }
                observations += [
                    Observation(gap_of(model), comparison, seed, gap)
                    for comparison, gap in gaps.items()
                ]
        return observations

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return what is left of the gaps, the gaps, and accuracies and steps."""
        models = (DENSE, *MODELS)
        shown = [f"{model}, own best" for model in models]
        shown += [str(Setting(model, RAW, PAPERS_RATE)) for model in models]
        dense = str(Setting(DENSE, RAW, PAPERS_RATE))
        return [
            *(
                mean_ratio(observations, gap_of(model), comparison, EQUAL_RATE)
                for model in MODELS
                for comparison in (BOTH, ONLY_OURS)
            ),
            *(
                mean(observations, gap_of(model), comparison)
                for model in MODELS
                for comparison in COMPARISONS
            ),
            *(mean_difference(observations, ACCURACY, str(fixed), dense) for fixed in FIXED),
            *(mean(observations, ACCURACY, subject) for subject in shown),
            *(median(observations, STEP, model) for model in models),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        left = found.find(gap_of(B8), BOTH, EQUAL_RATE)
        gaps = {name: found.find(gap_of(B8), name) for name in COMPARISONS}
        verdict = _verdict(left, gaps)
        steps = " and ".join(f"{found.find(STEP, model).estimate:g}" for model in (DENSE, B8))
        four = [in_points(found.find(gap_of(B4), name)) for name in (EQUAL_RATE, BOTH)]
        points = format_points([gaps[name].estimate for name in (EQUAL_RATE, BOTH)], signed=False)
        condition = f"only the {points[1]} points of {points[0]} left at own best rates are meant"
        return Judgement(
            verdict,
            f"B=8's gap {points[0]} → {points[1]} points at own best rates",
            f"Dense is ahead of B=8 by {in_points(gaps[EQUAL_RATE])} at the equal rate and by "
            f"{in_points(gaps[BOTH])} at each one's own best (median steps on W {steps}; B=8's is "
            f"0.8 at the paper's rate), {in_digits(left)} of it; with dense left at 0.1, by "
            f"{in_points(gaps[ONLY_OURS])}. Of B=4 by {four[0]} and {four[1]}.",
            condition if verdict == CONDITIONAL else None,
        )


def _verdict(left: Measurement, gaps: Mapping[str, Measurement]) -> str:
    if not above(gaps[EQUAL_RATE], 0):
        return NOT_SUPPORTED
    if above(left, HALF):
        return HOLDS
    if below(left, HALF):
        return CONTRADICTED
    return CONDITIONAL if above(gaps[BOTH], 0) else NOT_SUPPORTED
