"""Claim 4: the final training losses of Table 1, and that B=4 is below dense by epoch 20."""

from collections.abc import Sequence
from functools import partial

from cdbench.claims.base import Bench, Claim, Measurements, Needs
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
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.records.published import PUBLISHED_ROWS, PUBLISHED_SEEDS
from cdbench.statistics.estimates import Observations, mean_difference, median, median_ratio
from cdbench.statistics.wording import above, below, in_digits
from cdbench.store.audit_queries import AuditedRun

TABLE_CELL = "final training loss with the paper's seeds, nats"
EARLY = range(1, 11)
LATE, FINAL = 20, 25


def loss_at(epoch: int) -> str:
    """Return the quantity's name: the training loss of an epoch."""
    return f"training loss of epoch {epoch}, nats"


class TrainingLoss(Claim):
    """Training losses of the three models, paired over seeds."""

    name = "training-loss"
    title = "Training loss below dense by epoch 20"
    statement = (
        "Final training losses are 0.0011 ± 0.0001 (dense), 0.0007 ± 0.0002 (B=4) and 0.0157 ± "
        "0.0165 (B=8). Dense has lower loss at epochs 1-10; by epoch 20 B=4 reaches lower training "
        "loss than dense."
    )
    where = "Sec. VI.2 (iii); Table 1; Fig. 1"
    published = "dense lower at epochs 1-10, B=4 lower by epoch 20"
    method = (
        "Train the three models with every seed and take the training loss of B=4 over that of "
        "dense, paired by seed, at each epoch 1-10 and at epoch 20: a ratio, because losses fall "
        "by a factor of hundreds (Fig. 1 has a logarithmic scale), and its median, because a late "
        "spike of one run would rule a mean. The printed means and deviations (ddof 0) are formed "
        "again with the seeds 0, 1, 2. Mean differences, epoch 25 and B=8 stand beside it."
    )
    rule = (
        "By the 95 % intervals of the median paired ratio of B=4 to dense: holds if it lies below "
        "1 at epoch 20 and above 1 at each of the epochs 1-10; holds under a condition if it lies "
        "below 1 at epoch 20 and above 1 at fewer of the epochs 1-10 (the condition names which, "
        "or that there is none); contradicted if it lies above 1 at epoch 20; else not supported. "
        "The six printed numbers and B=8 are told beside the verdict and do not decide it."
    )
    overturn = (
        "More seeds that move the interval at epoch 20 across 1; another learning rate, since the "
        "common one moves W four times as far at B=4 as in the dense layer."
    )
    null = 1.0

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return the paper's three models with every seed, and with the paper's own."""
        return needs_with_paper_seeds(seeds)

    def observe(self, bench: Bench) -> list[Observation]:
        """Return every run's loss at the epochs that count, and the table's final ones."""
        observed = [
            found
            for epoch in (*EARLY, LATE, FINAL)
            for found in observe_models(bench, bench.seeds, loss_at(epoch), partial(_loss, epoch))
        ]
        final = observe_models(bench, PUBLISHED_SEEDS, TABLE_CELL, partial(_loss, FINAL))
        return observed + final

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return the ratios of B=4 to dense, epoch 20 first, and what stands beside them."""
        return [
            *(median_ratio(observations, loss_at(e), B4, DENSE) for e in (LATE, *EARLY, FINAL)),
            median_ratio(observations, loss_at(FINAL), B8, DENSE),
            *(mean_difference(observations, loss_at(e), B4, DENSE) for e in (LATE, FINAL)),
            *(median(observations, loss_at(FINAL), model) for model in PUBLISHED_ROWS),
            *measure_cells(observations, TABLE_CELL),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        late = found.find(loss_at(LATE), B4, DENSE)
        ahead = [e for e in EARLY if above(found.find(loss_at(e), B4, DENSE), 1)]
        verdict, condition = _verdict(late, ahead)
        cells = {model: row.training_loss for model, row in PUBLISHED_ROWS.items()}
        digits = f"{n_digits(found, TABLE_CELL, cells)} of 6 numbers come out"
        ratios = [found.find(loss_at(FINAL), model, DENSE) for model in (B4, B8)]
        gap = found.find(loss_at(LATE), B4, DENSE, "mean paired difference")
        return Judgement(
            verdict,
            f"epoch 20: B=4 / dense {in_digits(late)}; {digits}",
            f"Over {late.n} seeds the median ratio of the training loss of B=4 to dense's is "
            f"{in_digits(late)} at epoch 20 and {in_digits(ratios[0])} at epoch 25 (B=8: "
            f"{in_digits(ratios[1])}); in the mean, which late spikes of single runs rule, B=4 "
            f"differs by {in_digits(gap)} nats at epoch 20; dense is lower at {_epochs(ahead)}; "
            f"with the paper's seeds {digits}.",
            condition,
        )


def _loss(epoch: int, run: AuditedRun) -> float:
    return run.epochs[epoch - 1].training_loss


def _verdict(late: Measurement, ahead: Sequence[int]) -> tuple[str, str | None]:
    if below(late, 1):
        if list(EARLY) == list(ahead):
            return HOLDS, None
        return CONDITIONAL, f"the early lead of dense is read as {_epochs(ahead)}"
    return (CONTRADICTED if above(late, 1) else NOT_SUPPORTED), None


def _epochs(epochs: Sequence[int]) -> str:
    """Return ``epochs 1-10`` for consecutive ones, ``epochs 1, 2, 5``, or ``no early epoch``."""
    if not epochs:
        return "no early epoch"
    if list(epochs) == list(range(epochs[0], epochs[-1] + 1)) and len(epochs) > 2:
        return f"epochs {epochs[0]}-{epochs[-1]}"
    return f"epoch{'s' * (len(epochs) > 1)} {', '.join(map(str, epochs))}"
