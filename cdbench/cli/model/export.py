"""``cdbench model export``: write a run's network to a file."""

from typing import Annotated

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.echo import say
from cdbench.cli.model.named import ModelArgument, model_named
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption
from cdbench.errors import OutputError, UnknownNameError
from cdbench.system.home_folders import expanded
from cdbench.system.output_files import check_output


def export(
    model: ModelArgument,
    output: Annotated[
        str,
        typer.Argument(
            metavar="OUTPUT",
            help="File to write, which replaces what is there.",
            show_default=False,
        ),
    ],
    format: Annotated[  # noqa: A002 - the option's name
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            show_default=False,
            help="npz: arrays and a JSON header; torch: a state_dict in a .safetensors file; onnx. "
            "[default: by the ending of OUTPUT]",
        ),
    ] = None,
    own: Annotated[
        bool,
        typer.Option(
            "--own",
            help="With torch, keep each family's own parameters, for the layers of cdbench.torch; "
            "without, weight layers are whole matrices, of nn.Linear.",
        ),
    ] = False,
    db: DatabaseOption = DEFAULT_DATABASE,
) -> int:
    """Write a trained network to a file, with all that it takes to apply it.

    A run whose network was not kept is trained again from its configuration, and refused if that
    gives other numbers than are stored.

    For example:

        cdbench model export latest wine.npz

        cdbench model export latest wine.onnx

        cdbench model export 5 wine.safetensors --own --db other.db
    """
    from cdbench.trained.formats import FORMATS, format_of, writer

    if format is not None and format not in FORMATS:
        raise UnknownNameError("format", format, FORMATS)
    target = expanded(output, OutputError)
    name = format_of(target, format)
    write = writer(name, own=own)
    check_output(target, "OUTPUT")
    found = model_named(model, db)
    said = write(found, target)
    if said is not None:
        what = f"{found.config.model}, {found.parameters.size:,} parameters"
        say(f"wrote {target}: {what}" + (f"; {said}" if said else ""))
    return COMPLETED
