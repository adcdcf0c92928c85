"""The result of a comparison, as plain values: a line a model, and its differences to dense."""

from dataclasses import dataclass

DENSE, NARROWER, STRUCTURED = "dense", "narrower dense", "structured"
"""Roles of models: the dense network at full width, one of the budget's size, and the others."""

MEASURES = ("accuracy", "r2", "bits_per_character")
"""What a comparison's models can be ranked by."""

MOST_WEIGHTS = 8_192
"""Of the dense network's largest matrix, up to which Hessians are measured of any model: those of
factored layers are squares as wide as the layer has weights, and would fill the memory."""


@dataclass(frozen=True)
class Difference:
    """What a model reached on the test split less what a dense network did, paired over seeds.

    Attributes
    ----------
    against : str
        "dense", at its full width, or "narrower dense", of the same size.
    difference, low, high : float
        Mean, and 95 % interval over the seeds: of these splits of this data set.
    wide_low, wide_high : float or None
        The corrected interval, for new data of this kind; None where all seeds have one test
        split, which gives no such interval.
    p_holm, wide_p_holm : float or None
        Two-sided p of no difference, over these splits and for new data, by Holm's correction for
        the models of the budget.
    improvement : float
        Share of seeds in which the model is better; those that are equal count half.
    """

    against: str
    difference: float
    low: float
    high: float
    wide_low: float | None
    wide_high: float | None
    p_holm: float
    wide_p_holm: float | None
    improvement: float


@dataclass(frozen=True)
class ComparedModel:
    """A line of a comparison.

    Attributes
    ----------
    budget : float
        As asked for; 1 for the dense network at its full width.
    role : str
        "dense", "narrower dense" or "structured".
    model, layer, hidden : str
        Its name, its family, and its hidden widths such as ``64 64``.
    structure : str or None
        Of its layers; None for those without.
    B : int or None
        Block size of cdlinear.
    n_parameters, multiply_adds : int
        Size, and real multiply-adds of a sample.
    learning_rate, usable_low, usable_high : float or None
        The best rate, and the stretch of rates about it that are nearly as good; None if none
        trained.
    is_at_edge : bool
        Whether the best rate is at an end of those tried.
    n_trials, n_seeds : int
        Runs that chose the rate, and completed runs that are reported.
    score, low, high : float or None
        Mean over the seeds of what it reached on the test split, by the comparison's measure, such
        as accuracy, 0 to 1; with its 95 % interval over seeds.
    wide_low, wide_high : float or None
        The interval for new data of this kind.
    weight_kappa, hessian_kappa : float or None
        Of kind weight, and of kind layer_hessian without null directions: mean over layers, median
        over seeds.
    seconds_per_epoch : float or None
        Mean wall time of an epoch's updates.
    prediction_us : float or None
        Microseconds to predict one sample, in batches, one thread.
    differences : tuple of Difference
        To both dense networks; empty for these.
    """

    budget: float
    role: str
    model: str
    layer: str
    structure: str | None
    B: int | None
    hidden: str
    n_parameters: int
    multiply_adds: int
    learning_rate: float | None
    usable_low: float | None
    usable_high: float | None
    is_at_edge: bool
    n_trials: int
    n_seeds: int
    score: float | None = None
    low: float | None = None
    high: float | None = None
    wide_low: float | None = None
    wide_high: float | None = None
    weight_kappa: float | None = None
    hessian_kappa: float | None = None
    seconds_per_epoch: float | None = None
    prediction_us: float | None = None
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class StudiedRun:
    """A completed run that a part of a study reports.

    Attributes
    ----------
    part : str
        Name of the part.
    budget : float
        Size that it competes at; of the dense network at full width 1.
    role : str
        DENSE, NARROWER or STRUCTURED.
    family, structure : str, str or None
        Of its layers.
    n_parameters, multiply_adds : int
        Of its network; multiply-adds of a sample.
    seed : int
        Its seed.
    score : float
        On the test split, what the part ranks by.
    run_id : int
        Its key in the database.
    uuid : str
        Its identity in any database.
    """

    part: str
    budget: float
    role: str
    family: str
    structure: str | None
    n_parameters: int
    multiply_adds: int
    seed: int
    score: float
    run_id: int
    uuid: str

    @property
    def label(self) -> str:
        """What tells it from the others of its part and size: its family, or that it is dense."""
        return label_of(self.role, self.family, self.structure)


def label_of(role: str, family: str, structure: str | None) -> str:
    """Return what tells a model from the others of its size: the role of dense ones, or the family.

    Examples
    --------
    >>> label_of("structured", "low-rank", "rank=8"), label_of("narrower dense", "dense", None)
    ('low-rank', 'narrower dense')
    """
    return family_of(family, structure) if role == "structured" else role


def family_of(layer: str, structure: str | None) -> str:
    """Return a family with the words of its structure, but not its sizes: block-diagonal dct.

    Examples
    --------
    >>> family_of("block-diagonal", "blocks=4 basis=dct"), family_of("low-rank", "rank=8")
    ('block-diagonal basis=dct', 'low-rank')
    """
    words = [part for part in (structure or "").split() if not part.split("=")[1].isdigit()]
    return " ".join([layer, *words])
