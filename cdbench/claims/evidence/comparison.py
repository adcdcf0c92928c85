"""Models compared with their dense baseline, all else equal and paired over seeds."""

from collections.abc import Mapping, Sequence

from cdbench.config.naming import varied_knobs
from cdbench.config.run_config import RunConfig
from cdbench.records.judgement import Measurement, Observation
from cdbench.statistics.averages import mean
from cdbench.statistics.estimands import SPLITS, placed
from cdbench.statistics.estimates import Observations, mean_difference, median_ratio
from cdbench.store.audit_queries import AuditedRun

MIN_PAIRS = 3
"""Fewest seeds for a comparison; with fewer, an interval would be meaningless."""

ACCURACY = "test accuracy, share"
R2 = "test R²"
WEIGHT = "weight κ, mean of the layers"


def compare(
    configs: Sequence[RunConfig], runs: Mapping[RunConfig, AuditedRun]
) -> list[Measurement]:
    """Compare each model of a sweep with its dense baseline over their common seeds.

    Differences of accuracy, or of R², are means; ratios of condition numbers are medians, because
    their tails are heavy. All have 95 % bootstrap intervals, for new splits and for new data. For a
    layer's Hessian, the κ of the non-null part is used.

    Parameters
    ----------
    configs : sequence of RunConfig
        The sweep; models without a baseline in it are skipped.
    runs : mapping
        The stored runs, by configuration.
    """
    groups: dict[str, list[RunConfig]] = {}
    for config in configs:
        if config in runs:
            groups.setdefault(config.group_digest(), []).append(config)
    varied = varied_knobs(configs)
    measurements = []
    for digest, group in groups.items():
        base = groups.get(group[0].baseline().group_digest(), [])
        seeds = {config.seed for config in group} & {config.seed for config in base}
        if base and base[0].group_digest() != digest and len(seeds) >= MIN_PAIRS:
            name, dense = _name(group[0], varied), _name(base[0], varied)
            found = [
                observation
                for subject, own in ((name, group), (dense, base))
                for config in own
                for observation in _observe(subject, runs[config])
            ]
            measurements += _measure(Observations("", found), name, dense)
    return measurements


def _name(config: RunConfig, varied: Sequence[str]) -> str:
    return " ".join([config.model, config.describe(varied)]).strip()


def _observe(subject: str, run: AuditedRun) -> list[Observation]:
    numbers = {ACCURACY: run.test_accuracy} if run.test_r2 is None else {R2: run.test_r2}
    if weights := run.conditions("weight"):
        numbers[WEIGHT] = mean(condition.kappa for condition in weights)
    for layer, condition in enumerate(run.conditions("layer_hessian"), 1):
        numbers[f"layer_hessian κ, layer {layer}"] = condition.kappa_nonnull
    seed = run.config.seed
    return [Observation(name, subject, seed, value) for name, value in numbers.items()]


def _measure(data: Observations, name: str, dense: str) -> list[Measurement]:
    score, *others = dict.fromkeys(observation.quantity for observation in data)
    kappas = [quantity for quantity in others if {name, dense} <= {*data.subjects(quantity)}]
    found = [
        mean_difference(data, score, name, dense),
        *(median_ratio(data, quantity, dense, name) for quantity in kappas),
    ]
    return [placed(one, data, without_runs=SPLITS) for one in found]
