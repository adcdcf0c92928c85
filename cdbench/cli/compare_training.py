"""A comparison's trainings, with progress; used by comparisons and studies."""

from collections.abc import Callable, Mapping, Sequence

from cdbench.api import comparison_stages
from cdbench.cli import COMPLETED, INTERRUPTED
from cdbench.cli.echo import echo
from cdbench.cli.sweep import connect
from cdbench.cli.training import train_and_store
from cdbench.cli.typed import command_line
from cdbench.comparison.plan import Plan
from cdbench.comparison.sizes import Candidate
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.store.database import Database


def run_comparison(
    plan: Plan,
    candidates: Sequence[Candidate],
    name: str,
    database: Database,
    jobs: int | None,
    scheduler: str | None = None,
) -> tuple[int, str | None]:
    """Train what a comparison needs and is not stored, and store its lines.

    Parameters
    ----------
    plan, candidates, name, database
        As for ``cdbench.api.comparison_stages.run_comparison``.
    jobs : int or None
        Runs at a time.
    scheduler : str, optional
        Address of the cluster where they are trained, if not here; each stage connects anew.

    Returns
    -------
    code : int
        The exit code.
    name : str or None
        What it is stored as; None if it did not come to its end.

    Raises
    ------
    ConfigurationError
        If no model trained at any rate.
    """
    code = COMPLETED

    def train(
        needs: Mapping[RunConfig, Diagnostics], count: Callable[[], str], together: bool
    ) -> bool:
        nonlocal code
        cluster = None if scheduler is None else connect(scheduler, jobs)
        code = train_and_store(
            *(needs, jobs, database, command_line(), 1, cluster, count), together=together
        )
        return code != INTERRUPTED

    stored_as = comparison_stages.run_comparison(
        *(plan, candidates, name, database, command_line(), train),
        lambda what: echo(what, err=True),
    )
    return (code if stored_as is None else COMPLETED), stored_as
