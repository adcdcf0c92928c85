"""``cdbench compare --study``: a study's comparisons one after another, and what came of them."""

import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cdbench.cli import COMPLETED
from cdbench.cli.echo import complain, echo
from cdbench.cli.output import print_report
from cdbench.cli.typed import command_line, database_words
from cdbench.errors import CdbenchError, DatasetError, UnknownNameError

if TYPE_CHECKING:
    from cdbench.cli.settings import Settings
    from cdbench.comparison.planning import Planned
    from cdbench.config.study import Study


def compare_study(
    name: str,
    only: Sequence[str] | None,
    db: str,
    jobs: int | None,
    scheduler: str | None,
    *,
    dry_run: bool,
    details: bool,
) -> int:
    """Make the comparisons of a study that cdbench.toml describes, and print what came of them.

    Parameters
    ----------
    name : str
        The study, a table ``[studies.NAME]``.
    only : sequence of str or None
        The parts to make; None for all.
    db, jobs, scheduler
        As the options of these names.
    dry_run : bool
        Whether only the plan is printed.
    details : bool
        Whether every family in every part is printed too.

    Returns
    -------
    int
        The exit code.
    """
    from cdbench.cli.arguments import working_folder
    from cdbench.cli.compare_study_plan import print_study_plan
    from cdbench.cli.settings import load_settings

    settings = load_settings(working_folder())
    wanted = settings.study(name)
    _name_defaults(settings, name)
    parts = _chosen(wanted, only)
    planned = _planned(wanted, parts, say_only=dry_run)
    print_study_plan(wanted.name, planned, len(wanted.parts), db, jobs)
    if dry_run:
        return COMPLETED
    if scheduler is not None:
        from cdbench.cli.sweep import connect

        connect(scheduler, jobs).close()  # before there is a database
    from cdbench.cli.compare_training import run_comparison
    from cdbench.cli.released import open_to_add, say_if_new
    from cdbench.store.study_queries import stored_study
    from cdbench.store.study_rows import begin_study, note_part

    database = open_to_add(db)
    begin_study(database, wanted, command_line())
    worst = COMPLETED
    for part, found in planned.items():
        echo(f"part {part}", err=True)
        label = f"{wanted.name}-{part}"
        code, stored_as = run_comparison(
            found.plan, found.candidates, label, database, jobs, scheduler
        )
        worst = max(worst, code)
        if stored_as is None:
            return code
        note_part(database, wanted, part, found.plan.digest())
    from cdbench.reports.study import study_reports

    stored = stored_study(database, wanted.name, wanted.digest())
    for report in study_reports(stored, details=details):
        echo()
        print_report(report)
    again = shlex.join(["cdbench", "report", "--study", stored.name])
    echo(f"stored in {database.name}; to see it again: {again}{database_words(sys.argv)}")
    say_if_new(database)
    return worst


def _name_defaults(settings: "Settings", name: str) -> None:
    """Say which defaults the study does not take, if cdbench.toml has any."""
    if settings.defaults:
        complain(
            f"{settings.path}: the study {name} does not take {', '.join(settings.defaults)} from "
            f"[defaults]; where it is to: write the same under [studies.{name}]"
        )


def _chosen(wanted: "Study", only: Sequence[str] | None) -> list[str]:
    """Return the parts to make, in the study's order."""
    for part in only or ():
        if part not in wanted.parts:
            raise UnknownNameError(f"part of the study {wanted.name}", part, wanted.parts)
    return [part for part in wanted.parts if not only or part in only]


def _planned(wanted: "Study", parts: Sequence[str], *, say_only: bool) -> "dict[str, Planned]":
    """Return the parts' comparisons; an error says which part it is of, and how to do without.

    A dry run goes on without parts whose data are not here, and says so.
    """
    from cdbench.comparison.planning import planned

    found = {}
    for part in parts:
        try:
            found[part] = planned(wanted.parts[part])
        except CdbenchError as error:
            others = [own for own in wanted.parts if own != part]
            without = f"; the others: --only {' '.join(others)}" if others else ""
            if say_only and isinstance(error, DatasetError):
                complain(f"part {part}: {error}")
                continue
            error.args = (f"part {part}: {error}{without}",)
            raise
    return found
