"""The tables of what is measured in a run: conditions and spectra of layers, and curvature."""

from collections.abc import Iterator

from sqlalchemy import CheckConstraint, Column, Double, ForeignKey, Integer, UniqueConstraint

from cdbench.store.floor_columns import CUT_COLUMNS, LEFT_COLUMNS, LEVEL_NAMES
from cdbench.store.models.base import Base, column, integer_key, of_run


class ConditionNumber(Base):
    """How well conditioned one weight layer is, by kind (see `docs/conditions.md`)."""

    __tablename__ = "condition_number"

    run_id: Column[int] = column(of_run(), primary_key=True, comment="The run.")
    layer: Column[int] = integer_key("Weight layer, from 1 at the input.")
    kind: Column[str] = column(
        primary_key=True, comment="published, block_power, weight, theorem1 or layer_hessian."
    )
    epoch: Column[int] = integer_key("Epochs trained when measured; with a step, the epoch then.")
    step: Column[int] = integer_key("0, or the update, from 1, before which it was measured.")
    sample: Column[str | None] = column(
        comment="Data it is of: train, test or batch; NULL where it depends on none."
    )
    largest: Column[float] = column(comment="Largest number that counts.")
    smallest: Column[float] = column(comment="Smallest number that counts.")
    kappa: Column[float] = column(
        comment="largest / smallest; Inf where the smallest is at or below the threshold."
    )
    kappa_nonnull: Column[float] = column(
        comment="The same over the numbers above the threshold only."
    )
    rank: Column[int] = column(comment="How many numbers are above the threshold.")
    size: Column[int] = column(comment="How many numbers there are.")
    threshold: Column[float] = column(comment="Level at or below which one is zero.")
    flatness: Column[float | None] = column(
        comment="Geometric / arithmetic mean, 0 to 1; of block_power each block's, averaged; "
        "NULL for runs of schema 0001."
    )
    effective_rank: Column[float | None] = column(
        comment="Sum / largest of the numbers; NULL for runs of schemas before 0007."
    )


def _floor_columns() -> Iterator[Column[float]]:
    """Yield the columns of κ at each noise floor, and then those of how many numbers are left."""
    for name, level in zip(CUT_COLUMNS, LEVEL_NAMES, strict=True):
        comment = f"κ of the numbers that are at least {level} of their sum; 1 if one is left."
        yield Column(name, Double, nullable=False, comment=comment)
    for name, level in zip(LEFT_COLUMNS, LEVEL_NAMES, strict=True):
        comment = f"How many numbers are at least {level} of their sum."
        yield Column(name, Integer, nullable=False, comment=comment)


class NoiseFloor(Base):
    """κ above noise floors, of kinds weight and layer_hessian after the last epoch.

    The floors are shares of the sum of the numbers (the trace), from 1e-9 to 1e-1. The view
    `noise_floors` has a row for each, and the damped κ beside.
    """

    __tablename__ = "noise_floor"
    __table_args__ = tuple(_floor_columns())

    run_id: Column[int] = column(of_run(), primary_key=True, comment="The run.")
    layer: Column[int] = integer_key("Weight layer, from 1 at the input.")
    kind: Column[str] = column(primary_key=True, comment="weight or layer_hessian.")
    epoch: Column[int] = integer_key("Epochs trained when measured.")


class Spectrum(Base):
    """A set of spectral numbers of one weight layer; the numbers are in `spectrum_value`."""

    __tablename__ = "spectrum"
    __table_args__ = (UniqueConstraint("run_id", "layer", "kind", "epoch"),)

    spectrum_id: Column[int] = integer_key("Key.")
    run_id: Column[int] = column(of_run(), comment="The run.")
    layer: Column[int] = column(comment="Weight layer, from 1 at the input.")
    kind: Column[str] = column(comment="published, block_power, weight, theorem1 or layer_hessian.")
    epoch: Column[int] = column(comment="Epochs trained when it was measured.")
    sample: Column[str | None] = column(
        comment="Data it is of: train, test or batch; NULL where it depends on none."
    )
    multiplicity: Column[int] = column(
        server_default="1", comment="How often each of the numbers occurs."
    )
    n_numbers: Column[int | None] = column(
        comment="NULL: all numbers are kept. Else how many there were, of which the values are "
        "quantiles: equally spaced ranks, the largest and the smallest among them."
    )


class SpectrumValue(Base):
    """One number of a spectrum."""

    __tablename__ = "spectrum_value"

    spectrum_id: Column[int] = column(
        ForeignKey("spectrum.spectrum_id", ondelete="CASCADE"),
        primary_key=True,
        comment="The spectrum.",
    )
    position: Column[int] = integer_key("From 1 at the largest.")
    value: Column[float] = column(comment="The number, in the kind's own unit.")


class Curvature(Base):
    """One matrix of the whole network's loss: its ends, trace and damped condition number."""

    __tablename__ = "curvature"
    __table_args__ = (
        CheckConstraint("matrix IN ('gauss_newton', 'hessian')", name="matrix"),
        UniqueConstraint("run_id", "matrix", "coordinates", "epoch"),
    )

    curvature_id: Column[int] = integer_key("Key.")
    run_id: Column[int] = column(of_run(), comment="The run.")
    matrix: Column[str] = column(comment="gauss_newton or hessian.")
    coordinates: Column[str] = column(
        comment="own: the parameters as they are; weight-space: √B·c in place of c."
    )
    epoch: Column[int] = column(comment="Epochs trained when it was measured.")
    sample: Column[str] = column(comment="Data it is of: train, test or batch.")
    n_samples: Column[int] = column(comment="Number of samples.")
    method: Column[str] = column(comment="exact: all eigenvalues; lanczos: ends, density.")
    size: Column[int] = column(comment="Number of parameters.")
    rank: Column[int | None] = column(
        comment="Eigenvalues above the threshold in magnitude; NULL by lanczos."
    )
    threshold: Column[float] = column(comment="Level at or below which one is zero.")
    largest: Column[float] = column(comment="Largest eigenvalue.")
    smallest: Column[float] = column(comment="Smallest eigenvalue, with its sign.")
    kappa: Column[float] = column(
        comment="largest / smallest; Inf unless every eigenvalue is above the threshold."
    )
    kappa_nonnull: Column[float | None] = column(
        comment="The same, of magnitudes, over those above the threshold; NULL by lanczos."
    )
    trace: Column[float] = column(comment="Sum of the eigenvalues.")
    trace_error: Column[float] = column(comment="Its standard error; 0 if exact.")
    effective_rank: Column[float] = column(comment="Σ|λ| / max|λ|.")
    damping: Column[float] = column(comment="d of the next column.")
    damped_kappa: Column[float] = column(
        comment="(largest + d) / (smallest + d); Inf where smallest + d ≤ 0: indefinite."
    )


class CurvatureNode(Base):
    """One point of a matrix's spectrum, or of its estimated density."""

    __tablename__ = "curvature_node"

    curvature_id: Column[int] = column(
        ForeignKey("curvature.curvature_id", ondelete="CASCADE"),
        primary_key=True,
        comment="The matrix.",
    )
    position: Column[int] = integer_key("From 1 at the largest.")
    eigenvalue: Column[float] = column(comment="Eigenvalue, or by lanczos a Ritz value.")
    weight: Column[float] = column(comment="Share of the spectrum at it.")
