"""``cdbench runs diff``: two runs side by side."""

from typing import Annotated

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption
from cdbench.cli.output import print_page
from cdbench.cli.report import FormatOption
from cdbench.cli.runs.named import RunArgument
from cdbench.cli.runs.show import known_runs


def diff(
    run: RunArgument,
    other: RunArgument,
    everything: Annotated[
        bool, typer.Option("--all", help="Show configuration and environment where equal, too.")
    ] = False,
    db: DatabaseOption = DEFAULT_DATABASE,
    format: FormatOption = "table",  # noqa: A002
) -> int:
    """Show how two runs differ: configuration, environment, results, curves, conditions.

    Differences are those of the second run less the first. The exit code is 0 whether they differ
    or not.

    For example:

        cdbench runs diff 17 latest

        cdbench runs diff 17 18 --all

        cdbench runs diff 17 18 --format json
    """
    from cdbench.reports.two_runs import differences
    from cdbench.reports.two_runs_page import two_runs_page
    from cdbench.store.database import open_for_reading

    found = differences(*known_runs(open_for_reading(db), [run, other]))
    print_page(
        lambda plain, drawn: two_runs_page(found, everything=everything, plain=plain, drawn=drawn),
        format,
    )
    return COMPLETED
