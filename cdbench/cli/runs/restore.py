"""``cdbench runs restore``: bring runs back from the trash."""

from typing import Annotated

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.echo import complain, echo
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption
from cdbench.cli.runs.named import RunsArgument
from cdbench.errors import ConfigurationError


def restore(
    run: RunsArgument = None,
    every: Annotated[bool, typer.Option("--all", help="Everything in the trash.")] = False,
    db: DatabaseOption = DEFAULT_DATABASE,
) -> int:
    """Bring removed runs back exactly as they were, with their run_id, results, tags and note.

    To see what is in the trash: cdbench runs list --trash

    For example:

        cdbench runs restore 3

        cdbench runs restore --all
    """
    from cdbench.store.database import open_for_writing, require_results
    from cdbench.store.trash import restore_runs

    if bool(run) == every:
        raise ConfigurationError(
            f"{'RUN and --all were both' if every else 'no run was'} given; expected "
            "cdbench runs restore RUN ... or cdbench runs restore --all"
        )
    require_results(db)
    database = open_for_writing(db)
    keys = restore_runs(database, None if every else run)
    if keys:
        echo(f"restored {len(keys):,} run{'s' * (len(keys) > 1)}")
    else:
        complain(f"{database.name}: the trash is empty")
    return COMPLETED
