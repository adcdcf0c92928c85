"""What a sweep gave: one row for each configuration, over its seeds."""

from collections.abc import Mapping, Sequence

from cdbench.averages import mean, median
from cdbench.config import RunConfig, varied_knobs
from cdbench.reports.formats import Report
from cdbench.reports.statistics import (
    format_count,
    format_kappa,
    format_percent,
)
from cdbench.store.queries import StoredRun


def summary(configs: Sequence[RunConfig], runs: Mapping[RunConfig, StoredRun]) -> Report:
    """Build the table of a sweep's configurations, each over those of its seeds that completed."""
    groups: dict[str, list[RunConfig]] = {}
    for config in configs:
        groups.setdefault(config.group_digest(), []).append(config)
    varied = varied_knobs(configs)
    rows, records = [], []
    for group in groups.values():
        done = [runs[config] for config in group if config in runs]
        knobs = {name: getattr(group[0], name) for name in varied}
        row = [group[0].model, group[0].describe(varied)]
        rows.append([*row, f"{len(done)}/{len(group)}", *_cells(done)])
        records.append({"model": group[0].model, **knobs, "n_completed": len(done)})
    return Report(
        title="This sweep: newest completed run of each configuration",
        columns=(
            "Model",
            "",
            "Runs",
            "Parameters",
            "Test accuracy",
            "published κ (mean)",
            "weight κ (median)",
            "s/epoch",
        ),
        rows=rows,
        notes=(
            "Accuracy: mean ± standard deviation over seeds (ddof 0). κ: mean over layers; "
            "published: mean over seeds, not comparable between dense and cdlinear; "
            "weight: median over seeds, comparable.",
        ),
        records=records,
    )


def _cells(done: Sequence[StoredRun]) -> list[str]:
    if not done:
        return ["–"] * 5
    return [
        format_count(done[0].n_parameters),
        format_percent([run.test_accuracy for run in done]),
        format_kappa(mean(run.published_kappa for run in done)),
        format_kappa(median(run.weight_kappa for run in done)),
        f"{mean(run.seconds_per_epoch for run in done):.4f}",
    ]
