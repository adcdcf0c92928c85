"""``cdbench compare``: families at matched sizes, each at its own learning rate; and studies."""

import shlex
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.compare_plan import print_plan, say_duration
from cdbench.cli.echo import echo
from cdbench.cli.options import (
    DEFAULT_DATABASE,
    DatabaseOption,
    HeaderOption,
    JobsOption,
    SchedulerOption,
    header_of,
    whole_numbers,
    with_knobs,
)
from cdbench.cli.output import print_report
from cdbench.cli.shares import print_shares
from cdbench.cli.typed import database_words
from cdbench.config.study import COMPARED_KNOBS
from cdbench.errors import ConfigurationError

_PANEL = "Studies"

OF_STUDIES = ("db", "jobs", "scheduler", "study", "only", "resume", "dry_run", "details", "plugin")
"""Options that a study takes; what else makes it is in its tables."""


@with_knobs(many=False, names=COMPARED_KNOBS)
def compare(
    ctx: typer.Context,
    db: DatabaseOption = DEFAULT_DATABASE,
    jobs: JobsOption = None,
    scheduler: SchedulerOption = None,
    header: HeaderOption = "auto",
    budget: Annotated[
        list[float] | None,
        typer.Option(
            "--budget",
            metavar="NUMBER ...",
            show_default=False,
            help="Sizes to compare at: shares of the dense network's weights, or from 1 on numbers "
            "of parameters. [default: 0.25]",
        ),
    ] = None,
    match: Annotated[
        str,
        typer.Option(
            "--match",
            metavar="parameters|multiply-adds",
            help="What budgets are of.",
        ),
    ] = "parameters",
    layer: Annotated[
        list[str] | None,
        typer.Option(
            "--layer",
            metavar="FAMILY[,NAME=VALUE] ...",
            show_default=False,
            help="Families that compete beside dense. [default: all]",
        ),
    ] = None,
    seeds: Annotated[
        list[int] | None,
        typer.Option(
            "--seeds",
            parser=whole_numbers,
            metavar="NUMBER ...",
            show_default=False,
            help="Seeds that are reported. [default: 0..9]",
        ),
    ] = None,
    tuning_seeds: Annotated[
        list[int] | None,
        typer.Option(
            "--tuning-seeds",
            parser=whole_numbers,
            metavar="NUMBER ...",
            show_default=False,
            help="Seeds that choose the learning rates. [default: 1000 1001]",
        ),
    ] = None,
    rates: Annotated[
        list[float] | None,
        typer.Option(
            "--rates",
            metavar="NUMBER ...",
            show_default=False,
            help="Learning rates that every model tries, each the same multiple of the one before; "
            "more where the best is at an end. "
            "[default: 0.0025 to 0.32 in factors of 2]",
        ),
    ] = None,
    validation: Annotated[
        float,
        typer.Option("--validation", help="Share of the training split by which rates are chosen."),
    ] = 0.2,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="TEXT",
            show_default=False,
            help="Name by which report and plot find it. [default: the data set's]",
        ),
    ] = None,
    study: Annotated[
        str | None,
        typer.Option(
            "--study",
            metavar="NAME",
            show_default=False,
            help="The comparisons of a study, which cdbench.toml defines under [studies.NAME].",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="PART ...",
            show_default=False,
            help="Parts of the study to make now; others may be made elsewhere and merged. "
            "[default: all]",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on where it stopped, which it does anyway; for scripts."),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would be trained, and how long; train nothing."),
    ] = False,
    details: Annotated[
        bool,
        typer.Option(
            "--details",
            help="Print differences to dense, intervals for new data, learning rates, conditioning "
            "and costs too; of a study, every family in every part.",
        ),
    ] = False,
    **knobs: Any,
) -> int:
    r"""Compare families at equal size, each at its own best learning rate, beside dense networks.

    Of each family the setting nearest to the budget competes, with a dense
    network narrowed to the same size and the dense one at full width. Rates are
    chosen on samples held out of the training split, with seeds of their own.
    Models are ranked by test accuracy, of a regression by R², and of a text by
    bits per character. What the database has is used.

    A study is several comparisons, with all that makes them in cdbench.toml, of
    whose [defaults] it takes none. One that was killed goes on where it stopped,
    and parts made on several machines come together by cdbench db merge.

    For example:

        cdbench compare --dataset digits --budget 0.25

        cdbench compare --dataset wine --budget 0.5 0.25 --layer cdlinear monarch

        cdbench compare --dataset mine.csv --task regression --budget 2000 --dry-run

        cdbench compare --study released --dry-run

        cdbench compare --study released --only digits mnist --db mine.db
    """
    del resume
    if _is_of_a_study(ctx, study, only):
        from cdbench.cli.compare_study import compare_study

        return compare_study(
            str(study), only, db, jobs, scheduler, dry_run=dry_run, details=details
        )
    from cdbench.comparison.planning import planned

    knobs |= {"budget": budget, "layer": layer, "match": match, "seeds": seeds}
    knobs |= {"tuning_seeds": tuning_seeds, "rates": rates, "validation": validation}
    asked = planned(knobs, header_of(header))
    plan, candidates = asked.plan, asked.candidates
    label = name or str(plan.base.dataset)
    print_shares([plan.base])
    if dry_run:
        print_plan(plan, asked.fields, candidates)
        return COMPLETED
    if scheduler is not None:
        from cdbench.cli.sweep import connect

        connect(scheduler, jobs).close()  # before there is a database
    from cdbench.cli.compare_training import run_comparison
    from cdbench.cli.released import open_to_add, say_if_new

    database = open_to_add(db)
    say_duration(plan, candidates, jobs)
    code, stored_as = run_comparison(plan, candidates, label, database, jobs, scheduler)
    if stored_as is None:
        return code
    from cdbench.reports.comparison import tables_of
    from cdbench.store.comparison_queries import stored_comparison

    found = stored_comparison(database, stored_as)
    for table in tables_of(found, details=details):
        echo()
        print_report(table)
    again = shlex.join(["cdbench", "report", "--compare", "--name", stored_as])
    echo(f"stored in {database.name}; to see it again: {again}{database_words(sys.argv)}")
    say_if_new(database)
    return code


def _is_of_a_study(ctx: typer.Context, study: str | None, only: Sequence[str] | None) -> bool:
    """Return whether a study is asked for; refuse options that do not go together."""
    if study is None:
        if only:
            raise ConfigurationError(
                f"--only is of studies; expected compare --study NAME --only {' '.join(only)}"
            )
        return False
    for param in ctx.command.params:
        source = ctx.get_parameter_source(str(param.name))
        if param.name not in OF_STUDIES and source is not None and source.name == "COMMANDLINE":
            raise ConfigurationError(
                f"{param.opts[0]} is not for a study, which says all that makes its comparisons; "
                f"expected it in cdbench.toml, under [studies.{study}]"
            )
    return True
