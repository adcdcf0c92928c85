"""``cdbench runs``: look at what is stored, run by run; one file per command."""

import typer

from cdbench.cli.groups import Group


class _Commands(Group):
    package = __name__
    names = ("list", "show", "diff", "export")


runs = typer.Typer(cls=_Commands, no_args_is_help=True, rich_markup_mode="rich")


@runs.callback()
def _runs() -> None:
    """Look at stored runs one by one, and say which is which.

    For example:

        cdbench runs list

        cdbench runs show latest

        cdbench runs diff 17 18

        cdbench runs export latest
    """
