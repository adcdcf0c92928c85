"""What the runs of a database were trained with: machines and versions, and how many with each."""

from collections.abc import Sequence
from dataclasses import asdict

from cdbench.reports.formats import Report
from cdbench.store.page_queries import UsedEnvironment


def environments_report(found: Sequence[UsedEnvironment]) -> Report:
    """Return a table of the environments, those of most runs first."""
    return Report(
        title="Software and machines",
        columns=(
            *("Processor", "BLAS", "System", "Python", "NumPy", "SciPy", "scikit-learn"),
            *("cdbench", "Commits", "Runs"),
        ),
        rows=[
            (
                f"{one.cpu}, {one.n_cores} core{'s' * (one.n_cores != 1)}",
                f"{one.blas}, {one.blas_threads} thread{'s' * (one.blas_threads != 1)}",
                *(one.operating_system, one.python_version, one.numpy_version),
                *(one.scipy_version, one.scikit_learn_version, one.cdbench_version),
                *(f"{one.n_commits:,}", f"{one.n_runs:,}"),
            )
            for one in found
        ],
        notes=(
            "Commits: how many states of cdbench's repository, where one was known; of the runs "
            f"{sum(one.n_dirty for one in found):,} were trained with changes that were in none.",
        ),
        records=[asdict(one) for one in found],
        text_columns=8,
    )
