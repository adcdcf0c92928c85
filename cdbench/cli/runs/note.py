"""``cdbench runs note``: what one wants to remember of a run."""

from typing import Annotated

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.echo import complain, echo
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption
from cdbench.cli.runs.named import RunArgument
from cdbench.errors import ConfigurationError


def note(
    run: RunArgument,
    text: Annotated[
        str | None,
        typer.Argument(
            metavar="TEXT",
            help="The note, which replaces the run's. [default: print the note]",
            show_default=False,
        ),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the note.")] = False,
    db: DatabaseOption = DEFAULT_DATABASE,
) -> int:
    """Write a note to a run, or print the one that it has.

    For example:

        cdbench runs note latest "tried again with more dropout"

        cdbench runs note latest

        cdbench runs note latest --remove
    """
    from cdbench.store.database import open_for_reading, open_for_writing, require_results
    from cdbench.store.run_labels import labels_of, write_note
    from cdbench.store.run_names import run_named

    if text is not None and remove:
        raise ConfigurationError("TEXT and --remove were both given; expected one of them")
    if text is not None or remove:
        require_results(db)
        key = write_note(open_for_writing(db), run, text)
        echo(f"run {key}: " + ("the note is removed" if remove else "noted"))
        return COMPLETED
    database = open_for_reading(db)
    key = run_named(database, run)
    found = labels_of(database, key).note
    if found is None:
        complain(f"run {key} has no note; to write one: cdbench runs note {run} TEXT")
    else:
        echo(found)
    return COMPLETED
