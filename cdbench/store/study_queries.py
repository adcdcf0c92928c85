"""Queries of studies: their plan, and the comparisons that their parts are."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from cdbench.errors import MissingResultsError, UnknownNameError
from cdbench.records.comparison import StudiedRun
from cdbench.store.comparison_queries import StoredComparison, comparison_of
from cdbench.store.database import Database
from cdbench.store.stored_json import check_plan


@dataclass(frozen=True)
class StoredStudy:
    """A study as stored.

    Attributes
    ----------
    name : str
        Its name.
    options : mapping
        The options of each part, as they were written down, in that order.
    parts : mapping
        The comparisons of those parts that have come to their end, by the part's name.
    """

    name: str
    options: Mapping[str, Mapping[str, Any]]
    parts: Mapping[str, StoredComparison]


_ONE = text(
    """
    SELECT name, plan_json, plan_digest FROM study
    WHERE coalesce(plan_digest = :digest, name = :name) ORDER BY sequence DESC
    """
)
_NAMES = text("SELECT DISTINCT name FROM study ORDER BY name")
_ENDED = text(
    """
    SELECT part, comparison_id FROM studies
    WHERE plan_digest = :digest AND ended_at IS NOT NULL ORDER BY part
    """
)
_RUNS = text(
    """
    SELECT s.part, a.budget, a.role, a.family, a.structure, l.n_parameters,
        l.multiply_adds, a.seed, run.run_id, run.uuid,
        CASE a.measure WHEN 'accuracy' THEN a.test_accuracy WHEN 'r2' THEN a.test_r2
            ELSE a.bits_per_character END AS score
    FROM studies AS s JOIN comparison_accuracies AS a ON a.comparison_id = s.comparison_id
    JOIN comparison_line AS l ON l.comparison_id = a.comparison_id AND l.position = a.position
    JOIN run ON run.run_id = a.run_id
    WHERE s.plan_digest = :digest AND s.ended_at IS NOT NULL
    ORDER BY s.part, a.position, a.seed
    """
)
_INTERVALS = text(
    """
    SELECT c.name, c.plan_json, c.plan_digest, d.low, d.high, l.n_seeds FROM comparison AS c
    JOIN comparison_line AS l ON l.comparison_id = c.comparison_id
    JOIN comparison_difference AS d ON d.comparison_line_id = l.comparison_line_id
    WHERE d.against = 'narrower dense'
    """
)


def stored_study(database: Database, name: str, digest: str | None = None) -> StoredStudy:
    """Return the study of this name that was begun last, or the one with the plan of this digest.

    Of a plan there is one study, whatever cdbench.toml calls it later.

    Raises
    ------
    MissingResultsError
        If there is no study at all.
    UnknownNameError
        If there is none of this name.
    """
    with database.transaction() as connection:
        row = _found(connection, database, name, digest)
        check_plan(row, f"study {name}", database)
        found = connection.execute(_ENDED, {"digest": row["plan_digest"]})
        ended: dict[str, int] = {own.part: own.comparison_id for own in found}
    return StoredStudy(
        row["name"],
        {options.pop("part"): options for options in json.loads(row["plan_json"])},
        {part: comparison_of(database, own) for part, own in ended.items()},
    )


def studied_runs(database: Database, digest: str) -> list[StudiedRun]:
    """Return the runs that the parts of the study with this plan report; none without it."""
    with database.transaction() as connection:
        found = connection.execute(_RUNS, {"digest": digest}).mappings()
        return [StudiedRun(**own) for own in found]


def intervals_on(database: Database, dataset: str) -> list[tuple[float, float, int]]:
    """Return what comparisons on a data set found of models less the narrower dense network.

    Returns
    -------
    list of (float, float, int)
        Ends of each interval over the seeds, and their number.
    """
    with database.transaction() as connection:
        rows = connection.execute(_INTERVALS).mappings().all()
    for row in rows:
        check_plan(row, f"comparison {row['name']}", database)
    return [
        (row["low"], row["high"], row["n_seeds"])
        for row in rows
        if json.loads(row["plan_json"])["base"]["dataset"] == dataset
    ]


def _found(
    connection: Connection, database: Database, name: str, digest: str | None
) -> Mapping[str, Any]:
    asked = {"name": name, "digest": digest}
    row = connection.execute(_ONE, asked).mappings().first()
    if row is None:
        names = list(connection.execute(_NAMES).scalars())
        if not names:
            raise MissingResultsError(
                f"{database.name}: no study was begun; in cdbench.toml each has a table "
                "[studies.NAME]; to begin one: cdbench compare --study NAME"
            )
        raise UnknownNameError("study", name, names)
    return dict(row)
