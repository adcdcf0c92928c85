"""Results of a sweep: one row per configuration, over its seeds."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from cdbench.config.families import WITH_B
from cdbench.config.naming import varied_knobs
from cdbench.config.run_config import RunConfig
from cdbench.reports.formats import Report
from cdbench.reports.statistics import (
    format_count,
    format_kappa,
    format_score,
    over_measured,
)
from cdbench.statistics.averages import deviation, mean, median
from cdbench.store.queries import StoredRun

SCORES = {
    "classification": "Test accuracy",
    "regression": "Test R²",
    "language": "Test accuracy",
}
"""What the runs of a task reached, as a heading."""

BITS = "Bits/char"
"""Heading of what runs on a text reached as well."""

OF_MODEL = ("layer", "structure", "B")
"""What a model's name is made of; the records have it apart as well."""


def summary(
    configs: Sequence[RunConfig],
    runs: Mapping[RunConfig, StoredRun],
    guessing_levels: Mapping[str, float] | None = None,
) -> Report:
    """Build the table of a sweep's configurations, each over its completed seeds.

    Parameters
    ----------
    configs : sequence of RunConfig
        The sweep, of one task.
    runs : mapping
        The newest completed run of each configuration.
    guessing_levels : mapping, optional
        By data set name, the accuracy, or R², up to which a run is no better than guessing.
    """
    levels = guessing_levels or {}
    groups: dict[str, list[RunConfig]] = {}
    for config in configs:
        groups.setdefault(config.group_digest(), []).append(config)
    varied, of_text = varied_knobs(configs), configs[0].task == "language"
    rows, records = [], []
    for group in groups.values():
        done = [runs[config] for config in group if config in runs]
        guessed = sum(run.score <= levels.get(run.config.dataset, -math.inf) for run in done)
        row = [group[0].model, *(_knob(group[0], name) for name in varied)]
        rows.append([*row, f"{len(done)}/{len(group)}", *_cells(done, guessed, of_text)])
        knobs = {name: getattr(group[0], name) for name in (*OF_MODEL, *varied)}
        found = _record(done, guessed, group[0].task)
        records.append({"model": group[0].model, **knobs} | found)
    columns = ["Model", *(name.replace("_", " ") for name in varied), "Runs", "Parameters"]
    heading = SCORES[configs[0].task]
    columns += [heading, *([BITS] if of_text else []), "weight κ", "s/epoch"]
    notes = [
        f"{heading}: mean ± standard deviation over seeds (ddof 0). weight κ: mean over layers, "
        "median over seeds."
    ]
    if of_text:
        notes.append(f"{BITS}: bits per character of the test part, mean ± standard deviation.")
    if any(record["n_guessing"] for record in records):
        notes.append(_on_guessing(configs[0].task, levels))
    return Report(
        title="This sweep: newest completed run of each configuration",
        columns=columns,
        rows=rows,
        notes=notes,
        records=records,
        text_columns=1 + len(varied),
    )


def _on_guessing(task: str, levels: Mapping[str, float]) -> str:
    if task == "regression":
        ended = "they ended at 0 or below, the R² of always guessing the mean."
    else:
        percents = " or ".join(f"{100 * level:.1f} %" for level in sorted({*levels.values()}))
        ended = (
            f"they ended at {percents} or below, the share of the most frequent class and two "
            "standard errors of the test split."
        )
    return f"(1 guess): that many runs learned nothing: {ended}"


def _knob(config: RunConfig, name: str) -> str:
    """Return a knob's value; for the product of a dense network, which has none, –."""
    value = getattr(config, name)
    if value is None or (name == "product" and config.layer not in WITH_B):
        return "–"
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _cells(done: Sequence[StoredRun], guessed: int, of_text: bool) -> list[str]:
    mark = f" ({guessed} guess)" if guessed else ""
    if not done:
        return ["–"] * (5 if of_text else 4)
    bits = [run.test_loss / math.log(2) for run in done]
    return [
        format_count(done[0].n_parameters),
        format_score(done) + mark,
        *([f"{mean(bits):.4f} ± {deviation(bits):.4f}"] if of_text else []),
        format_kappa(over_measured(median, (run.weight_kappa for run in done))),
        f"{mean(run.seconds_per_epoch for run in done):.4f}",
    ]


def _record(done: Sequence[StoredRun], guessed: int, task: str) -> dict[str, Any]:
    score = "test_r2" if task == "regression" else "test_accuracy"
    scores = [run.score for run in done]
    kappas = [run.weight_kappa for run in done if run.weight_kappa is not None]
    bits = [run.test_loss / math.log(2) for run in done] if task == "language" else []
    return {
        **(
            {"bits_per_character_mean": mean(bits), "bits_per_character_sd": deviation(bits)}
            if bits
            else {}
        ),
        "n_completed": len(done),
        "n_guessing": guessed,
        "n_parameters": done[0].n_parameters if done else None,
        f"{score}_mean": mean(scores) if done else None,
        f"{score}_sd": deviation(scores) if done else None,
        "weight_kappa_median": median(kappas) if kappas else None,
    }
