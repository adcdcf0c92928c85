"""Asking before something is lost."""

import sys

import typer

from cdbench.errors import ConfigurationError


def is_agreed(question: str, yes: bool) -> bool:
    """Return whether the user agrees, who is asked unless ``yes``; nothing but y or yes is a yes.

    Raises
    ------
    ConfigurationError
        If nobody can be asked, because there is no terminal.
    """
    if yes:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfigurationError(
            f"{question} There is no terminal to ask at; to do it without being asked: --yes"
        )
    typer.echo(f"{question} [y/N] ", nl=False, err=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
