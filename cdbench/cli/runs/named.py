"""What names runs on a command line."""

from typing import Annotated

import typer

NAMES = "a run_id, a uuid's first 4 characters or more, latest, best, or a tag"

RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help=f"The run: {NAMES}.", show_default=False)
]
"""Use as ``run: RunArgument``."""

RunsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="RUN ...", help=f"Runs: each {NAMES}.", show_default=False),
]
"""Use as ``run: RunsArgument = None``."""
