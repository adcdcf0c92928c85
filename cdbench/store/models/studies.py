"""The tables of studies: what each was to compare, and which comparison is which part of it."""

from datetime import datetime

from sqlalchemy import Column, ForeignKey, UniqueConstraint

from cdbench.store.models.base import Base, column, integer_key, order_of_writing


class Study(Base):
    """A study as it was written down when it was begun, part by part."""

    __tablename__ = "study"

    study_id: Column[int] = integer_key("Key.")
    sequence: Column[int] = order_of_writing()
    name: Column[str] = column(comment="Its name in cdbench.toml.")
    plan_json: Column[str] = column(
        comment="The options of each part: JSON, keys sorted, no spaces."
    )
    plan_digest: Column[str] = column(unique=True, comment="SHA-256 of plan_json.")
    command_line: Column[str] = column(comment="The command as it was first typed.")
    started_at: Column[datetime] = column(comment="Start, UTC.")


class StudyPart(Base):
    """A part of a study that has come to its end, with the comparison that it is.

    Named by digests, which are the same on every machine, so that parts run apart come together.
    """

    __tablename__ = "study_part"
    __table_args__ = (UniqueConstraint("study_digest", "part"),)

    study_part_id: Column[int] = integer_key("Key.")
    study_digest: Column[str] = column(
        ForeignKey("study.plan_digest", ondelete="CASCADE"),
        comment="The study, by its plan_digest.",
    )
    part: Column[str] = column(comment="Name of the part.")
    comparison_digest: Column[str] = column(
        index=True, comment="Its comparison, by that one's plan_digest."
    )
