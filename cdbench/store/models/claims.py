"""The tables of the audit: what was observed, measured and found for each claim of the paper."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, UniqueConstraint

from cdbench.records.judgement import BLOCKS, VERDICTS
from cdbench.store.models.base import Base, column, integer_key, order_of_writing


class ClaimResult(Base):
    """One judgement of one claim; the newest of each claim is the ledger."""

    __tablename__ = "claim_result"
    __table_args__ = (
        CheckConstraint(
            "verdict IN ({})".format(", ".join(f"'{verdict}'" for verdict in VERDICTS)),
            name="verdict",
        ),
        CheckConstraint(
            "(verdict = 'holds under a condition') = (condition IS NOT NULL)", name="condition"
        ),
        Index(None, "claim"),
    )

    claim_result_id: Column[int] = integer_key("Key; a later judgement has a larger one.")
    sequence: Column[int] = order_of_writing()
    claim: Column[str] = column(comment="Name of the claim.")
    position: Column[int] = column(comment="Its place in the paper's order, from 1.")
    verdict: Column[str] = column(comment=", ".join(VERDICTS) + ".")
    condition: Column[str | None] = column(comment="The condition under which it holds; else NULL.")
    published: Column[str] = column(comment="What the paper says, in a few words.")
    measured: Column[str] = column(comment="What was measured, with its uncertainty.")
    reason: Column[str] = column(comment="Why this verdict, in a sentence.")
    rule: Column[str] = column(comment="The rule for the verdict, as it stood.")
    rule_version: Column[int] = column(
        server_default="1", comment="Version of the rule; 1 is that of the first audit."
    )
    block: Column[str] = column(
        server_default="first",
        comment="Which block of seeds: " + " or ".join(BLOCKS) + ", which is judged by the same "
        "rule and stands beside.",
    )
    p_value: Column[float | None] = column(
        comment="Two-sided p of the number that decides against the rule's threshold; NULL where "
        "nothing is tested. Not adjusted for the number of claims."
    )
    seeds: Column[str] = column(comment="Seeds of the runs, such as 0..29.")
    inputs_digest: Column[str] = column(
        comment="SHA-256 of cdbench's version, the seeds and the runs that went in."
    )
    environment_id: Column[int] = column(
        ForeignKey("environment.environment_id"), index=True, comment="What it was measured with."
    )
    measured_at: Column[datetime] = column(comment="When it was measured, UTC.")
    duration_s: Column[float] = column(comment="Wall time without training, seconds.")


class Series(Base):
    """A quantity of one model or case, as one judgement observed it: numbers in `observation`."""

    __tablename__ = "series"
    __table_args__ = (UniqueConstraint("claim_result_id", "quantity", "subject"),)

    series_id: Column[int] = integer_key("Key.")
    claim_result_id: Column[int] = column(
        ForeignKey("claim_result.claim_result_id", ondelete="CASCADE"),
        comment="The judgement it belongs to.",
    )
    quantity: Column[str] = column(comment="What was observed.")
    subject: Column[str] = column(comment="Of which model or case.")


class Observation(Base):
    """One number that went into a judgement: of a run, or of a computation."""

    __tablename__ = "observation"

    series_id: Column[int] = column(
        ForeignKey("series.series_id", ondelete="CASCADE"),
        primary_key=True,
        comment="The series it belongs to.",
    )
    place: Column[float] = column(
        primary_key=True, comment="Where: the seed, unless the quantity says otherwise."
    )
    value: Column[float] = column(comment="The number.")
    run_id: Column[int | None] = column(
        ForeignKey("run.run_id", ondelete="CASCADE"),
        comment="The run it comes from; NULL for a computation, or if that run is no longer kept.",
    )


class Statement(Base):
    """A query that gives an estimate from observations, as many measurements share it."""

    __tablename__ = "statement"

    statement_id: Column[int] = integer_key("Key.")
    sql: Column[str] = column(
        unique=True,
        comment="The query; in it :claim, :quantity, :subject and :baseline stand for those of a "
        "measurement, in quotes. The view `measurements` has it written out.",
    )


class Measurement(Base):
    """A statistic of observations, with its uncertainty."""

    __tablename__ = "measurement"

    claim_result_id: Column[int] = column(
        ForeignKey("claim_result.claim_result_id", ondelete="CASCADE"),
        primary_key=True,
        comment="The judgement it belongs to.",
    )
    position: Column[int] = integer_key("Order in which they are shown, from 1.")
    quantity: Column[str] = column(comment="Which observations.")
    subject: Column[str] = column(comment="Of which model or case.")
    baseline: Column[str | None] = column(
        comment="The model it is compared with, place by place; NULL where it is not."
    )
    statistic: Column[str] = column(comment="mean, median, paired difference ...")
    estimate: Column[float] = column(comment="Its value.")
    low: Column[float | None] = column(
        comment="Lower end of its 95 % bootstrap interval, or lower quartile; NULL if exact."
    )
    high: Column[float | None] = column(comment="Upper end of the same.")
    interval: Column[str | None] = column(comment="What low and high are; NULL if none.")
    estimand: Column[str | None] = column(
        comment="Of which population low and high are: new splits of this data set, new random "
        "draws, no sampling, or these numbers only (quartiles, and where there is no interval); "
        "NULL by cdbench before 0007."
    )
    wide_low: Column[float | None] = column(
        comment="Lower end of the interval for new data of the kind (Nadeau and Bengio 2003); "
        "NULL where no runs are behind it."
    )
    wide_high: Column[float | None] = column(comment="Upper end of the same.")
    n: Column[int] = column(comment="Number of observations, or of pairs.")
    statement_id: Column[int] = column(
        ForeignKey("statement.statement_id"),
        comment="Query that gives the estimate from observations.",
    )
