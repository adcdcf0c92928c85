"""``cdbench db``: look after the database; one file per command."""

import typer

from cdbench.cli.arguments import ManyValuesCommand
from cdbench.cli.db.backup import backup
from cdbench.cli.db.check import check
from cdbench.cli.db.copy import copy
from cdbench.cli.db.info import info
from cdbench.cli.db.merge import merge
from cdbench.cli.db.upgrade import upgrade
from cdbench.cli.db.vacuum import vacuum
from cdbench.cli.plugins import with_plugins

db = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")

for command in (info, check, backup, upgrade, merge, copy, vacuum):
    db.command(cls=ManyValuesCommand)(with_plugins(command))


@db.callback()
def _db() -> None:
    """Look after the database: what it holds, whether it is sound, backups, moving and merging.

    For example:

        cdbench db info

        cdbench db check

        cdbench db merge other-machine.db

        cdbench db copy runs.db postgresql://me@server/runs
    """
