"""Tables of one run: its epochs as curves, its layers' conditions, spectra and curvature."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log

from cdbench.records.run import EpochMetrics, Run
from cdbench.records.spectra import Spectrum
from cdbench.reports import measured
from cdbench.reports.formats import Report
from cdbench.reports.sparklines import MOST, STEEP, sparkline
from cdbench.reports.statistics import format_kappa, format_loss, format_percent
from cdbench.statistics.numerals import format_number, format_points, minus

MOST_SPECTRA = 12
"""Spectra that are shown one by one; of more, those after the last epoch."""


@dataclass(frozen=True)
class Curve:
    """A quantity of a run over its epochs.

    Attributes
    ----------
    name : str
        What it is, in words.
    field : str
        The same as a name for JSON.
    values : tuple of float
        One an epoch that was kept.
    shown : callable
        From a value to its text.
    rises : bool
        Whether more is better.
    """

    name: str
    field: str
    values: tuple[float, ...]
    shown: Callable[[float], str]
    rises: bool = False

    def gap(self, difference: float) -> str:
        """Return a difference of two values in words: of accuracies in percentage points."""
        if self.field.endswith("accuracy"):
            return f"{format_points([difference])[0]} points"
        return f"+{format_number(difference)}" if difference > 0 else format_number(difference)

    @property
    def best(self) -> int:
        """Place of the best value, from 0."""
        chosen = max if self.rises else min
        return chosen(range(len(self.values)), key=self.values.__getitem__)


def curves(run: Run) -> list[Curve]:
    """Return what was measured in every epoch; nothing of a run without epochs."""
    found = [
        _curve(run, "training loss", "training_loss", _loss),
        _curve(run, "test loss", "test_loss", _loss),
        _curve(run, "test accuracy", "test_accuracy", _percent, rises=True),
        _curve(run, "test R²", "test_r2", _r2, rises=True),
        _curve(run, "validation loss", "validation_loss", _loss),
        _curve(run, "validation accuracy", "validation_accuracy", _percent, rises=True),
    ]
    if run.config.task == "language":
        bits = tuple(epoch.test_loss / log(2) for epoch in run.epochs)
        found.insert(2, Curve("bits per character", "bits_per_character", bits, _loss))
    return [curve for curve in found if curve.values]


def epochs_table(run: Run, *, plain: bool, drawn: bool) -> Report:
    """Return the first, best and last value of each curve, and the curve.

    Parameters
    ----------
    run : Run
        It has epochs.
    plain : bool
        Whether curves are of ASCII only.
    drawn : bool
        Whether there are curves at all.
    """
    drawn = drawn and len(run.epochs) > 1
    rows = []
    for curve in curves(run):
        best = curve.best
        last = curve.shown(curve.values[-1])
        row = [curve.name, last]
        if len(run.epochs) > 1:
            at = run.epochs[best].epoch
            row[1:1] = [curve.shown(curve.values[0]), f"{curve.shown(curve.values[best])} ({at})"]
        rows.append(row + [sparkline(curve.values, plain=plain)] * drawn)
    numbers = [epoch.epoch for epoch in run.epochs]
    columns = ["", "first", "best (epoch)", "last"] if len(numbers) > 1 else ["", "last"]
    steep = f"A curve whose largest value is {STEEP} times its smallest is drawn logarithmically."
    kept = "Only the last epoch was kept." if numbers[0] > 1 else ""
    return Report(
        title=_epochs(numbers),
        columns=columns + ["curve"] * drawn,
        rows=rows,
        notes=[note for note in (steep * drawn, kept) if note],
        records=(),
        text_columns=1,
    )


def conditions_tables(run: Run, *, plain: bool, drawn: bool) -> list[Report]:
    """Return the conditions after the last epoch and, if measured more often, over the epochs."""
    if not run.spectra:
        return []
    found = [measured.conditions(run)]
    over = _over_epochs(run, plain=plain) if drawn else None
    return found if over is None else [*found, over]


def spectra_table(run: Run, *, plain: bool, drawn: bool) -> Report | None:
    """Return the spectra whose numbers are kept, as curves from the largest number down."""
    kept = [one for one in run.spectra if one.values]
    if not kept:
        return None
    last = max(one.epoch for one in kept)
    shown = kept if len(kept) <= MOST_SPECTRA else [one for one in kept if one.epoch == last]
    rows = [
        [
            f"layer {one.layer}",
            one.kind,
            *(str(one.epoch), f"{one.n_numbers or len(one.values):,}"),
            *([sparkline(one.values, plain=plain)] * drawn),
        ]
        for one in shown
    ]
    left = len(kept) - len(shown)
    return Report(
        title="Spectra that are kept, from the largest number to the smallest",
        columns=("", "kind", "epoch", "how many", *(["numbers"] * drawn)),
        rows=rows,
        notes=[f"{left} more, of earlier epochs, are in the database."] if left else [],
        records=(),
    )


def curvature_tables(run: Run) -> list[Report]:
    """Return the whole network's curvature, if it was measured."""
    return [measured.curvature(run)] if run.curvature else []


def _epochs(numbers: Sequence[int]) -> str:
    return f"Epochs {numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else f"Epoch {numbers[0]}"


def _curve(
    run: Run, name: str, field: str, shown: Callable[[float], str], *, rises: bool = False
) -> Curve:
    values = tuple(value for epoch in run.epochs if (value := _of(epoch, field)) is not None)
    return Curve(name, field, values if len(values) == len(run.epochs) else (), shown, rises)


def _of(epoch: EpochMetrics, field: str) -> float | None:
    value: float | None = getattr(epoch, field)
    return value


def _loss(loss: float) -> str:
    return format_loss([loss])


def _percent(share: float) -> str:
    return format_percent([share])


def _r2(score: float) -> str:
    return minus(f"{score:.4f}")


def _over_epochs(run: Run, *, plain: bool) -> Report | None:
    """Return how κ changed with the epochs; None if it was measured once."""
    by_place: dict[tuple[int, str], list[Spectrum]] = {}
    for one in run.spectra:
        if not one.step:
            by_place.setdefault((one.layer, one.kind), []).append(one)
    several = {place: own for place, own in by_place.items() if len(own) > 1}
    if not several:
        return None
    rows = []
    for (layer, kind), own in several.items():
        kappas = [one.condition.kappa_nonnull for one in own]
        ends = (format_kappa(kappas[0]), format_kappa(kappas[-1]))
        rows.append([f"layer {layer}", kind, *ends, sparkline(kappas, plain=plain, most=MOST)])
    epochs = sorted({one.epoch for own in several.values() for one in own})
    return Report(
        title=f"κ non-null over the epochs {epochs[0]} to {epochs[-1]}",
        columns=("", "kind", "first", "last", "curve"),
        rows=rows,
        notes=(),
        records=(),
    )
