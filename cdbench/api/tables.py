"""The tables of a database that is opened to be read."""

from collections.abc import Iterable, Mapping
from typing import Any

from cdbench.api.frames import as_frame, kind_of_frames, of_records
from cdbench.api.refused import whole_numbers
from cdbench.errors import StoreError
from cdbench.records.published import PUBLISHED_SEEDS
from cdbench.store.database import Database
from cdbench.store.free_queries import answer


class Tables:
    """What is asked of a database in tables.

    Parameters
    ----------
    database : Database
        Opened for reading.
    frames : str
        What tables are, where the question does not say.
    """

    def __init__(self, database: Database, frames: str) -> None:
        self._opened: Database | None = database
        self._frames = frames
        self.name: str = database.name

    @property
    def _database(self) -> Database:
        if self._opened is None:
            raise StoreError(f"{self.name}: is closed; expected cdbench.open({self.name!r}) again")
        return self._opened

    def sql(
        self,
        text: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        frames: str | None = None,
    ) -> Any:
        """Answer a query on tables and views; docs/recipes.md has twenty.

        Parameters
        ----------
        text : str
            One SELECT.
        parameters : mapping, optional
            Values of its ``:name`` placeholders.
        frames : str, optional
            ``"pandas"``, ``"polars"`` or ``"rows"``.

        Returns
        -------
        pandas.DataFrame, polars.DataFrame or list of dict
            Values as the database has them: SQLite's truths are 1 and 0.

        Raises
        ------
        StoreError
            If it is no query, names what is not there, or would write.

        Examples
        --------
        >>> import cdbench
        >>> with cdbench.open("runs.db", frames="rows") as results:
        ...     results.sql("SELECT DISTINCT model FROM table1 WHERE model LIKE :m", {"m": "cd%"})
        [{'model': 'cdlinear B=4'}, {'model': 'cdlinear B=8'}]
        """
        kind = kind_of_frames(frames or self._frames)
        return as_frame(*answer(self._database, text, parameters), kind)

    def runs(self, *, frames: str | None = None) -> Any:
        """Return every run: its knobs, its last epoch, and its cost.

        Parameters
        ----------
        frames : str, optional
            ``"pandas"``, ``"polars"`` or ``"rows"``.

        Returns
        -------
        pandas.DataFrame, polars.DataFrame or list of dict
            The view ``runs``, in the order of ``run_id``. Losses are in nats, or of a regression in
            the target's unit squared; accuracies from 0 to 1; times in seconds.

        Raises
        ------
        StoreError
            If the database cannot be read.

        Examples
        --------
        >>> import cdbench
        >>> trained = cdbench.sweep(dataset="iris", B=2, seeds=0, epochs=1, db="mine.db")
        >>> with cdbench.open("mine.db", frames="rows") as results:
        ...     [(run["run_id"], run["model"], run["seed"]) for run in results.runs()]
        [(1, 'dense', 0), (2, 'cdlinear B=2', 0)]
        """
        return self.sql("SELECT * FROM runs ORDER BY run_id", frames=frames)

    def epochs(self, run: int | str | None = None, *, frames: str | None = None) -> Any:
        """Return the epochs of every run, or of one.

        Parameters
        ----------
        run : int or str, optional
            A ``run_id``; a uuid or its first 4 characters; ``"latest"``, ``"best"``; or a tag.
        frames : str, optional
            ``"pandas"``, ``"polars"`` or ``"rows"``.

        Returns
        -------
        pandas.DataFrame, polars.DataFrame or list of dict
            The view ``epochs``: losses, accuracy or R², seconds, of each epoch from 1.

        Raises
        ------
        ConfigurationError
            If there is no such run.
        StoreError
            If the database cannot be read.

        Examples
        --------
        >>> import cdbench
        >>> config = cdbench.RunConfig(dataset="iris", epochs=3)
        >>> run = cdbench.execute(config, db="mine.db")
        >>> with cdbench.open("mine.db", frames="rows") as results:
        ...     [row["epoch"] for row in results.epochs(run=1)]
        [1, 2, 3]
        """
        return self._of_run("epochs", "run_id, epoch", run, frames)

    def conditions(self, run: int | str | None = None, *, frames: str | None = None) -> Any:
        """Return the condition numbers of every run's layers, or of one run's.

        Parameters
        ----------
        run : int or str, optional
            A ``run_id``; a uuid or its first 4 characters; ``"latest"``, ``"best"``; or a tag.
        frames : str, optional
            ``"pandas"``, ``"polars"`` or ``"rows"``.

        Returns
        -------
        pandas.DataFrame, polars.DataFrame or list of dict
            The view ``conditions``: one row a layer (from 1 at the input), kind and epoch.
            docs/conditions.md says what the kinds mean, and which may be compared.

        Raises
        ------
        ConfigurationError
            If there is no such run.
        StoreError
            If the database cannot be read.

        Examples
        --------
        >>> import cdbench
        >>> run = cdbench.execute(cdbench.RunConfig(dataset="iris", epochs=1), db="mine.db")
        >>> with cdbench.open("mine.db", frames="rows") as results:
        ...     sorted({row["kind"] for row in results.conditions(run=1)})
        ['block_power', 'layer_hessian', 'published', 'theorem1', 'weight']
        """
        return self._of_run("conditions", "run_id, step, epoch, kind, layer", run, frames)

    def _of_run(self, view: str, order: str, run: int | str | None, frames: str | None) -> Any:
        if run is None:
            return self.sql(f"SELECT * FROM {view} ORDER BY {order}", frames=frames)
        question = f"SELECT * FROM {view} WHERE run_id = :run ORDER BY {order}"
        from cdbench.store.run_names import run_named

        return self.sql(question, {"run": run_named(self._database, str(run))}, frames=frames)

    def table1(
        self,
        *,
        seeds: Iterable[int] = PUBLISHED_SEEDS,
        B: Iterable[int] | None = None,
        frames: str | None = None,
    ) -> Any:
        """Return the paper's Table 1 as measured, with what is printed beside.

        Parameters
        ----------
        seeds : iterable of int
            Seeds to average over.
        B : iterable of int, optional
            Block sizes beside dense; by default the paper's, 4 and 8.
        frames : str, optional
            ``"pandas"``, ``"polars"`` or ``"rows"``.

        Returns
        -------
        pandas.DataFrame, polars.DataFrame or list of dict
            One row a model, unrounded: losses in nats, accuracies from 0 to 1, deviations of ddof
            0. The published κ of dense and of block-circulant layers cannot be compared; the weight
            κ can.

        Raises
        ------
        MissingResultsError
            If a run is missing; the message names the command that trains it.

        Notes
        -----
        Source: arXiv 2605.08171v1, Table 1.

        Examples
        --------
        >>> import cdbench
        >>> with cdbench.open("runs.db", frames="rows") as results:
        ...     table = results.table1()
        >>> [(row["model"], row["n_parameters"]) for row in table]
        [('Dense MLP', 8970), ('CD-MLP B=4', 2380), ('CD-MLP B=8', 1296)]
        """
        from cdbench.reports.table1 import table1, table1_configs
        from cdbench.store.queries import newest_runs

        rows = table1_configs(
            [*whole_numbers("seeds", seeds)], None if B is None else [*whole_numbers("B", B)]
        )
        every = [config for configs in rows.values() for config in configs]
        report = table1(rows, newest_runs(self._database, every))
        return of_records(report.records, frames or self._frames)

    def claims(self, *, frames: str | None = None) -> Any:
        """Return the ledger: every claim of the paper as it was last judged.

        Parameters
        ----------
        frames : str, optional
            ``"pandas"``, ``"polars"`` or ``"rows"``.

        Returns
        -------
        pandas.DataFrame, polars.DataFrame or list of dict
            One row a claim, with its verdict, its first number with 95 % intervals, and whether a
            second block of seeds gave the same.

        Raises
        ------
        StoreError
            If the database cannot be read.

        Examples
        --------
        >>> import cdbench
        >>> with cdbench.open("runs.db", frames="rows") as results:
        ...     {row["claim"]: row["verdict"] for row in results.claims()}["theorem-1"]
        'contradicted'
        """
        from cdbench.api.ledger import claims_report
        from cdbench.claims import every_claim

        report = claims_report(list(every_claim()), self._database)
        return of_records(report.records, frames or self._frames)
