"""The paper's Table 1, with each published cell next to the measured one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cdbench.config.naming import name_seeds
from cdbench.config.run_config import RunConfig
from cdbench.errors import MissingResultsError
from cdbench.records.published import PUBLISHED_SEEDS, PUBLISHED_TABLE1, PublishedModel
from cdbench.reports.formats import Report
from cdbench.reports.statistics import (
    format_count,
    format_kappa,
    format_loss,
    format_percent,
    over_measured,
)
from cdbench.statistics.averages import deviation, mean, median
from cdbench.store.queries import StoredRun

COLUMNS = (
    "Model",
    "",
    "Widths",
    "Parameters",
    "Training loss",
    "Test accuracy",
    '"Hessian κ"',
    "weight κ",
)

ABOUT_KAPPA = (
    'The published "Hessian κ" divides squared singular values of W for Dense, but unsquared '
    "magnitudes |ĉ(k)| of single blocks for CD, so its rows cannot be compared; weight κ, "
    "σ²max/σ²min of each layer as it acts, averaged over layers, median of the seeds, can be."
)


@dataclass(frozen=True)
class Row:
    """One model of the table: its runs, one per seed, and what the paper prints for it."""

    name: str
    runs: Sequence[StoredRun]
    published: PublishedModel | None

    def cells(self) -> tuple[str, ...]:
        """Return the paper's five cells as measured, with the paper's rounding."""
        return (
            self.runs[0].widths,
            format_count(self.runs[0].n_parameters),
            format_loss([run.training_loss for run in self.runs]),
            format_percent([run.accuracy for run in self.runs]),
            format_kappa(self.published_kappa()),
        )

    def published_kappa(self) -> float:
        """Return the published quantity's mean over layers and seeds; NaN if not measured."""
        return over_measured(mean, (run.published_kappa for run in self.runs))

    def weight_kappa(self) -> float:
        """Return the comparable condition number: mean over layers, median over seeds."""
        return over_measured(median, (run.weight_kappa for run in self.runs))

    def record(self) -> dict[str, Any]:
        """Return the row's numbers unrounded."""
        losses = [run.training_loss for run in self.runs]
        accuracies = [run.accuracy for run in self.runs]
        return {
            "model": self.name,
            "B": self.runs[0].config.B,
            "widths": self.runs[0].widths,
            "n_parameters": self.runs[0].n_parameters,
            "seeds": " ".join(str(run.config.seed) for run in self.runs),
            "training_loss_mean": mean(losses),
            "training_loss_sd": deviation(losses),
            "test_accuracy_mean": mean(accuracies),
            "test_accuracy_sd": deviation(accuracies),
            "published_kappa_mean": self.published_kappa(),
            "weight_kappa_median": self.weight_kappa(),
            **self._published_record(),
        }

    def _published_record(self) -> dict[str, str | None]:
        names = ("widths", "n_parameters", "training_loss", "test_accuracy", "kappa")
        return {f"as_printed_{name}": getattr(self.published, name, None) for name in names}


def table1_configs(
    seeds: Sequence[int] = PUBLISHED_SEEDS, block_sizes: Sequence[int] | None = None
) -> dict[str, list[RunConfig]]:
    """Return the configurations of each row by row name: the recipe, with each seed.

    The rows are the dense baseline and the paper's two block sizes, or the requested ones.
    """
    if block_sizes is None:
        block_sizes = [model.B for model in PUBLISHED_TABLE1 if model.B is not None]
    rows = {"Dense MLP": [RunConfig(seed=seed).baseline() for seed in seeds]}
    for B in block_sizes:
        rows[f"CD-MLP B={B}"] = [RunConfig(B=B, seed=seed) for seed in seeds]
    return rows


def table1(rows: Mapping[str, Sequence[RunConfig]], runs: Mapping[RunConfig, StoredRun]) -> Report:
    """Build the report from the newest runs of the configurations of ``table1_configs``.

    Raises
    ------
    MissingResultsError
        If a run is missing; the message names the command that trains the missing ones.
    """
    missing = [config for configs in rows.values() for config in configs if config not in runs]
    if missing:
        raise MissingResultsError(_how_to_get(missing))
    published = {model.name: model for model in PUBLISHED_TABLE1}
    table = [
        Row(name, [runs[config] for config in configs], published.get(name))
        for name, configs in rows.items()
    ]
    seeds = [config.seed for config in next(iter(rows.values()))]
    printed, n_equal, n_compared = _print_rows(table, comparable=set(seeds) == set(PUBLISHED_SEEDS))
    named = f"seed{'s' * (len(seeds) > 1)} {name_seeds(seeds)}"
    return Report(
        title=f"Table 1 · digits · 25 epochs · {named} · mean ± deviation (ddof 0)",
        columns=COLUMNS,
        rows=printed,
        notes=(_verdict(n_equal, n_compared), ABOUT_KAPPA),
        records=[row.record() for row in table],
    )


def _print_rows(table: Sequence[Row], *, comparable: bool) -> tuple[list[list[str]], int, int]:
    """Return the printed rows, and the numbers of equal and of compared cells."""
    printed: list[list[str]] = []
    n_equal = n_compared = 0
    for row in table:
        measured = list(row.cells())
        name = row.name
        if row.published is not None:
            model = row.published
            cells = (
                model.widths,
                model.n_parameters,
                model.training_loss,
                model.test_accuracy,
                model.kappa,
            )
            printed.append([name, "paper", *(_mark(cell, "") for cell in cells), ""])
            name = ""
            if comparable:
                equal = [ours == theirs for ours, theirs in zip(measured, cells, strict=True)]
                n_equal, n_compared = n_equal + sum(equal), n_compared + len(equal)
                measured = [
                    _mark(cell, "✓" if same else "✗")
                    for cell, same in zip(measured, equal, strict=True)
                ]
        if row.published is None or not comparable:
            measured = [_mark(cell, "") for cell in measured]
        printed += [[name, "measured", *measured, format_kappa(row.weight_kappa())], []]
    return printed[:-1], n_equal, n_compared


def _mark(cell: str, mark: str) -> str:
    """Return the cell with its mark, or blank space for one, so that the digits line up."""
    return f"{cell} {mark or ' '}"


def _verdict(n_equal: int, n_compared: int) -> str:
    if not n_compared:
        return "The published cells are for the seeds 0, 1, 2, and are compared with those only."
    return f"{n_equal} of {n_compared} published cells are equal (✓) at the published rounding."


def _how_to_get(missing: Sequence[RunConfig]) -> str:
    seeds = " ".join(str(seed) for seed in sorted({config.seed for config in missing}))
    blocks = sorted({config.B for config in missing if config.B is not None})
    which = f"--B {' '.join(map(str, blocks))}" if blocks else "--layer dense"
    return (
        f"Table 1 needs {len(missing)} run{'s' * (len(missing) > 1)} that the database does not "
        f"have; to train: cdbench sweep {which} --seeds {seeds} --resume"
    )
