"""What models of a task are ranked by: test accuracy, R², or bits per character."""

from dataclasses import dataclass
from typing import Any

from cdbench.records import comparison
from cdbench.statistics.numerals import minus


@dataclass(frozen=True)
class Measure:
    """One number of a run by which it is better or worse than others, and how it is written.

    Attributes
    ----------
    name : str
        What stored comparisons, CSV and JSON call it.
    noun : str
        What people call it; the test split's is "test" and this.
    column : str
        Of the view ``runs`` and of what queries return, where it is a share, or in its own unit.
    sign : int
        1 if more is better, −1 if less is.
    scale : float
        What it is multiplied by where it is written.
    digits : int
        Decimals of it.
    unit : str
        "%", or nothing.
    told : str
        It in a sentence.
    gaps : tuple of str
        In a sentence, by how much a model has more than another; the same; or less.
    is_chosen_by_accuracy : bool
        Whether learning rates are chosen by validation accuracy, or by validation loss.
    usable : float
        How far below the best validation accuracy a rate is still usable, 0 to 1; or how far
        above the lowest validation loss, as a share of it.
    """

    name: str
    noun: str
    column: str
    sign: int
    scale: float
    digits: int
    unit: str
    told: str
    gaps: tuple[str, str, str]
    is_chosen_by_accuracy: bool
    usable: float

    @property
    def heading(self) -> str:
        """Return its name and unit in the head of a table: ``accuracy, %``."""
        return f"{self.noun}, {self.unit}" if self.unit else self.noun

    @property
    def label(self) -> str:
        """Return its name and unit beside an axis: ``accuracy (%)``."""
        return f"{self.noun} ({self.unit})" if self.unit else self.noun

    @property
    def points(self) -> str:
        """Return what follows the name of a difference in the head of a table."""
        return ", points" if self.unit else ""

    @property
    def gap_unit(self) -> str:
        """Return what differences are counted in: points, or the measure itself."""
        return "points" if self.unit else self.noun

    @property
    def beyond(self) -> str:
        """Return on which side of a number the worse ones are."""
        return "below" if self.sign > 0 else "above"

    @property
    def chosen_by(self) -> str:
        """Return what chooses a learning rate."""
        return "validation accuracy" if self.is_chosen_by_accuracy else "validation loss"

    def of(self, run: Any) -> float:
        """Return that of a run, which has an attribute of the column's name."""
        value: float | None = getattr(run, self.column)
        assert value is not None
        return value

    def merit(self, value: float) -> float:
        """Return the number of which more is better."""
        return self.sign * value

    def merit_of_trial(self, accuracy: float | None, loss: float) -> float:
        """Return the number, of which more is better, by which a learning rate is chosen."""
        if not self.is_chosen_by_accuracy:
            return -loss
        assert accuracy is not None
        return accuracy

    def usable_from(self, best: float) -> float:
        """Return the lowest merit of a trial that is still usable beside the best."""
        return best - self.usable * (1.0 if self.is_chosen_by_accuracy else abs(best))

    def format(self, value: float) -> str:
        """Return it as in a table, with its decimals and without its unit.

        Examples
        --------
        >>> ACCURACY.format(0.97689), R2.format(-0.0312)
        ('97.69', '−0.0312')
        """
        return minus(f"{self.scale * value:.{self.digits}f}")

    def format_roughly(self, value: float) -> str:
        """Return it with two decimals fewer, and its unit.

        Examples
        --------
        >>> ACCURACY.format_roughly(0.97689), R2.format_roughly(0.912)
        ('98 %', '0.91')
        """
        unit = f" {self.unit}" if self.unit else ""
        return minus(f"{self.scale * value:.{self.digits - 2}f}{unit}")

    def format_gap(self, difference: float) -> str:
        """Return a difference as in a table, with its sign.

        Examples
        --------
        >>> ACCURACY.format_gap(0.0051), BITS_PER_CHARACTER.format_gap(-0.05)
        ('+0.51', '−0.0500')
        """
        return minus(f"{self.scale * difference:+.{self.digits}f}")

    def tell(self, value: float) -> str:
        """Return it as in a sentence.

        Examples
        --------
        >>> ACCURACY.tell(0.97689), R2.tell(0.91), BITS_PER_CHARACTER.tell(2.5)
        ('97.69 %', 'R² 0.9100', '2.5000 bits per character')
        """
        return self.told.format(self.format(value))

    def tell_gap(self, difference: float) -> str:
        """Return as in a sentence by how much a model differs from another.

        Examples
        --------
        >>> ACCURACY.tell_gap(0.0051), R2.tell_gap(-0.0312)
        ('by 0.51 points', 'with an R² 0.0312 lower')
        >>> BITS_PER_CHARACTER.tell_gap(-0.05)
        'with 0.0500 bits per character fewer'
        """
        more, same, less = self.gaps
        words = more if difference > 0 else less if difference < 0 else same
        return words.format(self.format(abs(difference)))


ACCURACY = Measure(
    name="accuracy",
    noun="accuracy",
    column="test_accuracy",
    sign=1,
    scale=100.0,
    digits=2,
    unit="%",
    told="{} %",
    gaps=("by {} points",) * 3,
    is_chosen_by_accuracy=True,
    usable=0.005,
)
R2 = Measure(
    name="r2",
    noun="R²",
    column="test_r2",
    sign=1,
    scale=1.0,
    digits=4,
    unit="",
    told="R² {}",
    gaps=("with an R² {} higher", "with the same R²", "with an R² {} lower"),
    is_chosen_by_accuracy=False,
    usable=0.05,
)
BITS_PER_CHARACTER = Measure(
    name="bits_per_character",
    noun="bits per character",
    column="bits_per_character",
    sign=-1,
    scale=1.0,
    digits=4,
    unit="",
    told="{} bits per character",
    gaps=(
        "with {} bits per character more",
        "with as many bits per character",
        "with {} bits per character fewer",
    ),
    is_chosen_by_accuracy=False,
    usable=0.01,
)
MEASURES = dict(zip(comparison.MEASURES, (ACCURACY, R2, BITS_PER_CHARACTER), strict=True))
"""Measures by name."""

OF_TASK = {"classification": ACCURACY, "regression": R2, "language": BITS_PER_CHARACTER}
"""The measure of each task."""
