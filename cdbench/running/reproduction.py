"""Reproduction: compare a stored run, number by number, with the same configuration trained again.

Every stored number is compared, except times and memory. Anything that only the later run has, such
as a kind of spectrum unknown to the stored run's cdbench, is ignored. Two runs are

- **bit for bit** equal, if every number is the same;
- equal at the **printed precision**, if every number is printed the same by ``PRINTED``;
- **different** otherwise; the first quantity that differs, in the order of a run's computation,
  shows where they diverge.

Texts and counts (status, fingerprint of the data, widths, product, the step of a divergence) are
not rounded: they are equal or not.

A spectral number at or below its threshold is zero except for rounding, which differs between
machines. It is printed as 0 whatever its digits, and a condition number that it makes infinite, as
∞. If a number is so close to its threshold that rounding carries it across, κ jumps between finite
and infinite, or κ of the non-null part changes by decades. A table would then print something
else, so the runs are different. Only the rank is not compared at the printed precision, because
where it matters, one of these two κ shows the difference.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isinf, isnan

from cdbench.records.quantiles import ranked
from cdbench.records.run import FAILED, INTERRUPTED, Run
from cdbench.records.spectra import Curvature, Spectrum
from cdbench.running.printed import PRINTED

BIT_FOR_BIT = "bit for bit"
PRINTED_EQUAL = "printed precision"
DIFFERENT = "different"
TRAINING_FAILED = "failed"
NOT_REPRODUCIBLE = "not reproducible"
VERDICTS = (BIT_FOR_BIT, PRINTED_EQUAL, DIFFERENT, TRAINING_FAILED, NOT_REPRODUCIBLE)

ZERO = "0"

Value = float | int | str | None


@dataclass(frozen=True)
class Number:
    """One quantity of a run.

    Attributes
    ----------
    quantity : str
        Its name: a field of EpochMetrics, Condition, Curvature or Run; of a regression's losses,
        squared_error for loss.
    where : tuple
        Where it occurs, in words: an epoch, a layer and a kind.
    value : float, int, str or None
        The value; None if it was not stored.
    zero : float
        Level at or below which the value counts as zero.
    """

    quantity: str
    where: str
    value: Value
    zero: float = 0.0

    def printed(self) -> str:
        """Return the value as printed in tables."""
        if self.quantity not in PRINTED or not isinstance(self.value, int | float):
            return str(self.value)
        if self.zero and abs(self.value) <= self.zero:
            return ZERO
        return PRINTED[self.quantity](self.value)


@dataclass(frozen=True)
class Comparison:
    """The result for one run.

    Attributes
    ----------
    verdict : str
        One of VERDICTS.
    words : str
        Why it is not equal bit for bit: the quantity, as stored and as found.
    """

    verdict: str
    words: str = ""


def compare_runs(stored: Run, found: Run) -> Comparison:
    """Compare a stored run with the same configuration trained again.

    Parameters
    ----------
    stored : Run
        The run in the database; one that completed or diverged.
    found : Run
        The run trained now.
    """
    if found.status == FAILED:
        return Comparison(TRAINING_FAILED, (found.error or "").strip().rpartition("\n")[2])
    others = {(number.quantity, number.where): number for number in _numbers(found)}
    n_unequal, farthest = 0, (0.0, "")
    for number in _numbers(stored):
        other = others.get((number.quantity, number.where))
        if number.value is None or (other and _equal(number.value, other.value)):
            continue
        if other is None or number.printed() != other.printed():
            return Comparison(DIFFERENT, _difference(number, other))
        n_unequal += 1
        farthest = max(farthest, (_distance(number, other), _name(number)))
    if not n_unequal:
        return Comparison(BIT_FOR_BIT)
    distance, name = farthest
    numbers = f"{n_unequal:,} number{'s' * (n_unequal > 1)} differ{'s' * (n_unequal == 1)}"
    words = (
        f"{numbers}, with a relative difference of up to {distance:.0e}: {name}"
        if distance
        else numbers
    )
    return Comparison(PRINTED_EQUAL, words)


def not_reproducible(status: str) -> Comparison | None:
    """Return the result for a stored run that ended like this, or None if it can be compared."""
    return Comparison(NOT_REPRODUCIBLE, status) if status in (INTERRUPTED, FAILED) else None


def _numbers(run: Run) -> Iterator[Number]:
    """Yield a run's numbers in the order in which they are computed."""
    yield Number("dataset_fingerprint", "", run.dataset_fingerprint)
    yield Number("widths", "", "→".join(map(str, run.widths)) or None)
    for name in ("n_parameters", "product_used"):
        yield Number(name, "", getattr(run, name))
    for own in run.gains:
        yield Number("gain", f"of layer {own.layer}", own.gain)
    for epoch in run.epochs:
        where = f"of epoch {epoch.epoch}"
        loss = "loss" if epoch.test_r2 is None else "squared_error"
        yield Number(f"training_{loss}", where, epoch.training_loss)
        yield Number(f"test_{loss}", where, epoch.test_loss)
        yield Number(f"validation_{loss}", where, epoch.validation_loss)
        for name in ("test_accuracy", "validation_accuracy", "test_r2"):
            yield Number(name, where, getattr(epoch, name))
    for name in ("status", "diverged_epoch", "diverged_step"):
        yield Number(name, "", getattr(run, name))
    for spectrum in run.spectra:
        yield from _of_spectrum(spectrum)
    for curvature in run.curvature:
        yield from _of_curvature(curvature)


def _of_spectrum(spectrum: Spectrum) -> Iterator[Number]:
    step = f", step {spectrum.step}" if spectrum.step else ""
    where = f"of layer {spectrum.layer}, {spectrum.kind}, epoch {spectrum.epoch}{step}"
    condition = spectrum.condition
    yield Number("sample", where, spectrum.sample)
    for name in ("kappa", "kappa_nonnull", "size", "threshold", "largest", "flatness", "rank"):
        yield Number(name, where, getattr(condition, name))
    yield Number("smallest", where, condition.smallest, condition.threshold)
    yield Number("effective_rank", where, condition.effective_rank)
    for floor in condition.floors:
        at = f"{where}, noise floor {floor.level:g}"
        yield Number("damped_kappa", at, condition.damped_kappa(floor.level))
        yield Number("cut_kappa", at, floor.cut_kappa)
        yield Number("n_left", at, floor.n_left)
    for rank, value in ranked(spectrum.values, spectrum.n_numbers):
        yield Number("value", f"{rank} {where}", value, condition.threshold)


def _of_curvature(curvature: Curvature) -> Iterator[Number]:
    where = f"of {curvature.matrix}, {curvature.coordinates}, epoch {curvature.epoch}"
    exact = ("sample", "n_samples", "method", "size")
    plain = ("kappa", "kappa_nonnull", "damped_kappa", "threshold", "largest", "trace")
    for name in (*exact, *plain, "trace_error", "effective_rank", "damping", "rank"):
        yield Number(name, where, getattr(curvature, name))
    yield Number("smallest", where, curvature.smallest, curvature.threshold)
    points = zip(curvature.nodes, curvature.weights, strict=True)
    for position, (node, weight) in enumerate(points, 1):
        yield Number("node", f"{position} {where}", node, curvature.threshold)
        yield Number("weight", f"{position} {where}", weight)


def _equal(one: Value, other: Value) -> bool:
    if isinstance(one, float) and isinstance(other, float) and isnan(one):
        return isnan(other)
    return one == other


def _distance(one: Number, other: Number) -> float:
    """Return their difference relative to the larger; 0 for counts, and for numbers that are 0."""
    if not isinstance(one.value, float) or not isinstance(other.value, float):
        return 0.0
    largest = max(abs(one.value), abs(other.value))
    if isinf(largest) or one.printed() == ZERO:
        return 0.0
    return abs(one.value - other.value) / largest


def _difference(stored: Number, found: Number | None) -> str:
    other = "none" if found is None else _shown(found.value)
    return f"{_name(stored)}: stored {_shown(stored.value)}, found {other}"


def _name(number: Number) -> str:
    return f"{number.quantity.replace('_', ' ')} {number.where}".strip()


def _shown(value: Value) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)
