"""``cdbench db``: look after the database; one file per command."""

import typer

from cdbench.cli.groups import Group


class _Commands(Group):
    package = __name__
    names = (
        "info",
        "sql",
        "schema",
        "recipes",
        "browse",
        "check",
        "backup",
        "upgrade",
        "merge",
        "copy",
        "vacuum",
    )


db = typer.Typer(cls=_Commands, no_args_is_help=True)


@db.callback()
def _db() -> None:
    """Ask the database, and look after it: whether it is sound, backups, moving and merging.

    For example:

        cdbench db sql "select model, test_accuracy_mean from models"

        cdbench db recipes accuracy

        cdbench db check

        cdbench db merge other-machine.db

        cdbench db copy runs.db postgresql://me@server/runs
    """
