"""How commands print all text, so that no name from the user can control the terminal."""

import shutil
from textwrap import fill

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


def say(sentence: str) -> None:
    """Print a sentence to standard output, in lines as wide as the terminal; no word is broken."""
    echo(filled(sentence, shutil.get_terminal_size().columns))


def filled(text: str, width: int, margin: int = 0) -> str:
    """Return a paragraph behind a margin, in lines as wide as they can be without broken words."""
    indent = " " * margin
    return fill(
        *(text, width),
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )


def complain(message: str) -> None:
    """Print a message to standard error, in one line that begins with the program's name.

    Words of the command line that it quotes are shown without their passwords.
    """
    message = without_typed_passwords(message)
    echo(f"cdbench: {shortened(' '.join(message.split()))}", err=True)
