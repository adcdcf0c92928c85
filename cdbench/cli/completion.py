"""Values that the shell completes: runs, data sets, families, claims, recipes and names.

What an option or argument takes is told by its name, or by RUN or MODEL in its help, so a new
command needs no code here. Completion is asked between two keys: whatever goes wrong, it is silent.
"""

import copy
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from textwrap import shorten
from typing import Any

import typer
from typer.core import TyperOption

from cdbench.cli import completion_values as values

Source = Callable[[typer.Context, str], Iterable[tuple[str, str]]]
"""What gives the values, with what they are, from the context and what has been typed."""

OF_COMMANDS: dict[tuple[str, str], Source] = {
    ("db recipes", "name"): values.recipes,
    ("db schema", "names"): values.relations,
    ("report", "name"): values.comparisons,
    ("plot", "name"): values.comparisons,
    ("plot", "figures"): values.figures,
    ("runs restore", "run"): values.removed,
    ("sweep", "name"): values.sweeps,
}
"""Sources by command and parameter, where the parameter's name alone does not tell."""

OF_NAMES: dict[str, Source] = {
    "claim": values.claims,
    "dataset": values.datasets,
    "layer": values.layers,
    "run": values.runs,
    "runs": values.runs,
    "study": values.studies,
    "tag": values.tags,
    "tags": values.tags,
}
"""Sources by a parameter's name."""

OF_WORDS: dict[str, Source] = {
    "COLUMN": values.columns,
    "MODEL": values.models,
    "FILE|MODEL": values.models,
    "RUN": values.runs,
}
"""Sources by the word that the help has for a value."""

_TYPED_AS_IS = re.compile(r"(?!-)[\w./@%+,=:-]+")
"""Values that neither a shell nor a command takes for anything else; others are not offered."""

_SPECIAL = frozenset("\"'`$\\[](){}<>|;&*!#~")
"""Characters of a description that a shell's script or Rich's markup could take for its own."""


def with_values(params: list[Any], ctx: typer.Context) -> list[Any]:
    """Return the parameters, with what the shell completes for their values.

    Parameters
    ----------
    params : list
        Those of the command.
    ctx : Context
        That of the command.
    """
    return [_with_values(param, ctx) for param in params]


def _with_values(param: Any, ctx: typer.Context) -> Any:
    source = source_of(param, ctx.command_path)
    goes_on = isinstance(param, TyperOption) and param.multiple
    own = copy.copy(param)
    if isinstance(param, TyperOption) and param.help:
        # Typer takes brackets for Rich's markup, and breaks long lines, each a word of its own.
        own.help = shorten(param.help, WIDTH, placeholder=" …").replace("[", r"\[")
    if goes_on:
        own.nargs = MANY  # so that the shell's words since the option are all taken for its values
    if source is not None:
        own.shell_complete = lambda ctx, typed: offered(source, ctx, typed)
    return own


WIDTH = 79
"""Characters of an option's description at most: Typer breaks longer ones."""

MANY = 1_000_000
"""More values than a command line has words."""


def source_of(param: Any, command: str) -> Source | None:
    """Return what gives the values of a parameter of a command, such as ``cdbench runs show``."""
    word = str(param.metavar or "").removesuffix(" ...").strip("[]")
    if param.param_type_name == "argument" and not word:
        word = str(param.name).upper()
    name = str(param.name)
    return (
        OF_COMMANDS.get((command.partition(" ")[2], name))
        or OF_NAMES.get(name)
        or OF_WORDS.get(word)
    )


def offered(source: Source, ctx: typer.Context, typed: str) -> Sequence[Any]:
    """Return the values that begin with what has been typed; none if anything goes wrong."""
    from typer._click.shell_completion import CompletionItem

    in_bash = os.environ.get("_CDBENCH_COMPLETE", "").endswith("bash")
    items: dict[str, Any] = {}
    try:
        for value, told in source(ctx, typed):
            fits = value.startswith(typed) and value not in items
            # Bash divides words at colons, and would complete what is behind one.
            if fits and _TYPED_AS_IS.fullmatch(value) and not (in_bash and ":" in value):
                items[value] = CompletionItem(value, help=plain(told) or None)
    except Exception:  # noqa: BLE001 - a word between two keys would spoil what is typed
        return []
    return list(items.values())


def plain(text: str) -> str:
    """Return a description without characters that steer a shell or a terminal.

    Examples
    --------
    >>> plain("dense, $(rm x), 97.8 %")
    'dense, rm x, 97.8 %'
    """
    kept = (
        character
        for character in text
        if (character not in _SPECIAL and unicodedata.category(character)[0] not in "CZ")
        or character == " "
    )
    return " ".join("".join(kept).split())
