"""``cdbench model predict``: apply a trained network to a user's data."""

from contextlib import suppress
from math import fsum, inf
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.echo import complain, echo
from cdbench.cli.model.named import ModelArgument, model_named
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption, HeaderOption, header_of
from cdbench.cli.output import print_report
from cdbench.cli.report import ENDINGS
from cdbench.errors import ConfigurationError, ModelError, OutputError
from cdbench.reports.formats import Report, render
from cdbench.system.home_folders import expanded
from cdbench.system.output_files import STANDARD_OUTPUT, check_output, write_output

if TYPE_CHECKING:
    from cdbench.datasets.wanted import Features
    from cdbench.trained.model import TrainedModel


def predict(
    model: ModelArgument,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="Samples: a .csv or .parquet file, a .npz file with the array X, or a .npy array. "
            "A label column may be there.",
            show_default=False,
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="Write to this file, which replaces what is there; - is standard output.",
        ),
    ] = STANDARD_OUTPUT,
    header: HeaderOption = "auto",
    format: Annotated[  # noqa: A002 - the option's name
        Literal["table", "markdown", "csv", "json"] | None,
        typer.Option(
            "--format",
            show_default=False,
            help="Form of the predictions. [default: by the ending of --output, else csv]",
        ),
    ] = None,
    db: DatabaseOption = DEFAULT_DATABASE,
) -> int:
    """Predict the class of each sample, with the probability of every class; or a quantity.

    Columns are found by name where the network and the file have names, else by position; texts and
    blanks are encoded as in training. Samples are scaled by the numbers that training found.

    For example:

        cdbench model predict latest new.csv

        cdbench model predict wine.npz new.csv -o predicted.csv

        cdbench model predict 5 images.npz --format json
    """
    from cdbench.datasets.features import read_features
    from cdbench.datasets.wanted import Wanted

    target = STANDARD_OUTPUT if output == STANDARD_OUTPUT else expanded(output, OutputError)
    form = format or _form_of(target)
    check_output(target)
    found = model_named(model, db)
    if found.config.task == "language":
        raise ModelError(
            f"{model}: foretells the characters of a text, expected a classification or regression"
        )
    encoding = found.inputs.encoding
    texts = () if encoding is None else encoding.texts
    wanted = Wanted(
        *(found.n_columns, found.features, texts, found.image, found.config.label_column)
    )
    samples = read_features(data, wanted, header_of(header))
    if samples.unused:
        complain(f"{data}: not used: {', '.join(samples.unused)}")
    built = _report(found, samples, data)
    if samples.labels:
        complain(f"{data}: {_how_good(found, built.records, samples.labels)}")
    if target == STANDARD_OUTPUT:
        print_report(built, form)
    elif write_output(target, render(built, form).encode()):
        echo(f"wrote {target}: {len(built.records):,} predictions")
    return COMPLETED


def _form_of(target: str) -> str:
    ending = PurePath(target).suffix.lower()
    if target == STANDARD_OUTPUT or not ending:
        return "csv"
    form = ENDINGS.get(ending)
    if form in (None, "latex"):
        raise ConfigurationError(
            f"--output {target}: no form of predictions ends in {ending}; expected .csv, .json, "
            ".md, .txt, or --format beside it"
        )
    return str(form)


def _report(model: "TrainedModel", samples: "Features", data: str) -> Report:
    """Return the predictions, a row for each sample."""
    predicted = model.predict(samples.X).tolist()
    records: list[dict[str, Any]] = [{"prediction": _plain(one)} for one in predicted]
    names = [f"p({label})" for label in model.classes]
    if names:
        for record, own in zip(records, model.probabilities(samples.X).tolist(), strict=True):
            record |= dict(zip(names, own, strict=True))
    return Report(
        title=f"{model.config.model}, trained on {model.config.dataset} · {data}",
        columns=("Sample", "Prediction", *names),
        rows=[
            (
                str(place),
                str(one["prediction"]) if names else f"{one['prediction']:.6g}",
                *(f"{one[name]:.4f}" for name in names),
            )
            for place, one in enumerate(records, 1)
        ],
        notes=(),
        records=records,
        text_columns=2 if names else 1,
    )


def _plain(label: Any) -> Any:
    """Return a label that is the text of a number as that number, whose text is then not guarded.

    In .csv, text that a spreadsheet would take for a formula, such as -1, gets an apostrophe.
    """
    for kind in (int, float):
        with suppress(ValueError):
            number = kind(label)
            if str(number) == label and -inf < number < inf:  # JSON has no nan
                return number
    return label


def _how_good(model: "TrainedModel", records: Any, labels: tuple[str, ...]) -> str:
    """Return in words how well the labels that the file has are foretold."""
    predicted = [one["prediction"] for one in records]
    if model.target is None:
        if not set(labels) & set(model.classes):
            return "the column that could be the label has none of the network's classes"
        right = sum(str(one) == label for one, label in zip(predicted, labels, strict=True))
        share = 100 * right / len(labels)
        return f"{right:,} of {len(labels):,} labels are foretold, {share:.2f} %"
    try:
        true = [float(label) for label in labels]
    except ValueError:
        return "the column that could be the target has text"
    mean = fsum(true) / len(true)
    rest = fsum((own - one) ** 2 for own, one in zip(true, predicted, strict=True))
    spread = fsum((own - mean) ** 2 for own in true)
    if not spread:
        return "the targets are all equal, so R² means nothing"
    return f"R² of the {len(true):,} targets is {1 - rest / spread:.4f}"
