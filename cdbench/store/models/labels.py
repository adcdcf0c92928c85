"""The tables of what people say of runs: tags, notes, and what they threw away."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cdbench.records.run import STATUSES
from cdbench.store.models.base import Base, of_run


class RunTag(Base):
    """A tag of a run; a run may have several, and a tag several runs."""

    __tablename__ = "run_tag"

    run_id: Mapped[int] = mapped_column(of_run(), primary_key=True, comment="The run.")
    tag: Mapped[str] = mapped_column(
        primary_key=True, index=True, comment="The tag, by which `cdbench` finds the run too."
    )


class RunNote(Base):
    """What somebody wrote down about a run."""

    __tablename__ = "run_note"

    run_id: Mapped[int] = mapped_column(of_run(), primary_key=True, comment="The run.")
    note: Mapped[str] = mapped_column(comment="The note.")


class Trash(Base):
    """A run that was removed; its rows stay, and no view shows them until it is restored."""

    __tablename__ = "trash"
    __table_args__ = (
        CheckConstraint(
            "status IN ({})".format(", ".join(f"'{status}'" for status in STATUSES)), name="status"
        ),
    )

    run_id: Mapped[int] = mapped_column(of_run(), primary_key=True, comment="The run.")
    status: Mapped[str] = mapped_column(
        comment="How it ended; in `run` its status is removed until it is restored."
    )
    removed_at: Mapped[datetime] = mapped_column(comment="When it was removed, UTC.")
