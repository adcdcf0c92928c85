"""Runs that are in two databases, but not the same in both."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import func, select

from cdbench.errors import StoreError
from cdbench.store.models import Base
from cdbench.store.upkeep.streaming import Reader, Row


def refuse_conflicts(here: Reader, there: Reader, pairs: Mapping[int, int]) -> None:
    """Refuse a run that is in both databases but differs between them.

    Parameters
    ----------
    here, there : Reader
        The database that results come to, and the other.
    pairs : mapping
        Keys here of runs of the same uuid, by their keys there.

    Raises
    ------
    StoreError
        If two of a pair differ in their configuration, status or epochs.
    """
    ours, theirs = _contents(here, pairs.values()), _contents(there, pairs)
    for other, own in pairs.items():
        for what, mine, found in zip(
            ("configuration", "status", "epochs"), ours[own], theirs[other], strict=True
        ):
            if mine != found:
                raise StoreError(
                    f"run {own} of {here.name} and run {other} of {there.name} have "
                    f"the same uuid but not the same {what}: one of them was changed by hand; "
                    "delete that one, and merge again; nothing was merged"
                )


def _contents(reader: Reader, run_ids: Iterable[int]) -> dict[int, tuple[Any, Any, list[Row]]]:
    """Return the configuration, status and epochs of each run."""
    run, epoch = Base.metadata.tables["run"], Base.metadata.tables["epoch"]
    ids = list(run_ids)
    if not ids:
        return {}
    trash = Base.metadata.tables["trash"]
    status = func.coalesce(trash.c.status, run.c.status)  # one of them may be in the trash
    question = select(run.c.run_id, run.c.config_digest, status)
    question = question.outerjoin_from(run, trash, trash.c.run_id == run.c.run_id)
    question = question.where(run.c.run_id.in_(ids))
    contents: dict[int, tuple[Any, Any, list[Row]]] = {
        key: (digest, status, [])
        for found in reader.chunks(question)
        for key, digest, status in found
    }
    epochs = select(epoch).where(epoch.c.run_id.in_(ids)).order_by(*epoch.primary_key)
    for found in reader.chunks(epochs):
        for key, *values in found:
            contents[key][2].append(tuple(values))
    return contents
