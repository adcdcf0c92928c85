"""``cdbench runs``: look at what is stored, run by run; one file per command."""

import typer

from cdbench.cli.groups import Group


class _Commands(Group):
    package = __name__
    names = ("list", "show", "diff", "export", "tag", "note", "rm", "restore")


runs = typer.Typer(cls=_Commands, no_args_is_help=True)


@runs.callback()
def _runs() -> None:
    """Look at stored runs one by one, say which is which, and throw some away.

    For example:

        cdbench runs list

        cdbench runs show latest

        cdbench runs diff 17 18

        cdbench runs export latest

        cdbench runs tag latest good

        cdbench runs rm 18
    """
