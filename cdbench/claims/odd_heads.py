"""The claim that odd head counts, H = 2ℓ+1, are the ones to try."""

from collections.abc import Sequence
from itertools import product

import numpy as np

from cdbench.claims.base import EPOCHS_ONLY, FOR_NEW_DATA, Bench, Claim, Measurements, Needs
from cdbench.claims.evidence.systems import TRAINING, Knobs
from cdbench.config.run_config import RunConfig
from cdbench.engine.products.base import Array
from cdbench.records.judgement import (
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.statistics.estimands import NEW_DATA
from cdbench.statistics.estimates import Observations, mean
from cdbench.statistics.numerals import format_points
from cdbench.statistics.wording import above, below, in_points

HEADS = (1, 2, 3, 4, 5, 6, 7, 8)
N_SEEDS = 10
OWN: Knobs = TRAINING | {
    "architecture": "attention",
    "layer": "cdlinear",
    "B": 4,
    "depth": 1,
    "learning_rate": 0.003,
    "dtype": "float32",
    "epochs": 10,
    "batch_size": 32,
}

ALL_WIDTH, WIDTH, HEAD_WIDTH = 840, 64, 16
"""The width of all heads together, which 1 to 8 divide; of tokens; and of one head."""

WIDTHS = dict(zip(HEADS, (76, 72, 68, 64, 60, 60, 56, 52), strict=True))
"""Of tokens where the weights are fixed: multiples of 4 that give within 5 % of those of H = 4."""

FIXED_WIDTH, FIXED_HEADS, FIXED_WEIGHTS = "all heads 840", "each head 16", "weights fixed"
ARMS = (FIXED_WIDTH, FIXED_HEADS, FIXED_WEIGHTS)
ALL_ARMS = "mean of the arms"
PARITY = "test accuracy of odd head counts above the trend, share"
MARGIN = 0.0025
"""A parity up to this share counts as none, as for odd block sizes."""


def accuracy_in(arm: str) -> str:
    """Return the quantity: test accuracy; its subjects are the head counts."""
    return f"test accuracy, {arm}, share"


def parity_weights() -> Array:
    """Return the weights with which accuracies by head count add up to the parity, (H,).

    The parity p is a coefficient of the least-squares fit a + b log H + c (log H)² + p · odd(H).
    """
    logs = np.log(HEADS)
    design = np.stack([np.ones(len(HEADS)), logs, logs**2, np.array(HEADS) % 2], axis=1)
    found: Array = np.linalg.pinv(design)[3]
    return found


class OddHeads(Claim):
    """Accuracy by the number of heads, and how far odd ones are above a smooth trend."""

    name = "odd-heads"
    title = "Odd numbers of heads, H = 2ℓ+1"
    statement = (
        "The natural mapping is that the H heads of multi-head attention correspond to the 2ℓ+1 "
        "polygon vertices, with H = 2ℓ+1 providing a discrete sequence {1, 3, 5, 7, …} of "
        "candidate head counts."
    )
    where = "Sec. VII"
    published = "H from 1, 3, 5, 7, …; not tested"
    method = (
        "Attention over the rows of the digits: one block, AdamW at 0.003 with a cosine schedule, "
        f"10 epochs in batches of 32, H = 1 to 8, the first {N_SEEDS} seeds, layers of B=4. "
        "In three arms: all heads together 840 wide, which 1 to 8 divide, tokens 64; "
        "each head 16 wide, tokens 64, so that weights grow with H; and each head 16 wide, tokens "
        "as wide as keeps the number of weights. A sequence of odd numbers has content if they do "
        "better than even ones beyond what a smooth trend gives: the parity is p in the "
        "least-squares fit a + b log H + c (log H)² + p for odd H, seed by seed."
    )
    rule = (
        "By the 95 % interval of the parity over the seeds, averaged over the three arms: holds if "
        "it lies above 0.25 points; contradicted if it lies below 0.25 points, so that no parity "
        f"that matters is left; else not supported. Each arm's own is told. {FOR_NEW_DATA}"
    )
    overturn = (
        "A task in which odd head counts beat their even neighbours, such as data with a symmetry "
        "of that order; or a parity that only larger networks have."
    )
    null = 0.0
    about = NEW_DATA  # candidates for any data
    on_request = True

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return every head count in each arm, for the first seeds."""
        return {
            config: EPOCHS_ONLY
            for arm, heads in product(ARMS, HEADS)
            for config in _configs(arm, heads, seeds[:N_SEEDS])
        }

    def observe(self, bench: Bench) -> list[Observation]:
        """Return every run's accuracy, and the parity of each seed."""
        seeds, weights = bench.seeds[:N_SEEDS], parity_weights()
        found, together = [], []
        for arm in ARMS:
            accuracies = []
            for heads in HEADS:
                runs = [bench.run(config) for config in _configs(arm, heads, seeds)]
                found += [
                    Observation(
                        accuracy_in(arm),
                        f"H={heads}",
                        run.config.seed,
                        run.test_accuracy,
                        run.run_id,
                    )
                    for run in runs
                ]
                accuracies.append([run.test_accuracy for run in runs])
            parities = weights @ np.array(accuracies)
            last = [run.run_id for run in runs]  # those with the most heads stand for all
            found += [
                Observation(PARITY, arm, seed, float(p), run_id)
                for seed, p, run_id in zip(seeds, parities, last, strict=True)
            ]
            together.append(parities)
        return found + [
            Observation(PARITY, ALL_ARMS, seed, float(p), run_id)
            for seed, p, run_id in zip(seeds, np.mean(together, axis=0), last, strict=True)
        ]

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return the parities, then accuracies by head count."""
        return [
            *(mean(observations, PARITY, arm) for arm in (ALL_ARMS, *ARMS)),
            *(
                mean(observations, accuracy_in(arm), f"H={heads}")
                for arm, heads in product(ARMS, HEADS)
            ),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        parities = {arm: found.find(PARITY, arm) for arm in (ALL_ARMS, *ARMS)}
        told = ", ".join(f"{arm}: {in_points(own)}" for arm, own in parities.items())
        reason = f"Odd head counts are above the trend by: {told}."
        decisive = parities[ALL_ARMS]
        (shown,) = format_points([decisive.estimate])
        measured = f"odd heads above the trend by {shown} points"
        if above(decisive, MARGIN):
            return Judgement(HOLDS, measured, reason)
        if below(decisive, MARGIN):
            return Judgement(CONTRADICTED, measured, reason)
        return Judgement(NOT_SUPPORTED, measured, reason)


def _configs(arm: str, heads: int, seeds: Sequence[int]) -> list[RunConfig]:
    knobs: Knobs = {
        FIXED_WIDTH: {"width": WIDTH, "head_width": ALL_WIDTH // heads},
        FIXED_HEADS: {"width": WIDTH, "head_width": HEAD_WIDTH},
        FIXED_WEIGHTS: {"width": WIDTHS[heads], "head_width": HEAD_WIDTH},
    }[arm]
    one = RunConfig(**OWN, **knobs, heads=heads)
    return [one.with_seed(seed) for seed in seeds]
