"""Claim: all three models converge to similar final loss within 25 epochs."""

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
from cdbench.claims.table1 import B4, B8, DENSE, observe_models
from cdbench.records.judgement import (
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.records.published import PUBLISHED_ROWS
from cdbench.statistics.estimates import Observations, median, median_ratio
from cdbench.statistics.numerals import format_number
from cdbench.statistics.wording import above, below, in_digits
from cdbench.store.audit_queries import AuditedRun

FINAL = "training loss of epoch 25, nats"
FALL = "training loss of epoch 1 over that of epoch 25"
TEST = "test loss after epoch 25, nats"

SIMILAR = math.sqrt(10)
"""Half a decade of the logarithmic axis of Fig. 1, which spans more than three; the paper's own
ratio at B=4, 0.0007 / 0.0011, is within it, its ratio at B=8, 0.0157 / 0.0011 = 14, is not."""


class FinalLoss(Claim):
    """Final training losses of B=4 and B=8 over dense's, paired over seeds."""

    name = "final-loss"
    title = "Similar final loss of all three models"
    statement = (
        "Fig. 1 (left) shows training loss versus epoch. All three models converge to similar "
        "final loss within 25 epochs."
    )
    where = "Sec. VI.2 (iii); Fig. 1; Table 1"
    published = "similar loss after 25 epochs"
    method = (
        "Train the three models with every seed and take the training loss of epoch 25 of B=4 and "
        "of B=8 over that of dense, paired by seed: a ratio, because losses fall by a factor of "
        "hundreds (Fig. 1 has a logarithmic scale), and its median, because a late spike of one "
        "run would rule a mean. The paper does not say how close is similar; taken is half a "
        "decade of that scale, a factor of 3.16 either way, in which the losses fall by more than "
        "three decades. Losses in nats, by how much each has fallen since epoch 1, and the test "
        "loss, stand beside it: on a linear scale all three look near zero, since guessing costs "
        "ln 10 = 2.30."
    )
    rule = (
        "By the 95 % intervals of the median paired ratios to dense at epoch 25: holds if those of "
        "both B=4 and B=8 lie within 0.316 to 3.16; contradicted if that of B=4 or of B=8 lies "
        "wholly outside, because the sentence is about all three models; else not supported."
    )
    overturn = (
        "Another learning rate, since the common one moves W four and eight times as far as in the "
        "dense layer; more epochs; or similar meant on a linear scale."
    )

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return the paper's three models with every seed."""
        return needs_of(paper_models(seeds), CONDITIONS_ONLY)

    def observe(self, bench: Bench) -> list[Observation]:
        """Return every run's final training and test loss, and the fall of its training loss."""
        return [
            *observe_models(bench, bench.seeds, FINAL, lambda run: run.training_loss),
            *observe_models(bench, bench.seeds, FALL, _fall),
            *observe_models(bench, bench.seeds, TEST, lambda run: run.epochs[-1].test_loss),
        ]

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return the two ratios that decide, those of the test loss, and each model's medians."""
        return [
            *(median_ratio(observations, FINAL, model, DENSE) for model in (B4, B8)),
            *(median_ratio(observations, TEST, model, DENSE) for model in (B4, B8)),
            *(
                median(observations, quantity, model)
                for quantity in (FINAL, FALL, TEST)
                for model in PUBLISHED_ROWS
            ),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        ratios = [found.find(FINAL, model, DENSE) for model in (B4, B8)]
        of_test = [found.find(TEST, model, DENSE) for model in (B4, B8)]
        losses, falls = (
            ", ".join(format_number(found.find(q, model).estimate) for model in PUBLISHED_ROWS)
            for q in (FINAL, FALL)
        )
        return Judgement(
            _verdict(ratios),
            f"over dense: {in_digits(ratios[0])} at B=4, {in_digits(ratios[1])} at B=8",
            f"Over {ratios[0].n} seeds the median ratio of the final training loss to dense's is "
            f"{in_digits(ratios[0])} at B=4 and {in_digits(ratios[1])} at B=8, of the test loss "
            f"{in_digits(of_test[0])} and {in_digits(of_test[1])}; medians for dense, B=4 and B=8 "
            f"are {losses} nats, after falls since epoch 1 by factors of {falls}.",
        )


def _fall(run: AuditedRun) -> float:
    return run.epochs[0].training_loss / run.training_loss


def _verdict(ratios: Sequence[Measurement]) -> str:
    low, high = 1 / SIMILAR, SIMILAR
    if all(above(ratio, low) and below(ratio, high) for ratio in ratios):
        return HOLDS
    outside = any(below(ratio, low) or above(ratio, high) for ratio in ratios)
    return CONTRADICTED if outside else NOT_SUPPORTED
