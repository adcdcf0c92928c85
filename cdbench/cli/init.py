"""``cdbench init``: write a ``cdbench.toml`` to begin with."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.echo import echo
from cdbench.cli.settings import FILE_NAME
from cdbench.cli.settings_template import settings_template
from cdbench.errors import OutputError
from cdbench.system.home_folders import expanded
from cdbench.system.output_files import write_output


def init(
    path: Annotated[
        Path, typer.Argument(help="Folder of the file, made if missing.", show_default=False)
    ] = Path(),
    force: Annotated[
        bool, typer.Option("--force", help="Write over a file that is there.")
    ] = False,
) -> int:
    """Write a cdbench.toml with every setting there is, commented out, to change what you want.

    It is read by all commands in its folder and below. As it is written, it changes nothing.

    For example:

        cdbench init

        cdbench init experiments/wine

        cdbench init --force
    """
    file = _file(Path(expanded(path, OutputError)))
    if file.exists() and not force:
        again = shlex.join(["cdbench", "init", *([str(path)] if path != Path() else []), "--force"])
        raise OutputError(f"{file} is there already; to write over it: {again}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{file.parent} cannot be made ({error.strerror})") from None
    write_output(file, settings_template().encode(), called="the file")
    echo(f"wrote {file}; it changes nothing until you take a # away")
    return COMPLETED


def _file(path: Path) -> Path:
    """Return the file that is meant: the path itself, if it has the name, or the one in it."""
    if path.name == FILE_NAME:
        return path
    if path.suffix == ".toml":
        raise OutputError(f"{path}: expected a folder, in which the file is called {FILE_NAME}")
    return path / FILE_NAME
