"""``cdbench model``: trained networks, kept, exported and applied; one file per command."""

import typer

from cdbench.cli.arguments import ManyValuesCommand
from cdbench.cli.model.check import check
from cdbench.cli.model.export import export
from cdbench.cli.model.list import list_
from cdbench.cli.model.predict import predict
from cdbench.cli.model.project import project
from cdbench.cli.model.show import show
from cdbench.cli.plugins import with_plugins

model = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")

model.command("list", cls=ManyValuesCommand)(with_plugins(list_))
for command in (show, export, predict, project, check):
    model.command(cls=ManyValuesCommand)(with_plugins(command))


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
