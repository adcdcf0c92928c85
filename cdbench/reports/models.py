"""The trained networks that a database keeps, and what one is made of."""

from collections.abc import Sequence
from dataclasses import asdict

from cdbench.reports.formats import Report
from cdbench.reports.inventory import size_in_words
from cdbench.reports.statistics import format_score
from cdbench.store.model_queries import KeptModel


def models_report(found: Sequence[KeptModel], source: str) -> Report:
    """Return a table of the runs whose networks were kept."""
    return Report(
        title=f"Networks that were kept in {source}",
        columns=("Run", "Model", "Data set", "Changes", "Seed", "Score", "Parameters", "Size"),
        rows=[
            (
                *(str(one.run_id), one.model, one.dataset, one.changes, str(one.seed)),
                *(format_score([one]), f"{one.n_parameters:,}", size_in_words(one.n_bytes)),
            )
            for one in found
        ],
        notes=(
            "Score: test accuracy after the last epoch, or of a regression R².",
            "To export one: cdbench model export RUN model.npz",
        ),
        records=[asdict(one) for one in found],
        text_columns=4,
    )
