"""The tables of what people say of runs: tags, notes, and what they threw away."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column

from cdbench.records.run import STATUSES
from cdbench.store.models.base import Base, column, of_run


class RunTag(Base):
    """A tag of a run; a run may have several, and a tag several runs."""

    __tablename__ = "run_tag"

    run_id: Column[int] = column(of_run(), primary_key=True, comment="The run.")
    tag: Column[str] = column(
        primary_key=True, index=True, comment="The tag, by which `cdbench` finds the run too."
    )


class RunNote(Base):
    """What somebody wrote down about a run."""

    __tablename__ = "run_note"

    run_id: Column[int] = column(of_run(), primary_key=True, comment="The run.")
    note: Column[str] = column(comment="The note.")


class Trash(Base):
    """A run that was removed; its rows stay, and no view shows them until it is restored."""

    __tablename__ = "trash"
    __table_args__ = (
        CheckConstraint(
            "status IN ({})".format(", ".join(f"'{status}'" for status in STATUSES)), name="status"
        ),
    )

    run_id: Column[int] = column(of_run(), primary_key=True, comment="The run.")
    status: Column[str] = column(
        comment="How it ended; in `run` its status is removed until it is restored."
    )
    removed_at: Column[datetime] = column(comment="When it was removed, UTC.")
