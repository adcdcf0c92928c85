"""Claim 3: the test accuracies of Table 1, and that the gap is within one standard deviation."""

from collections.abc import Sequence

from cdbench.claims.base import FOR_NEW_DATA, Bench, Claim, Measurements, Needs
from cdbench.claims.table1 import (
    B4,
    B8,
    DENSE,
    measure_cells,
    n_digits,
    needs_with_paper_seeds,
    observe_models,
)
from cdbench.records.judgement import (
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.records.published import PUBLISHED_ROWS, PUBLISHED_SEEDS
from cdbench.statistics.estimands import NEW_DATA
from cdbench.statistics.estimates import Observations, glass_delta, mean, mean_difference
from cdbench.statistics.wording import POINTS, above, below, in_digits, in_points

ACCURACY = "test accuracy, share"
TABLE_CELL = "test accuracy with the paper's seeds, share"


class Accuracy(Claim):
    """Test accuracies of the three models, paired over seeds."""

    name = "accuracy"
    title = "Test accuracy close to dense"
    statement = (
        "B=4 achieves 97.50 % ± 0.23 % test accuracy against 98.15 % ± 0.47 % for dense; the gap "
        "of 0.65 % is within one standard deviation of the seed-to-seed spread. B=8 drops to "
        "96.39 %."
    )
    where = "Abstract; Sec. VI.2 (i); Table 1"
    published = "gap of 0.65 points at B=4, within one deviation"
    method = (
        "Train the three models with every seed. A seed fixes the split for all three, so the gap "
        "is the mean paired difference to dense. 'One standard deviation' could be that of dense, "
        "of B=4 or of their difference; taken is dense's from seed to seed (ddof 1), since dense "
        "is what B=4 is compared with: the gap divided by it is Glass's Δ. By the paper's own "
        "digits the gap, 0.65, is larger than either deviation, 0.47 and 0.23, and smaller only "
        "than their sum. Whether there is a gap at all is another question, which the gap's own "
        "interval answers. The printed means and deviations (ddof 0) are formed again with the "
        "seeds 0, 1, 2."
    )
    rule = (
        "By the 95 % interval of Glass's Δ of B=4 over the audit's seeds: holds if it lies within "
        "-1 to 1; contradicted if it lies wholly below -1 or wholly above 1; else not supported. "
        "The six printed numbers, and B=8, are told beside the verdict and do not decide it. "
        f"{FOR_NEW_DATA}"
    )
    overturn = (
        "More seeds that move an end of the interval of Δ across -1, or a recipe with which dense "
        "varies more, or less, from seed to seed."
    )
    version = 3
    changed = (
        "The first version did not say of which population it speaks. Since the second it holds "
        "without a condition only if Δ is within one deviation for new data of the kind as well, "
        "and since the third only those intervals can contradict it."
    )
    null = -1.0
    about = NEW_DATA  # "close to dense" is meant to hold elsewhere

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return the paper's three models with every seed, and with the paper's own."""
        return needs_with_paper_seeds(seeds)

    def observe(self, bench: Bench) -> list[Observation]:
        """Return every run's test accuracy, and those with the paper's seeds once more."""
        return [
            *observe_models(bench, bench.seeds, ACCURACY, lambda run: run.test_accuracy),
            *observe_models(bench, PUBLISHED_SEEDS, TABLE_CELL, lambda run: run.test_accuracy),
        ]

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return Δ and the gap of each block size, each model's mean, and the table's cells."""
        return [
            *(glass_delta(observations, ACCURACY, model, DENSE) for model in (B4, B8)),
            *(mean_difference(observations, ACCURACY, model, DENSE) for model in (B4, B8)),
            *(mean(observations, ACCURACY, model) for model in PUBLISHED_ROWS),
            *measure_cells(observations, TABLE_CELL),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        delta, delta8, gap, gap8 = found.all[:4]
        cells = {model: row.test_accuracy for model, row in PUBLISHED_ROWS.items()}
        digits = f"{n_digits(found, TABLE_CELL, cells, POINTS)} of 6 numbers"
        real = above(gap, 0) or below(gap, 0)
        return Judgement(
            _verdict(delta),
            f"{in_digits(delta)} dense deviations; {digits} come out",
            f"Over {gap.n} seeds B=4 differs from dense by {in_points(gap)}, "
            f"{'a gap that is there' if real else 'perhaps no gap at all'}: {in_digits(delta)} of "
            f"dense's standard deviations; B=8 by {in_points(gap8)}, {in_digits(delta8)} "
            f"deviations; with the paper's seeds {digits} come out.",
        )


def _verdict(delta: Measurement) -> str:
    if above(delta, -1) and below(delta, 1):
        return HOLDS
    return CONTRADICTED if below(delta, -1) or above(delta, 1) else NOT_SUPPORTED
