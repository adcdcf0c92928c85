"""``cdbench model check``: whether a trained network still does what its run did."""

from pathlib import PurePath
from typing import TYPE_CHECKING

from cdbench.cli import COMPLETED, RUN_FAILED
from cdbench.cli.model.named import ModelArgument, model_named, model_of_run
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption
from cdbench.cli.output import print_report
from cdbench.cli.report import FormatOption
from cdbench.errors import ConfigurationError, StoreError
from cdbench.reports.formats import Report

if TYPE_CHECKING:
    from cdbench.records.run import Run
    from cdbench.trained.model import TrainedModel

GOOD, BAD, UNKNOWN = "equal", "DIFFERENT", "nothing stored to compare with"


def check(
    model: ModelArgument,
    db: DatabaseOption = DEFAULT_DATABASE,
    format: FormatOption = "table",  # noqa: A002
) -> int:
    """Check a trained network: its digest and shapes, and its loss and score on its test split.

    These are computed again and compared with what its run has in the database, as printed. The
    exit code is 1 if something differs.

    For example:

        cdbench model check latest

        cdbench model check wine.npz --db other.db
    """
    if PurePath(model).suffix:
        found = model_named(model, db)
        run = _run_of(found, db)
    else:
        found, run = model_of_run(model, db)
    report = _report(found, run)
    print_report(report, format)
    return RUN_FAILED if any(one["outcome"] == BAD for one in report.records) else COMPLETED


def _run_of(model: "TrainedModel", db: str) -> "Run | None":
    """Return what the database has of a model's run, or None."""
    from cdbench.store.database import open_if_any
    from cdbench.store.run_names import run_named
    from cdbench.store.run_queries import stored_runs

    if model.run_uuid is None:
        return None
    try:
        database = open_if_any(db)
        if database is None:
            return None
        ((_, run),) = stored_runs(database, [run_named(database, model.run_uuid)])
    except (ConfigurationError, StoreError):
        return None
    return run


def _report(model: "TrainedModel", run: "Run | None") -> Report:
    from cdbench.datasets import split_of
    from cdbench.running.printed import PRINTED
    from cdbench.trained.evaluation import is_same_transform, score_on

    split = split_of(model.config)
    same = GOOD if is_same_transform(model.inputs, split.inputs) else BAD
    n, digest = f"{model.parameters.size:,}", f"{model.digest[:12]}…"
    # A model that was read has as many parameters as its layers, and the digest of its header.
    lines = [("parameters", n, n, GOOD), ("digest", digest, digest, GOOD)]
    lines.append(("input transform", "", "", same))
    score = score_on(model, split)
    loss = "test_loss" if score.r2 is None else "test_squared_error"
    measured = {loss: score.loss, "test_accuracy": score.accuracy, "test_r2": score.r2}
    stored: dict[str, float | None] = {}
    if run is not None:
        last = run.epochs[-1]
        stored = {
            loss: last.test_loss,
            "test_accuracy": last.test_accuracy,
            "test_r2": last.test_r2,
        }
    for name, now in measured.items():
        then = stored.get(name)
        if now is not None:
            shown, known = PRINTED[name](now), "" if then is None else PRINTED[name](then)
            outcome = UNKNOWN if then is None else GOOD if shown == known else BAD
            lines.append((name.replace("_", " "), shown, known, outcome))
    names = ("quantity", "found", "stored", "outcome")
    return Report(
        title=f"{model.config.model} · {model.config.dataset} · seed {model.config.seed}",
        columns=("Quantity", "Found", "Stored", "Outcome"),
        rows=lines,
        notes=(),
        records=[dict(zip(names, line, strict=True)) for line in lines],
        text_columns=1,
    )
