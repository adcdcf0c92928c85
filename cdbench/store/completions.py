"""What a database has that can be completed on a command line, looked up at once and quietly.

It is asked between two keys: without SQLAlchemy, whose loading alone takes longer than all of this,
without waiting for locks, and never with an error. A database of another schema, or none, has
nothing.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from cdbench.store.sqlite_files import connect

MOST = 40
"""Most runs to offer: more than a screen of them helps nobody."""

SOME_OF_UUID = 3
"""Characters of a uuid, a letter among them, from which on it is looked for."""

_RUNS = """
    SELECT run_id, uuid, model, dataset, seed, status, test_accuracy, test_r2 FROM runs
    WHERE CAST(run_id AS TEXT) LIKE :typed OR (:may_be_uuid AND uuid LIKE :typed)
    ORDER BY run_id DESC LIMIT :most
"""

_KEPT = """
    SELECT run_id, uuid, model, dataset, seed, 'completed', test_accuracy, test_r2 FROM kept_models
    WHERE CAST(run_id AS TEXT) LIKE :typed OR (:may_be_uuid AND uuid LIKE :typed)
    ORDER BY run_id DESC LIMIT :most
"""

_REMOVED = """
    SELECT run.run_id, uuid, layer, dataset, seed, 'removed', NULL, NULL FROM run
    JOIN trash ON trash.run_id = run.run_id
    WHERE CAST(run.run_id AS TEXT) LIKE :typed OR (:may_be_uuid AND uuid LIKE :typed)
    ORDER BY run.run_id DESC LIMIT :most
"""

_TAGS = """
    SELECT tag, count(*) FROM run_tag JOIN run ON run.run_id = run_tag.run_id
    WHERE run.status <> 'removed' GROUP BY tag ORDER BY tag
"""

_OF = {"runs": _RUNS, "kept": _KEPT, "removed": _REMOVED}

_DATASETS = "SELECT DISTINCT dataset FROM run ORDER BY dataset"

_COMPARISONS = "SELECT DISTINCT name FROM comparison ORDER BY name"

_STUDIES = "SELECT DISTINCT name FROM study ORDER BY name"

_RELATIONS = """
    SELECT name, type FROM sqlite_master
    WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%' ORDER BY type DESC, name
"""

_COLUMNS = "SELECT name FROM pragma_table_info('runs')"

Offer = tuple[str, str]
"""What can be typed, and what it is."""


class Offers:
    """What a file has to offer.

    Parameters
    ----------
    path : Path
        The database's file, which need not be there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def runs(self, beginning: str, of: str = "runs") -> list[Offer]:
        """Return the newest runs whose run_id begins so, or uuid if that is clearly meant.

        Parameters
        ----------
        beginning : str
            What has been typed.
        of : str
            ``"runs"``; ``"kept"``, those whose network was kept; or ``"removed"``, in the trash.
        """
        like = beginning.replace("%", "").replace("_", "").lower() + "%"
        may_be_uuid = len(beginning) >= SOME_OF_UUID and not beginning.isdigit()
        values = {"typed": like, "may_be_uuid": may_be_uuid, "most": MOST}
        found = self._asked(_OF[of], values)
        return [
            (str(run_id) if str(run_id).startswith(beginning) else uuid[:8], _told(*told))
            for run_id, uuid, *told in found
        ]

    def tags(self) -> list[Offer]:
        """Return the tags of runs."""
        return [
            (tag, f"tag of {count} run{'s' * (count != 1)}") for tag, count in self._asked(_TAGS)
        ]

    def datasets(self) -> list[Offer]:
        """Return the data sets that something was trained on."""
        return [(name, "trained on before") for (name,) in self._asked(_DATASETS)]

    def comparisons(self) -> list[Offer]:
        """Return the names of comparisons."""
        return [(name, "comparison") for (name,) in self._asked(_COMPARISONS)]

    def studies(self) -> list[Offer]:
        """Return the names of studies."""
        return [(name, "study") for (name,) in self._asked(_STUDIES)]

    def relations(self) -> list[Offer]:
        """Return the names of views and tables, views first."""
        return [(name, kind) for name, kind in self._asked(_RELATIONS)]

    def run_columns(self) -> list[Offer]:
        """Return the columns of the view runs."""
        return [(name, "") for (name,) in self._asked(_COLUMNS)]

    def _asked(self, question: str, values: Mapping[str, object] | None = None) -> list[Any]:
        try:
            with closing(connect(self._path, "ro")) as connection:
                return connection.execute(question, values or {}).fetchall()
        except (sqlite3.Error, OSError, ValueError):
            return []


def _told(
    model: str, dataset: str, seed: int, status: str, accuracy: float | None, r2: float | None
) -> str:
    """Return what a run is, in a few words."""
    score = f"{100 * accuracy:.2f} %" if accuracy is not None else status
    if r2 is not None:
        score = f"R² {r2:.3f}"
    return f"{model}, {dataset}, seed {seed}: {score if status == 'completed' else status}"
