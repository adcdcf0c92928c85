"""The tables of what is measured in a run: conditions and spectra of layers, and curvature."""

from collections.abc import Iterator

from sqlalchemy import CheckConstraint, Column, Double, ForeignKey, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cdbench.store.floor_columns import CUT_COLUMNS, LEFT_COLUMNS, LEVEL_NAMES
from cdbench.store.models.base import Base, integer_key, of_run


class ConditionNumber(Base):
    """How well conditioned one weight layer is, by kind (see `docs/conditions.md`)."""

    __tablename__ = "condition_number"

    run_id: Mapped[int] = mapped_column(of_run(), primary_key=True, comment="The run.")
    layer: Mapped[int] = integer_key("Weight layer, from 1 at the input.")
    kind: Mapped[str] = mapped_column(
        primary_key=True, comment="published, block_power, weight, theorem1 or layer_hessian."
    )
    epoch: Mapped[int] = integer_key("Epochs trained when measured; with a step, the epoch then.")
    step: Mapped[int] = integer_key("0, or the update, from 1, before which it was measured.")
    sample: Mapped[str | None] = mapped_column(
        comment="Data it is of: train, test or batch; NULL where it depends on none."
    )
    largest: Mapped[float] = mapped_column(comment="Largest number that counts.")
    smallest: Mapped[float] = mapped_column(comment="Smallest number that counts.")
    kappa: Mapped[float] = mapped_column(
        comment="largest / smallest; Inf where the smallest is at or below the threshold."
    )
    kappa_nonnull: Mapped[float] = mapped_column(
        comment="The same over the numbers above the threshold only."
    )
    rank: Mapped[int] = mapped_column(comment="How many numbers are above the threshold.")
    size: Mapped[int] = mapped_column(comment="How many numbers there are.")
    threshold: Mapped[float] = mapped_column(comment="Level at or below which one is zero.")
    flatness: Mapped[float | None] = mapped_column(
        comment="Geometric / arithmetic mean, 0 to 1; of block_power each block's, averaged; "
        "NULL for runs of schema 0001."
    )
    effective_rank: Mapped[float | None] = mapped_column(
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

    run_id: Mapped[int] = mapped_column(of_run(), primary_key=True, comment="The run.")
    layer: Mapped[int] = integer_key("Weight layer, from 1 at the input.")
    kind: Mapped[str] = mapped_column(primary_key=True, comment="weight or layer_hessian.")
    epoch: Mapped[int] = integer_key("Epochs trained when measured.")


class Spectrum(Base):
    """A set of spectral numbers of one weight layer; the numbers are in `spectrum_value`."""

    __tablename__ = "spectrum"
    __table_args__ = (UniqueConstraint("run_id", "layer", "kind", "epoch"),)

    spectrum_id: Mapped[int] = integer_key("Key.")
    run_id: Mapped[int] = mapped_column(of_run(), comment="The run.")
    layer: Mapped[int] = mapped_column(comment="Weight layer, from 1 at the input.")
    kind: Mapped[str] = mapped_column(
        comment="published, block_power, weight, theorem1 or layer_hessian."
    )
    epoch: Mapped[int] = mapped_column(comment="Epochs trained when it was measured.")
    sample: Mapped[str | None] = mapped_column(
        comment="Data it is of: train, test or batch; NULL where it depends on none."
    )
    multiplicity: Mapped[int] = mapped_column(
        server_default="1", comment="How often each of the numbers occurs."
    )
    n_numbers: Mapped[int | None] = mapped_column(
        comment="NULL: all numbers are kept. Else how many there were, of which the values are "
        "quantiles: equally spaced ranks, the largest and the smallest among them."
    )


class SpectrumValue(Base):
    """One number of a spectrum."""

    __tablename__ = "spectrum_value"

    spectrum_id: Mapped[int] = mapped_column(
        ForeignKey("spectrum.spectrum_id", ondelete="CASCADE"),
        primary_key=True,
        comment="The spectrum.",
    )
    position: Mapped[int] = integer_key("From 1 at the largest.")
    value: Mapped[float] = mapped_column(comment="The number, in the kind's own unit.")


class Curvature(Base):
    """One matrix of the whole network's loss: its ends, trace and damped condition number."""

    __tablename__ = "curvature"
    __table_args__ = (
        CheckConstraint("matrix IN ('gauss_newton', 'hessian')", name="matrix"),
        UniqueConstraint("run_id", "matrix", "coordinates", "epoch"),
    )

    curvature_id: Mapped[int] = integer_key("Key.")
    run_id: Mapped[int] = mapped_column(of_run(), comment="The run.")
    matrix: Mapped[str] = mapped_column(comment="gauss_newton or hessian.")
    coordinates: Mapped[str] = mapped_column(
        comment="own: the parameters as they are; weight-space: √B·c in place of c."
    )
    epoch: Mapped[int] = mapped_column(comment="Epochs trained when it was measured.")
    sample: Mapped[str] = mapped_column(comment="Data it is of: train, test or batch.")
    n_samples: Mapped[int] = mapped_column(comment="Number of samples.")
    method: Mapped[str] = mapped_column(comment="exact: all eigenvalues; lanczos: ends, density.")
    size: Mapped[int] = mapped_column(comment="Number of parameters.")
    rank: Mapped[int | None] = mapped_column(
        comment="Eigenvalues above the threshold in magnitude; NULL by lanczos."
    )
    threshold: Mapped[float] = mapped_column(comment="Level at or below which one is zero.")
    largest: Mapped[float] = mapped_column(comment="Largest eigenvalue.")
    smallest: Mapped[float] = mapped_column(comment="Smallest eigenvalue, with its sign.")
    kappa: Mapped[float] = mapped_column(
        comment="largest / smallest; Inf unless every eigenvalue is above the threshold."
    )
    kappa_nonnull: Mapped[float | None] = mapped_column(
        comment="The same, of magnitudes, over those above the threshold; NULL by lanczos."
    )
    trace: Mapped[float] = mapped_column(comment="Sum of the eigenvalues.")
    trace_error: Mapped[float] = mapped_column(comment="Its standard error; 0 if exact.")
    effective_rank: Mapped[float] = mapped_column(comment="Σ|λ| / max|λ|.")
    damping: Mapped[float] = mapped_column(comment="d of the next column.")
    damped_kappa: Mapped[float] = mapped_column(
        comment="(largest + d) / (smallest + d); Inf where smallest + d ≤ 0: indefinite."
    )


class CurvatureNode(Base):
    """One point of a matrix's spectrum, or of its estimated density."""

    __tablename__ = "curvature_node"

    curvature_id: Mapped[int] = mapped_column(
        ForeignKey("curvature.curvature_id", ondelete="CASCADE"),
        primary_key=True,
        comment="The matrix.",
    )
    position: Mapped[int] = integer_key("From 1 at the largest.")
    eigenvalue: Mapped[float] = mapped_column(comment="Eigenvalue, or by lanczos a Ritz value.")
    weight: Mapped[float] = mapped_column(comment="Share of the spectrum at it.")
