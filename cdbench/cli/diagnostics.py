"""Options for what is measured besides a run's epochs, shared by the commands that train."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

import typer

from cdbench.cli.options import whole_number
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.knob_values import KEEP_WEIGHTS

Command = TypeVar("Command", bound=Callable[..., Any])

_PANEL = "Diagnostics"


def _every(flag: str, what: str) -> Any:
    return typer.Option(
        flag,
        parser=whole_number,
        metavar="E",
        show_default=False,
        help=f"Measure {what} at initialisation and every E epochs. [default: at the end only]",
        rich_help_panel=_PANEL,
    )


_OPTIONS: dict[str, tuple[Any, Any]] = {
    "spectra_every": (
        Annotated[int | None, _every("--spectra-every", "the layers' spectra")],
        None,
    ),
    "curvature": (
        Annotated[
            Literal["none", "auto", "exact", "lanczos"],
            typer.Option(
                help="Measure the whole network's Gauss-Newton matrix and Hessian: auto is exact "
                "below about 3,000 parameters (half a minute), else lanczos (seconds).",
                rich_help_panel=_PANEL,
            ),
        ],
        "none",
    ),
    "curvature_every": (
        Annotated[int | None, _every("--curvature-every", "the curvature")],
        None,
    ),
    "on": (
        Annotated[
            Literal["train", "test", "batch"],
            typer.Option(
                help="Data of what depends on data: training split, test split, one mini-batch.",
                rich_help_panel=_PANEL,
            ),
        ],
        "train",
    ),
    "samples": (
        Annotated[
            int | None,
            typer.Option(
                "--samples",
                parser=whole_number,
                metavar="N",
                show_default=False,
                help="Measure on N samples of these data, drawn by the run's seed; of large sets "
                "all take long. [default: all]",
                rich_help_panel=_PANEL,
            ),
        ],
        None,
    ),
    "batches": (
        Annotated[
            bool,
            typer.Option(
                "--every-batch",
                help="Measure Theorem 1's spectrum of every mini-batch as well.",
                rich_help_panel=_PANEL,
            ),
        ],
        False,
    ),
    "spectra": (
        Annotated[
            bool,
            typer.Option(
                "--spectra/--no-spectra",
                help="Measure the layers' spectra, which takes about as long as a short training.",
                rich_help_panel=_PANEL,
            ),
        ],
        True,
    ),
    "kinds": (
        Annotated[
            list[str] | None,
            typer.Option(
                "--kinds",
                show_default=False,
                metavar="KIND ...",
                help="Measure only these kinds of spectra, as in --kinds weight layer_hessian. "
                "[default: all]",
                rich_help_panel=_PANEL,
            ),
        ],
        None,
    ),
    "floors": (
        Annotated[
            bool,
            typer.Option(
                "--noise-floors",
                help="Measure κ above noise floors as well, damped and cut, from 1e-9 to 1e-1 of "
                "the trace.",
                rich_help_panel=_PANEL,
            ),
        ],
        False,
    ),
    "values": (
        Annotated[
            bool,
            typer.Option(
                "--values/--no-values",
                help="Keep the numbers of each spectrum, or only its condition.",
                rich_help_panel=_PANEL,
            ),
        ],
        True,
    ),
    "history": (
        Annotated[
            bool,
            typer.Option(
                "--history/--no-history",
                help="Keep every epoch and each class's accuracy, or only the last epoch.",
                rich_help_panel=_PANEL,
            ),
        ],
        True,
    ),
    KEEP_WEIGHTS: (
        Annotated[
            bool,
            typer.Option(
                "--keep-weights/--no-keep-weights",
                help="Keep the trained network of each run that completes, to export it and to "
                "predict with it: cdbench model.",
                rich_help_panel=_PANEL,
            ),
        ],
        False,
    ),
}
"""By the parameter's name, which is also that of a key of ``cdbench.toml``."""


def with_diagnostics(command: Command) -> Command:
    """Add the options of Diagnostics to a command; it gets them with its ``**knobs``."""
    signature = inspect.signature(command, eval_str=True)
    own = list(signature.parameters.values())
    options = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
        )
        for name, (annotation, default) in _OPTIONS.items()
    ]
    command.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*own, *options]
    )
    return command


def take_diagnostics(knobs: dict[str, Any]) -> Diagnostics:
    """Take the options of ``with_diagnostics`` out of the knobs, and return them as Diagnostics."""
    values = {name: knobs.pop(name) for name in _OPTIONS}
    weights = values.pop(KEEP_WEIGHTS)
    return Diagnostics(**{**values, "kinds": tuple(values["kinds"] or ()), "weights": weights})
