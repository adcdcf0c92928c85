"""The tables of comparisons: what was compared, by which runs, and what came of it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cdbench.store.models.base import LARGE, Base, integer_key, of_run, order_of_writing


class Comparison(Base):
    """One comparison of models at matched sizes; a second call of the same plan goes on with it."""

    __tablename__ = "comparison"

    comparison_id: Mapped[int] = integer_key("Key.")
    uuid: Mapped[str] = mapped_column(
        unique=True, comment="Identity of the comparison in any database."
    )
    sequence: Mapped[int] = order_of_writing()
    name: Mapped[str] = mapped_column(comment="Its name, by default that of its data set.")
    plan_json: Mapped[str] = mapped_column(
        comment="Everything that decides its numbers: JSON, keys sorted, no spaces."
    )
    measure: Mapped[str] = mapped_column(
        server_default="accuracy",
        comment="What its models are ranked by, of the test split: accuracy, 0 to 1; r2; or "
        "bits_per_character, of which less is better.",
    )
    plan_digest: Mapped[str] = mapped_column(unique=True, comment="SHA-256 of plan_json.")
    command_line: Mapped[str] = mapped_column(comment="The command as it was first typed.")
    started_at: Mapped[datetime] = mapped_column(comment="Start, UTC.")
    ended_at: Mapped[datetime | None] = mapped_column(
        comment="When its lines were written last, UTC; NULL until then."
    )


class ComparisonRun(Base):
    """A run that a comparison rests on."""

    __tablename__ = "comparison_run"
    __table_args__ = (CheckConstraint("stage IN ('tuning', 'reported')", name="stage"),)

    comparison_id: Mapped[int] = mapped_column(
        ForeignKey("comparison.comparison_id", ondelete="CASCADE"),
        primary_key=True,
        comment="The comparison.",
    )
    run_id: Mapped[int] = mapped_column(of_run(), primary_key=True, comment="The run.")
    stage: Mapped[str] = mapped_column(
        comment="tuning, to choose a rate by validation; or reported, on the test split."
    )


class ComparisonLine(Base):
    """A model of a comparison at a budget, as last computed from its runs."""

    __tablename__ = "comparison_line"
    __table_args__ = (UniqueConstraint("comparison_id", "position"),)

    comparison_line_id: Mapped[int] = integer_key("Key.")
    comparison_id: Mapped[int] = mapped_column(
        ForeignKey("comparison.comparison_id", ondelete="CASCADE"), comment="The comparison."
    )
    position: Mapped[int] = mapped_column(comment="Place in its table, from 1.")
    budget: Mapped[float] = mapped_column(
        comment="As asked for: a share of the dense network's weights, or from 1 on a size; of the "
        "dense network itself 1."
    )
    role: Mapped[str] = mapped_column(comment="dense, narrower dense or structured.")
    model: Mapped[str] = mapped_column(comment="Family and structure of its layers.")
    layer: Mapped[str] = mapped_column(comment="Family of its layers.")
    structure: Mapped[str | None] = mapped_column(comment="Their structure, as in `run`.")
    B: Mapped[int | None] = mapped_column("B", comment="Block size of cdlinear, else NULL.")
    hidden: Mapped[str] = mapped_column(
        comment="Hidden widths, such as 64 64; of conv its channels, and of residual-mlp and "
        "attention the width."
    )
    n_parameters: Mapped[int] = mapped_column(LARGE, comment="Weights and biases, as a count.")
    multiply_adds: Mapped[int] = mapped_column(
        LARGE, comment="Real multiply-adds of a sample, without biases and fixed transforms."
    )
    learning_rate: Mapped[float | None] = mapped_column(
        comment="The best step size η by validation; NULL if none trained."
    )
    usable_low: Mapped[float | None] = mapped_column(
        comment="Lowest η of those about the best that are nearly as good: within half a point of "
        "validation accuracy, or ranked by R² within 5 % of its validation loss, by bits per "
        "character within 1 %; NULL as above."
    )
    usable_high: Mapped[float | None] = mapped_column(comment="Highest η of the same.")
    is_at_edge: Mapped[bool] = mapped_column(
        comment="1 if the best η is the lowest or highest of those tried."
    )
    n_trials: Mapped[int] = mapped_column(comment="Runs that chose η.")
    n_seeds: Mapped[int] = mapped_column(comment="Completed runs that are reported.")
    score: Mapped[float | None] = mapped_column(
        comment="Mean over the seeds of the comparison's measure."
    )
    low: Mapped[float | None] = mapped_column(
        comment="Lower end of its 95 % interval (t) over the seeds: of these splits."
    )
    high: Mapped[float | None] = mapped_column(comment="Upper end of the same.")
    wide_low: Mapped[float | None] = mapped_column(
        comment="Lower end of the interval corrected for new data of this kind (Nadeau and Bengio "
        "2003); NULL where the data set has its own test split."
    )
    wide_high: Mapped[float | None] = mapped_column(comment="Upper end of the same.")
    weight_kappa: Mapped[float | None] = mapped_column(
        comment="κ of kind weight, mean over the layers, median over the seeds measured."
    )
    hessian_kappa: Mapped[float | None] = mapped_column(
        comment="κ of kind layer_hessian without its null directions, in the same way."
    )
    seconds_per_epoch: Mapped[float | None] = mapped_column(
        comment="Mean wall time of an epoch's updates, seconds."
    )
    prediction_us: Mapped[float | None] = mapped_column(
        comment="To predict one sample of the test split, in batches, one thread, microseconds."
    )


class ComparisonDifference(Base):
    """How a model of a comparison differs from a dense network by the measure, paired by seed."""

    __tablename__ = "comparison_difference"
    __table_args__ = (CheckConstraint("improvement BETWEEN 0 AND 1", name="improvement"),)

    comparison_line_id: Mapped[int] = mapped_column(
        ForeignKey("comparison_line.comparison_line_id", ondelete="CASCADE"),
        primary_key=True,
        comment="The model.",
    )
    against: Mapped[str] = mapped_column(
        primary_key=True,
        comment="dense, at its full width, or narrower dense, of the model's size.",
    )
    difference: Mapped[float] = mapped_column(
        comment="Own measure less the dense network's, mean over the seeds."
    )
    low: Mapped[float] = mapped_column(
        comment="Lower end of its 95 % interval (t) over the seeds: of these splits."
    )
    high: Mapped[float] = mapped_column(comment="Upper end of the same.")
    wide_low: Mapped[float | None] = mapped_column(
        comment="Lower end of the corrected interval, for new data of this kind; NULL without."
    )
    wide_high: Mapped[float | None] = mapped_column(comment="Upper end of the same.")
    p_holm: Mapped[float] = mapped_column(
        comment="Two-sided p of no difference over these splits, by Holm's correction for the "
        "models of the budget."
    )
    wide_p_holm: Mapped[float | None] = mapped_column(comment="The same for new data of this kind.")
    improvement: Mapped[float] = mapped_column(
        comment="Share of the seeds in which it is better; equal ones count half."
    )
