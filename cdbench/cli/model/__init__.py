"""``cdbench model``: trained networks, kept, exported and applied; one file per command."""

import typer

from cdbench.cli.groups import Group


class _Commands(Group):
    package = __name__
    names = ("list", "show", "export", "predict", "project", "check")


model = typer.Typer(cls=_Commands, no_args_is_help=True)


@model.callback()
def _model() -> None:
    """Take trained networks with you: what was kept, to a file, and predictions from data.

    For example:

        cdbench train --dataset wine --keep-weights

        cdbench model list

        cdbench model export latest wine.npz

        cdbench model predict wine.npz new.csv -o predicted.csv

        cdbench model project wine.npz
    """
