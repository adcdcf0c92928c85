"""How commands print all text, so that no name from the user can control the terminal."""

import typer

from cdbench.cli.typed import without_typed_passwords
from cdbench.system.printable import printable, shortened


def echo(text: str = "", *, err: bool = False) -> None:
    """Print lines, with control characters made visible and harmless.

    Parameters
    ----------
    text : str
        One line or several.
    err : bool, optional
        Whether to print to standard error.
    """
    typer.echo(printable(text, keep="\n"), err=err)


def complain(message: str) -> None:
    """Print a message to standard error, in one line that begins with the program's name.

    Words of the command line that it quotes are shown without their passwords.
    """
    message = without_typed_passwords(message)
    echo(f"cdbench: {shortened(' '.join(message.split()))}", err=True)
