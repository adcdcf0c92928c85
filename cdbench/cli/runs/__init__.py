"""``cdbench runs``: look at what is stored, run by run; one file per command."""

import typer

from cdbench.cli.arguments import ManyValuesCommand
from cdbench.cli.plugins import with_plugins
from cdbench.cli.runs.list import list_

runs = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")

runs.command("list", cls=ManyValuesCommand)(with_plugins(list_))


@runs.callback()
def _runs() -> None:
    """Look at stored runs one by one, and say which is which.

    For example:

        cdbench runs list
    """
