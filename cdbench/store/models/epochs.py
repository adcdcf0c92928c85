"""The tables of what a run gave: its epochs, and what was found out beside them."""

from sqlalchemy import CheckConstraint, Column

from cdbench.store.models.base import LARGE, Base, column, integer_key, of_run


class Epoch(Base):
    """What one epoch of a run gave."""

    __tablename__ = "epoch"
    __table_args__ = (CheckConstraint("test_accuracy BETWEEN 0 AND 1", name="test_accuracy"),)

    run_id: Column[int] = column(of_run(), primary_key=True, comment="The run.")
    epoch: Column[int] = integer_key("From 1.")
    training_loss: Column[float] = column(
        comment="Mean of the epoch's batch losses as seen in it, no regulariser: cross-entropy, "
        "nats; of a regression, squared error in the target's unit squared."
    )
    test_loss: Column[float] = column(comment="Mean loss on the test split.")
    test_accuracy: Column[float | None] = column(
        comment="Share of the test split classified correctly, 0 to 1; NULL of a regression."
    )
    duration_s: Column[float] = column(
        comment="Wall time of its updates, seconds; of runs side by side, all by their number."
    )
    validation_loss: Column[float | None] = column(
        comment="Mean loss on the samples held out for validation; NULL without them."
    )
    validation_accuracy: Column[float | None] = column(
        comment="Share of these classified correctly, 0 to 1; NULL without them."
    )
    test_r2: Column[float | None] = column(
        comment="R² of the test split, 1 − Σ(y − ŷ)² / Σ(y − ȳ)², at most 1; NULL of a "
        "classification."
    )


class LayerGain(Base):
    """What the step on a layer's weights was divided by, in runs scaled by mean or sharp."""

    __tablename__ = "layer_gain"
    __table_args__ = (CheckConstraint("gain > 0", name="gain"),)

    run_id: Column[int] = column(of_run(), primary_key=True, comment="The run.")
    layer: Column[int] = integer_key("Weight layer, from 1 for the first.")
    gain: Column[float] = column(
        comment="Trace (mean) or largest eigenvalue (sharp) of its Gauss–Newton matrix over that "
        "of a dense layer of its widths, for the first batch, before the first step."
    )


class ClassAccuracy(Base):
    """How well a class of a completed run's test split is recognised after its last epoch."""

    __tablename__ = "class_accuracy"
    __table_args__ = (CheckConstraint("accuracy BETWEEN 0 AND 1", name="accuracy"),)

    run_id: Column[int] = column(of_run(), primary_key=True, comment="The run.")
    position: Column[int] = column(
        primary_key=True, comment="Place among the run's classes, from 1."
    )
    label: Column[str] = column(comment="Name of the class.")
    n_samples: Column[int] = column(LARGE, comment="Test samples that are of it.")
    accuracy: Column[float] = column(comment="Share of these classified correctly, 0 to 1.")
