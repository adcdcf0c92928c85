"""``--plugin FILE …``, an option of every command: it is honoured before the others are read."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from cdbench.config import plugins
from cdbench.errors import PluginError
from cdbench.system.home_folders import expanded

OPTION = "--plugin"

NAMED_IN_HELP = {"layer": "layer", "dataset": "dataset", "claim": "claim"}
"""Options whose help names what plug-ins bring, and the kind of it."""


PluginOption = Annotated[
    list[str] | None,
    typer.Option(
        OPTION,
        metavar="FILE ...",
        help="Python files that bring layers, data sets or claims; see docs/extending.md.",
    ),
]


def with_plugins(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option to a command, which need not know: plug-ins are loaded before it begins."""

    @wraps(command)
    def without(**values: Any) -> Any:
        del values["plugin"]
        return command(**values)

    signature = inspect.signature(command, eval_str=True)
    keyword = inspect.Parameter.KEYWORD_ONLY
    option = inspect.Parameter("plugin", keyword, default=None, annotation=PluginOption)
    without.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*signature.parameters.values(), option]
    )
    return without


def load_plugins(args: Sequence[str], is_value: Callable[[str], bool]) -> None:
    """Load the plug-ins that a command line names.

    Parameters
    ----------
    args : sequence of str
        Words up to ``--``.
    is_value : callable
        Whether a word is a value, and not an option.

    Raises
    ------
    PluginError
        If one cannot be used.
    """
    for word in _named(args, is_value):
        plugins.load(plugins.located(Path(expanded(word, PluginError))))


def _named(args: Sequence[str], is_value: Callable[[str], bool]) -> Iterator[str]:
    taking = False
    for word in args:
        option, equals, value = word.partition("=")
        if option == OPTION:
            taking = True
            if equals:
                yield value
        elif taking and is_value(word):
            yield word
        else:
            taking = False


def name_plugins(params: Sequence[Any]) -> None:
    """Add the names that plug-ins bring to the help of the options that take them."""
    for param in params:
        kind = NAMED_IN_HELP.get(str(param.name))
        found = plugins.names(kind) if kind is not None else []
        if found:
            text, bracket, default = str(param.help).partition(" [default: ")
            param.help = f"{text} From plug-ins: {', '.join(found)}.{bracket}{default}"
