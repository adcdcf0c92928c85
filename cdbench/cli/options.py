"""The options that commands share: one for each knob of RunConfig, and a few others.

A new knob needs no code here: its option's name, help, type and default come from RunConfig.
"""

import inspect
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import Field
from typing import Annotated, Any, TypeVar

import typer

from cdbench.cli.arguments import ENVIRONMENT_PREFIX
from cdbench.cli.mistakes import hint_for_numbers
from cdbench.cli.panels import panel_of
from cdbench.config.knob_values import KNOB_TYPES, LISTS, ONE_VALUE, expand_range
from cdbench.config.run_config import KNOBS
from cdbench.errors import UnknownNameError
from cdbench.records.published import PUBLISHED_SEEDS

DEFAULT_DATABASE = "runs.db"

DatabaseOption = Annotated[
    str,
    typer.Option(
        "--db",
        envvar=f"{ENVIRONMENT_PREFIX}DATABASE",
        show_envvar=False,
        metavar="DATABASE",
        help="Database: a path or an SQLAlchemy URL.",
    ),
]
"""Use as ``db: DatabaseOption = DEFAULT_DATABASE``."""

JobsOption = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        min=1,
        envvar=f"{ENVIRONMENT_PREFIX}JOBS",
        show_envvar=False,
        show_default=False,
        help="Runs at a time, each in a process of its own. [default: number of cores]",
    ),
]
"""Use as ``jobs: JobsOption = None``."""

HeaderOption = Annotated[
    str,
    typer.Option(
        "--header",
        metavar="auto|yes|no",
        help="Whether the first line of a .csv file names its columns; auto takes a line of "
        "numbers for a sample.",
        rich_help_panel="Data",
    ),
]
"""Use as ``header: HeaderOption = "auto"``."""


def header_of(word: str) -> bool | None:
    """Return whether there is a header (None: find out), or raise UnknownNameError."""
    if word not in HEADERS:
        raise UnknownNameError("header", word, HEADERS)
    return HEADERS[word]


HEADERS = {"auto": None, "yes": True, "no": False}

SchedulerOption = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        show_default=False,
        help="Train on the Dask cluster of this scheduler, as tcp://host:8786, and not here.",
    ),
]
"""Use as ``scheduler: SchedulerOption = None``."""


def whole_number(text: str | int) -> int:
    """Return the number, or raise BadParameter, naming the word, if it is not one."""
    try:
        return int(text)
    except ValueError:
        hint = hint_for_numbers(str(text))
        raise typer.BadParameter(f"{text!r} is not a whole number{hint}") from None


def whole_numbers(text: str | int) -> list[int]:
    """Return the numbers of a range such as ``0..29``, or a single number as a list."""
    return [whole_number(word) for word in expand_range(str(text))]


def _threads(text: str | int) -> int:
    """Return the number of threads; raise BadParameter if the machine has fewer cores."""
    threads, n_cores = whole_number(text), os.cpu_count() or 1
    if not 1 <= threads <= n_cores:
        raise typer.BadParameter(f"{threads} threads: expected 1 to {n_cores}, the number of cores")
    return threads


BlasThreadsOption = Annotated[
    int,
    typer.Option(
        "--blas-threads",
        parser=_threads,
        metavar="NUMBER",
        envvar=f"{ENVIRONMENT_PREFIX}BLAS_THREADS",
        show_envvar=False,
        help="Threads of each matrix product; the last digits depend on it, and small products are "
        "slower with more. A sweep without --jobs then does fewer runs at a time.",
    ),
]
"""Use as ``blas_threads: BlasThreadsOption = 1``."""

# A list of widths could not be told from several networks.
_ONE_NETWORK = " One network for all runs of a sweep."


def _number(text: str | float) -> float:
    try:
        return float(text)
    except ValueError:
        hint = hint_for_numbers(str(text))
        raise typer.BadParameter(f"{text!r} is not a number{hint}") from None


_PARSERS: dict[type, Callable[[Any], Any] | None] = {
    int: whole_number,
    float: _number,
    str: None,
}
"""Parsers whose errors quote the word that was typed; Typer's own do not."""

Command = TypeVar("Command", bound=Callable[..., Any])


def knob_parameters(many: bool, names: Collection[str] = KNOBS) -> list[inspect.Parameter]:
    """Return one keyword-only parameter for each knob, in the form that Typer reads.

    Parameters
    ----------
    many : bool
        Whether an option takes several values, for a sweep; ``seed`` is then ``seeds``.
    names : collection of str, optional
        The knobs, by default all.
    """
    return [_parameter(name, knob, many) for name, knob in KNOBS.items() if name in names]


def with_knobs(many: bool, names: Collection[str] = KNOBS) -> Callable[[Command], Command]:
    """Add one option for each knob to a command ``def command(..., **knobs)``.

    Parameters are those of ``knob_parameters``.
    """

    def decorate(command: Command) -> Command:
        signature = inspect.signature(command, eval_str=True)
        own = [
            parameter
            for parameter in signature.parameters.values()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        command.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=own + knob_parameters(many, names)
        )
        return command

    return decorate


def given(knobs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the knobs that were given anywhere, with lists of one network as tuples.

    Examples
    --------
    >>> given({"epochs": None, "B": 3, "hidden": [64, 64]})
    {'B': 3, 'hidden': (64, 64)}
    """
    return {
        name: tuple(value) if name in LISTS else value
        for name, value in knobs.items()
        if value is not None and value != []
    }


def _parameter(name: str, knob: "Field[Any]", many: bool) -> inspect.Parameter:
    # Parsed as text, to allow alpha-cd; RunConfig parses the number.
    kind = str if name == "dropout" else KNOB_TYPES[name]
    several = name in LISTS or (many and name not in ONE_VALUE)
    typed: Any = list[kind] | None if several else kind | None  # type: ignore[valid-type]
    help_text, default = _help(name, knob, many)
    if many and name == "seed":
        name = "seeds"
    flag = f"--{name.replace('_', '-')}"
    option = typer.Option(
        flag,
        envvar=f"{ENVIRONMENT_PREFIX}{name.upper()}",
        show_envvar=False,
        show_default=False,
        parser=whole_numbers if several and kind is int else _PARSERS[kind],
        metavar=("TEXT" if kind is str else "NUMBER") + " ..." * several,
        help=f"{help_text} [default: {default}]",
        rich_help_panel=panel_of(name),
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[typed, option],
    )


def _help(name: str, knob: "Field[Any]", many: bool) -> tuple[str, str]:
    """Return the help and the text of the default.

    A default in brackets is cut from the help, so that all options show it in the same way.
    """
    text, bracket, said = str(knob.metadata["help"]).partition(" [default: ")
    default = said.removesuffix("]") if bracket else _text(knob.default)
    if many and name in LISTS:
        text += _ONE_NETWORK
    if many and name == "seed":
        text = text.replace("Seed of", "Seeds of", 1) + " A range, as in --seeds 0..29, is several."
        return text, " ".join(map(str, PUBLISHED_SEEDS))
    return text, default


def help_and_default(name: str) -> tuple[str, str]:
    """Return the help of a knob, and its default in words."""
    return _help(name, KNOBS[name], many=False)


def _text(default: Any) -> str:
    return " ".join(map(str, default)) if isinstance(default, tuple) else str(default)
