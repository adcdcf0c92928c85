"""The tables of comparisons: what was compared, by which runs, and what came of it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, ForeignKey, UniqueConstraint

from cdbench.store.models.base import LARGE, Base, column, integer_key, of_run, order_of_writing


class Comparison(Base):
    """One comparison of models at matched sizes; a second call of the same plan goes on with it."""

    __tablename__ = "comparison"

    comparison_id: Column[int] = integer_key("Key.")
    uuid: Column[str] = column(unique=True, comment="Identity of the comparison in any database.")
    sequence: Column[int] = order_of_writing()
    name: Column[str] = column(comment="Its name, by default that of its data set.")
    plan_json: Column[str] = column(
        comment="Everything that decides its numbers: JSON, keys sorted, no spaces."
    )
    measure: Column[str] = column(
        server_default="accuracy",
        comment="What its models are ranked by, of the test split: accuracy, 0 to 1; r2; or "
        "bits_per_character, of which less is better.",
    )
    plan_digest: Column[str] = column(unique=True, comment="SHA-256 of plan_json.")
    command_line: Column[str] = column(comment="The command as it was first typed.")
    started_at: Column[datetime] = column(comment="Start, UTC.")
    ended_at: Column[datetime | None] = column(
        comment="When its lines were written last, UTC; NULL until then."
    )


class ComparisonRun(Base):
    """A run that a comparison rests on."""

    __tablename__ = "comparison_run"
    __table_args__ = (CheckConstraint("stage IN ('tuning', 'reported')", name="stage"),)

    comparison_id: Column[int] = column(
        ForeignKey("comparison.comparison_id", ondelete="CASCADE"),
        primary_key=True,
        comment="The comparison.",
    )
    run_id: Column[int] = column(of_run(), primary_key=True, comment="The run.")
    stage: Column[str] = column(
        comment="tuning, to choose a rate by validation; or reported, on the test split."
    )


class ComparisonLine(Base):
    """A model of a comparison at a budget, as last computed from its runs."""

    __tablename__ = "comparison_line"
    __table_args__ = (UniqueConstraint("comparison_id", "position"),)

    comparison_line_id: Column[int] = integer_key("Key.")
    comparison_id: Column[int] = column(
        ForeignKey("comparison.comparison_id", ondelete="CASCADE"), comment="The comparison."
    )
    position: Column[int] = column(comment="Place in its table, from 1.")
    budget: Column[float] = column(
        comment="As asked for: a share of the dense network's weights, or from 1 on a size; of the "
        "dense network itself 1."
    )
    role: Column[str] = column(comment="dense, narrower dense or structured.")
    model: Column[str] = column(comment="Family and structure of its layers.")
    layer: Column[str] = column(comment="Family of its layers.")
    structure: Column[str | None] = column(comment="Their structure, as in `run`.")
    B: Column[int | None] = column(comment="Block size of cdlinear, else NULL.")
    hidden: Column[str] = column(
        comment="Hidden widths, such as 64 64; of conv its channels, and of residual-mlp and "
        "attention the width."
    )
    n_parameters: Column[int] = column(LARGE, comment="Weights and biases, as a count.")
    multiply_adds: Column[int] = column(
        LARGE, comment="Real multiply-adds of a sample, without biases and fixed transforms."
    )
    learning_rate: Column[float | None] = column(
        comment="The best step size η by validation; NULL if none trained."
    )
    usable_low: Column[float | None] = column(
        comment="Lowest η of those about the best that are nearly as good: within half a point of "
        "validation accuracy, or ranked by R² within 5 % of its validation loss, by bits per "
        "character within 1 %; NULL as above."
    )
    usable_high: Column[float | None] = column(comment="Highest η of the same.")
    is_at_edge: Column[bool] = column(
        comment="1 if the best η is the lowest or highest of those tried."
    )
    n_trials: Column[int] = column(comment="Runs that chose η.")
    n_seeds: Column[int] = column(comment="Completed runs that are reported.")
    score: Column[float | None] = column(comment="Mean over the seeds of the comparison's measure.")
    low: Column[float | None] = column(
        comment="Lower end of its 95 % interval (t) over the seeds: of these splits."
    )
    high: Column[float | None] = column(comment="Upper end of the same.")
    wide_low: Column[float | None] = column(
        comment="Lower end of the interval corrected for new data of this kind (Nadeau and Bengio "
        "2003); NULL where the data set has its own test split."
    )
    wide_high: Column[float | None] = column(comment="Upper end of the same.")
    weight_kappa: Column[float | None] = column(
        comment="κ of kind weight, mean over the layers, median over the seeds measured."
    )
    hessian_kappa: Column[float | None] = column(
        comment="κ of kind layer_hessian without its null directions, in the same way."
    )
    seconds_per_epoch: Column[float | None] = column(
        comment="Mean wall time of an epoch's updates, seconds."
    )
    prediction_us: Column[float | None] = column(
        comment="To predict one sample of the test split, in batches, one thread, microseconds."
    )


class ComparisonDifference(Base):
    """How a model of a comparison differs from a dense network by the measure, paired by seed."""

    __tablename__ = "comparison_difference"
    __table_args__ = (CheckConstraint("improvement BETWEEN 0 AND 1", name="improvement"),)

    comparison_line_id: Column[int] = column(
        ForeignKey("comparison_line.comparison_line_id", ondelete="CASCADE"),
        primary_key=True,
        comment="The model.",
    )
    against: Column[str] = column(
        primary_key=True,
        comment="dense, at its full width, or narrower dense, of the model's size.",
    )
    difference: Column[float] = column(
        comment="Own measure less the dense network's, mean over the seeds."
    )
    low: Column[float] = column(
        comment="Lower end of its 95 % interval (t) over the seeds: of these splits."
    )
    high: Column[float] = column(comment="Upper end of the same.")
    wide_low: Column[float | None] = column(
        comment="Lower end of the corrected interval, for new data of this kind; NULL without."
    )
    wide_high: Column[float | None] = column(comment="Upper end of the same.")
    p_holm: Column[float] = column(
        comment="Two-sided p of no difference over these splits, by Holm's correction for the "
        "models of the budget."
    )
    wide_p_holm: Column[float | None] = column(comment="The same for new data of this kind.")
    improvement: Column[float] = column(
        comment="Share of the seeds in which it is better; equal ones count half."
    )
