"""``cdbench model show``: what a trained network is made of."""

from math import prod
from typing import TYPE_CHECKING

from cdbench.cli import COMPLETED
from cdbench.cli.model.named import ModelArgument, model_named
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption
from cdbench.cli.output import print_report
from cdbench.cli.report import FormatOption
from cdbench.reports.formats import Report

if TYPE_CHECKING:
    from cdbench.trained.model import TrainedModel

MOST = 12
"""Classes and features that are named; of more, their number is told."""


def show(
    model: ModelArgument,
    db: DatabaseOption = DEFAULT_DATABASE,
    format: FormatOption = "table",  # noqa: A002
) -> int:
    """Show a trained network: its layers, what it takes and gives, and its digest.

    For example:

        cdbench model show latest

        cdbench model show wine.npz --format json
    """
    print_report(_report(model_named(model, db)), format)
    return COMPLETED


def _report(model: "TrainedModel") -> Report:
    records = [
        {
            "layer": place,
            "kind": type(layer).__name__,
            "n_in": layer.n_in,
            "n_out": layer.n_out,
            "parameters": " ".join(
                f"{name}:{'×'.join(map(str, shape))}"
                for name, shape in layer.parameter_shapes().items()
            ),
            "n_parameters": sum(map(prod, layer.parameter_shapes().values())),
        }
        for place, layer in enumerate(model.network.layers, 1)
    ]
    own = [record for record in records if record["n_parameters"]]
    return Report(
        title=f"{model.config.model} · {model.config.dataset} · seed {model.config.seed} · "
        f"{model.parameters.size:,} parameters, {model.config.dtype}",
        columns=("Layer", "Kind", "In", "Out", "Parameters", "Number"),
        rows=[
            (*(f"{record[name]}" for name in list(record)[:5]), f"{record['n_parameters']:,}")
            for record in own
        ],
        notes=_notes(model),
        records=own,
        text_columns=2,
    )


def _notes(model: "TrainedModel") -> list[str]:
    notes = [f"Takes {model.n_columns:,} features{_named(model.features)}, input {_input(model)}."]
    if model.target is not None:
        mean, unit = model.target
        notes.append(f"Gives a quantity, {mean:.6g} + {unit:.6g} × its output.")
    else:
        notes.append(f"Gives {len(model.classes):,} classes{_named(model.classes)}.")
    if model.run_uuid is not None:
        notes.append(f"Of run {model.run_uuid}, by cdbench {model.cdbench_version}.")
    notes.append(f"SHA-256 of the parameters: {model.digest}.")
    return notes


def _input(model: "TrainedModel") -> str:
    encoded = "" if model.inputs.encoding is None else "one-hot, then "
    return f"{encoded}{model.config.input}"


def _named(names: tuple[str, ...]) -> str:
    return f": {', '.join(names)}" if 0 < len(names) <= MOST else ""
