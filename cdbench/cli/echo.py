"""The one way in which commands print words, so that no name of the user's steers a terminal."""

import typer

from cdbench.cli.typed import without_typed_passwords
from cdbench.printable import printable, shortened


def echo(text: str = "", *, err: bool = False) -> None:
    """Print lines; control characters in them are not shown as they are.

    Parameters
    ----------
    text : str
        One line or several.
    err : bool, optional
        To standard error.
    """
    typer.echo(printable(text, keep="\n"), err=err)


def complain(message: str) -> None:
    """Print a message on standard error, in one line that begins with the program's name.

    Words of the command line that it quotes are shown without their passwords.
    """
    message = without_typed_passwords(message)
    echo(f"cdbench: {shortened(' '.join(message.split()))}", err=True)
