"""A database of results, opened to be read."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from cdbench.api.frames import kind_of_frames
from cdbench.api.tables import Tables
from cdbench.records.published import PUBLISHED_FIGURE_SEED
from cdbench.store.database import open_for_reading

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cdbench.api.compared import Comparison
    from cdbench.trained.model import TrainedModel


class Results(Tables):
    """A database of results, opened to be read; made by ``cdbench.open``.

    Nothing in it is ever changed. A file of an older schema is read through an upgraded copy.
    Tables are frames of pandas if it is installed, else of polars, else lists of one dict a row;
    every method that returns one takes ``frames`` to choose. docs/schema.md says what the columns
    of the views mean.

    Use it in a ``with`` block, or close it.

    Examples
    --------
    >>> import cdbench
    >>> with cdbench.open("runs.db", frames="rows") as results:
    ...     results.sql("SELECT count(*) AS n FROM runs WHERE status = 'diverged'")
    [{'n': 608}]
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Results of {self.name}{' (closed)' * (self._opened is None)}>"

    def close(self) -> None:
        """Let the database go; closing it again does nothing.

        Examples
        --------
        >>> import cdbench
        >>> results = cdbench.open("runs.db")
        >>> results.close()
        >>> results
        <Results of runs.db (closed)>
        """
        self._opened = None

    def comparison(self, name: str | None = None) -> "Comparison":
        """Return a comparison that was made with ``cdbench compare`` or ``cdbench.compare``.

        Parameters
        ----------
        name : str, optional
            Its name; by default the newest.

        Raises
        ------
        MissingResultsError
            If there is none.
        ConfigurationError
            If there is none of this name.

        Examples
        --------
        >>> import cdbench
        >>> with cdbench.open("runs.db") as results:
        ...     results.comparison("digits").measure
        'accuracy'
        """
        from cdbench.api.compared import read_comparison

        return read_comparison(self._database, name)

    def model(self, run: int | str) -> "TrainedModel":
        """Return the trained network of a run.

        If it was not kept, the run is trained again, which takes as long as it did, and compared
        with what is stored.

        Parameters
        ----------
        run : int or str
            A ``run_id``; a uuid, or its first 4 characters or more; ``"latest"``, for the newest
            run whose network was kept; ``"best"``; or a tag.

        Returns
        -------
        TrainedModel
            ``predict``, ``probabilities`` and ``logits`` take raw features, (N, n_columns).

        Raises
        ------
        ConfigurationError
            If there is no such run.
        ModelError
            If the run did not complete, or training it again gives something else.
        StoreError
            If none was kept, where the latest is asked for.

        Examples
        --------
        >>> import cdbench
        >>> run = cdbench.execute(cdbench.RunConfig(dataset="iris", epochs=1), db="mine.db")
        >>> with cdbench.open("mine.db") as results:
        ...     model = results.model(1)
        >>> model.run_uuid == run.uuid, len(model.parameters) == run.n_parameters
        (True, True)
        """
        from cdbench.api.models import model_of_run

        return model_of_run(self._database, str(run))

    def figure(
        self,
        name: str,
        *,
        of: str | int | Sequence[str | int] | None = None,
        where: str | None = None,
        seed: int = PUBLISHED_FIGURE_SEED,
        theme: str = "paper",
    ) -> "Figure":
        """Draw a figure of ``cdbench plot``.

        Parameters
        ----------
        name : str
            ``"curves"``, ``"spectra"``, ``"kappa"``, ``"seeds"``, ``"accuracy-parameters"`` of any
            runs; ``"fig1"``, ``"fig2"`` of the paper; ``"spectra-kinds"``, ``"kappa-seeds"``,
            ``"theorem2"``, ``"kappa-epochs"``, ``"kappa-floors"``, ``"accuracy-parameters"`` of the
            audit; ``"crossover"`` of the benchmark; ``"pareto"``, ``"rate-curves"`` of a
            comparison, ``"standings"`` of several; ``"claim"``; ``"study"``. docs/plots.md lists
            what each shows.
        of : str, int or sequence of these, optional
            Runs, each a ``run_id``, a uuid's beginning, ``"latest"``, ``"best"`` or a tag; or the
            name of the comparison, the claim, or the study, which parts of it may follow; of
            standings several comparisons.
        where : str, optional
            Of which runs, as for ``cdbench runs list``, such as ``"dataset = iris and B > 3"``.
        seed : int
            Seed of the runs that fig1, fig2 and spectra-kinds show.
        theme : str
            ``"paper"``, ``"screen"`` or ``"dark"``.

        Returns
        -------
        matplotlib.figure.Figure
            Not shown, and known to no pyplot; ``savefig`` writes it.

        Raises
        ------
        UnknownNameError
            If there is no such figure or theme.
        ConfigurationError
            If ``of`` is missing, or names what is not there.
        MissingResultsError
            If what it shows is not in the database; the message names the command that makes it.

        Examples
        --------
        >>> import cdbench
        >>> with cdbench.open("runs.db") as results:
        ...     figure = results.figure("pareto", of="digits")
        >>> figure.savefig("pareto.png")
        """
        from cdbench.api.figures.by_name import figure_by_name
        from cdbench.plots import with_theme

        return with_theme(figure_by_name(self._database, name, of, seed, where), theme)


def open_results(
    location: str | os.PathLike[str] = "runs.db", *, frames: str | None = None
) -> Results:
    """Open a database of results to read it, as ``cdbench.open``.

    Parameters
    ----------
    location : path or URL
        A file, or the SQLAlchemy URL of a SQLite or PostgreSQL database.
    frames : str, optional
        What tables are: ``"pandas"``, ``"polars"`` or ``"rows"``, lists of one dict a row; by
        default the first of these that is installed.

    Returns
    -------
    Results
        To be used in a ``with`` block.

    Raises
    ------
    MissingResultsError
        If there is no database, or it is empty.
    StoreError
        If it cannot be read, is not one of cdbench, or comes from a newer version.
    ConfigurationError
        If what tables are to be is not installed.

    Examples
    --------
    >>> import cdbench
    >>> with cdbench.open("runs.db", frames="rows") as results:
    ...     len(results.table1())
    3
    """
    kind = kind_of_frames(frames)
    return Results(open_for_reading(os.fspath(location)), kind)
