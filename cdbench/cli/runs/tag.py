"""``cdbench runs tag``: names of one's own for runs."""

from typing import Annotated

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.echo import echo
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption
from cdbench.cli.runs.named import RunArgument


def tag(
    run: RunArgument,
    tags: Annotated[
        list[str],
        typer.Argument(
            metavar="TAG ...", help="Tags: letters, digits, - and _.", show_default=False
        ),
    ],
    remove: Annotated[
        bool, typer.Option("--remove", help="Take these tags away instead of giving them.")
    ] = False,
    db: DatabaseOption = DEFAULT_DATABASE,
) -> int:
    """Give a run tags: names by which every command finds it, and lists can be filtered.

    A tag may be given to several runs. In place of RUN, a tag stands for all that have it.

    For example:

        cdbench runs tag latest good paper

        cdbench runs tag good paper --remove

        cdbench runs list --tag good
    """
    from cdbench.store.database import open_for_writing, require_results
    from cdbench.store.run_labels import tag_runs, untag_runs

    require_results(db)
    database = open_for_writing(db)
    keys = (untag_runs if remove else tag_runs)(database, [run], tags)
    runs = f"run {keys[0]}" if len(keys) == 1 else f"{len(keys):,} runs"
    echo(f"{runs}: {'no longer ' if remove else ''}tagged {', '.join(dict.fromkeys(tags))}")
    return COMPLETED
