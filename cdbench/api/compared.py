"""What came of a comparison, for the user of Python."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cdbench.api.figures.comparison_figures import OneComparison, one_comparison
from cdbench.api.frames import of_records
from cdbench.reports.comparison import scores, words_of
from cdbench.reports.formats import Report, render
from cdbench.store.comparison_queries import stored_comparison
from cdbench.store.database import Database

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Comparison:
    """What came of a comparison; made by ``cdbench.compare`` and ``Results.comparison``.

    Printed, it is the table of ``cdbench compare`` with what was found in plain words.

    Attributes
    ----------
    name : str
        By which the database finds it.
    measure : str
        What models are ranked by: ``accuracy`` (0 to 1), ``r2`` or ``bits_per_character``.
    sentence : str
        Who is best at each budget, by how much, and how sure that is.
    rows : list of dict
        One a model and budget, the best first: sizes, the score's mean with 95 % intervals over
        seeds (``low``, ``high``) and for new data (``wide_low``, ``wide_high``; Nadeau and Bengio
        2003), the learning rate, κ, seconds an epoch, microseconds a prediction, and the
        differences to the dense networks with p after Holm's correction.

    Examples
    --------
    >>> import cdbench
    >>> with cdbench.open("runs.db") as results:
    ...     found = results.comparison("digits")
    >>> found.measure, found.rows[0]["model"], found.rows[0]["n_parameters"]
    ('accuracy', 'dense', 8970)
    >>> found.sentence.split(",")[0]
    "On digits at 50 % of the dense network's weights block-diagonal blocks=2 is best"
    """

    name: str
    measure: str
    sentence: str
    rows: list[dict[str, Any]]
    _report: Report = field(repr=False)
    _competitors: OneComparison = field(repr=False)

    def frame(self, frames: str | None = None) -> Any:
        """Return the rows as a table.

        Parameters
        ----------
        frames : str, optional
            ``"pandas"``, ``"polars"`` or ``"rows"``, a list of dicts; by default the first of these
            that is installed.

        Raises
        ------
        ConfigurationError
            If it is not one of these, or not installed.

        Examples
        --------
        >>> import cdbench
        >>> with cdbench.open("runs.db") as results:
        ...     found = results.comparison("digits")
        >>> len(found.frame("rows")) == len(found.rows)
        True
        """
        return of_records(self.rows, frames)

    def figure(self, name: str = "pareto") -> "Figure":
        """Draw a figure.

        Parameters
        ----------
        name : str
            ``"pareto"``, the score against the size, or ``"rate-curves"``, what each learning rate
            gave.

        Returns
        -------
        matplotlib.figure.Figure
            Not shown, and known to no pyplot.

        Raises
        ------
        UnknownNameError
            If there is no such figure.

        Examples
        --------
        >>> import cdbench
        >>> with cdbench.open("runs.db") as results:
        ...     found = results.comparison("digits")
        >>> found.figure("pareto").savefig("pareto.png")
        """
        return self._competitors.figure(name)

    def __str__(self) -> str:
        return render(self._report, "table")


def read_comparison(database: Database, name: str | None = None) -> Comparison:
    """Return the newest comparison that came to its end, of this name if one is given.

    Raises
    ------
    MissingResultsError
        If there is none at all.
    ConfigurationError
        If there is none of this name.
    """
    found = stored_comparison(database, name)
    words = words_of(found)
    report = scores(found, words)
    return Comparison(
        name=found.name,
        measure=found.measure,
        sentence=" ".join(words),
        rows=[dict(record) for record in report.records],
        _report=report,
        _competitors=one_comparison(database, found),
    )
