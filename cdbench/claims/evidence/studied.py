"""Claims that rest on a study: its runs, each model at the rate that validation chose for it."""

from collections.abc import Collection, Iterable
from typing import ClassVar

from cdbench.claims.base import Bench, Claim
from cdbench.records.judgement import Observation

DENSE, NARROWER, OURS = "dense", "narrower dense", "cdlinear"

QUARTER, EIGHTH = 0.25, 0.125
SIZES = (QUARTER, EIGHTH)
"""Shares of the dense network's weights, at which CDLinear is the paper's B=4 and B=8."""

IMAGES = ("mnist", "fashion-mnist", "cifar-10-gray")
"""Parts whose data have a test split of their own: seeds vary the training only."""

SETS = ("digits", *IMAGES)

HOW = (
    "The study named released of cdbench.toml: every model has its own best of the same learning "
    "rates, chosen on samples held out of the training split with a seed that is not reported; "
    "reported are 30 seeds on the digits and 10 on the image sets (MNIST, Fashion-MNIST and "
    "CIFAR-10 in gray: hidden layers of 128, three epochs, cosine schedule), on the test split. "
    "Sizes are shares of the dense network's weights; a dense network made narrower to the same "
    "number competes beside the layers."
)


PLAN = "0e11149a855e274863aab9cdcbcf12e135e147863cb752390d9e20a2e159fe22"
"""Digest of the released study in cdbench.toml: a study that only has its name decides nothing."""


def accuracy(part: str, size: float) -> str:
    """Return the quantity: test accuracies of a part at a size; its subjects are the models."""
    return f"test accuracy, {part} at {size:g}, share"


class OfStudy(Claim):
    """A claim on the released study; its parts are judged when all that it needs are there."""

    study = "released"
    plan_digest = PLAN
    on_request = True
    sizes: ClassVar[tuple[float, ...]] = SIZES

    @property
    def trainings(self) -> Collection[str]:
        """Accuracies on sets that have one split."""
        return {
            accuracy(part, size)
            for part in self.parts
            if not part.startswith("digits")
            for size in self.sizes
        }

    def observe(self, bench: Bench) -> list[Observation]:
        """Return the accuracy of every model at the claim's sizes, and of dense at each of them."""
        found = []
        for run in bench.studied:
            sizes: Iterable[float] = self.sizes if run.label == DENSE else (run.budget,)
            found += [
                Observation(accuracy(run.part, size), run.label, run.seed, run.score, run.run_id)
                for size in sizes
                if size in self.sizes
            ]
        return found
