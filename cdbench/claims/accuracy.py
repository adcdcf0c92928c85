"""Claim 3: the test accuracies of Table 1, and that the gap is within one standard deviation."""

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
from cdbench.claims.statistics import Observations, mean, mean_difference
from cdbench.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Measurement,
    Observation,
)

ACCURACY = "test accuracy, share"
MODELS = ("cdlinear B=4", "cdlinear B=8")


class Accuracy(Claim):
    """Test accuracies of the three models, paired over seeds."""

    name = "accuracy"
    title = "Test accuracy close to dense"
    statement = (
        "B=4 achieves 97.50 % ± 0.23 % against 98.15 % ± 0.47 % for dense; the gap of 0.65 % is "
        "within one standard deviation of the seed-to-seed spread."
    )
    where = "Abstract; Sec. VI.2 (i); Table 1"
    published = "gap 0.65 points at B=4, within one standard deviation"
    method = (
        "Train the three models with every seed; the split is shared by seed, so the gap is the "
        "mean over seeds of the paired difference to dense."
    )
    rule = (
        "'Within one standard deviation' is tested as: |mean paired difference| at B=4 below the "
        "standard deviation (ddof 1) of dense's accuracy over the seeds. holds if that is so for "
        "both ends of the 95 % interval; contradicted if for neither end; else not supported. "
        "..."
    )
    overturn = "..."

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return the paper's three models with every seed."""
        return needs_of(paper_models(seeds), CONDITIONS_ONLY)

    def observe(self, bench: Bench) -> list[Observation]:
        """Return every run's test accuracy."""
        return [
            Observation(ACCURACY, model, config.seed, run.test_accuracy, run.run_id)
            for model, configs in paper_models(bench.seeds).items()
            for config in configs
            for run in [bench.run(config)]
        ]

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return paired differences to dense, then each model's mean."""
        differences = [mean_difference(observations, ACCURACY, m, "dense") for m in MODELS]
        return differences + [mean(observations, ACCURACY, m) for m in ("dense", *MODELS)]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        raise NotImplementedError
