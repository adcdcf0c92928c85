"""All figures by name: what each shows, what it needs, and of what it is."""

from dataclasses import dataclass

NOTHING, RUNS, CLAIM, STUDY, COMPARISON, COMPARISONS = (
    "",
    "runs",
    "claim",
    "study",
    "one",
    "several",
)
"""What a figure can be of."""


@dataclass(frozen=True)
class Listed:
    """A figure as lists and pages tell of it.

    Attributes
    ----------
    shows : str
        What it shows, in a few words.
    needs : str
        What has to be in the database, or the command that makes it.
    example : str
        A command that draws it, without ``cdbench plot``.
    of : str
        NOTHING, or what its further words name.
    """

    shows: str
    needs: str
    example: str
    of: str = NOTHING


ANY_RUNS = "any runs of one task"
_PAPERS = "runs of the paper's models: cdbench sweep --B 4 8"

CATALOGUE = {
    "curves": Listed(
        "Losses and accuracy, R² or bits per character over the epochs; many seeds as a band.",
        ANY_RUNS,
        "curves --where \"changes = ''\"",
        RUNS,
    ),
    "spectra": Listed(
        "Spectra of every layer, by kind.",
        "runs that kept them, so not with --no-values",
        "spectra latest",
        RUNS,
    ),
    "kappa": Listed(
        "Condition numbers of every layer over the epochs, by kind.",
        "runs with --spectra-every",
        "kappa latest",
        RUNS,
    ),
    "seeds": Listed(
        "How far seeds are apart: a row a model, with the mean's interval.",
        "any runs of one data set",
        "seeds --where 'dataset = iris and validation = 0'",
        RUNS,
    ),
    "accuracy-parameters": Listed(
        "Test accuracy against the number of parameters; of block sizes, or of any runs.",
        "cdbench audit, or any runs of one data set",
        "accuracy-parameters --where 'dataset = iris and validation = 0'",
        RUNS,
    ),
    "fig1": Listed("The paper's Figure 1: training loss and test accuracy.", _PAPERS, "fig1"),
    "fig2": Listed(
        "The paper's Figure 2: the last layer's spectrum, as published and like for like.",
        _PAPERS,
        "fig2",
    ),
    "spectra-kinds": Listed(
        "Six kinds of spectrum side by side, and which of them compare models.",
        f"{_PAPERS} --curvature lanczos",
        "spectra-kinds",
    ),
    "kappa-seeds": Listed(
        "Ratios of κ as seeds come in: what three seeds can tell.", "cdbench audit", "kappa-seeds"
    ),
    "theorem2": Listed(
        "κ on N samples of whitened inputs, beside the laws for it.", "cdbench audit", "theorem2"
    ),
    "kappa-epochs": Listed(
        "κ of the paper's models during training, by kind and layer.",
        "cdbench audit",
        "kappa-epochs",
    ),
    "kappa-floors": Listed(
        "κ above noise floors, cut and damped.", "cdbench audit", "kappa-floors"
    ),
    "claim": Listed(
        "The numbers of a claim with their intervals.",
        "cdbench audit --claim NAME",
        "claim odd-heads language",
        CLAIM,
    ),
    "crossover": Listed(
        "Time of a layer against its width, for every product.", "cdbench bench", "crossover"
    ),
    "pareto": Listed(
        "A comparison's families: score against parameters and multiply-adds.",
        "cdbench compare",
        "pareto digits",
        COMPARISON,
    ),
    "rate-curves": Listed(
        "A comparison's families: how wide the range of learning rates is that works.",
        "cdbench compare",
        "rate-curves digits",
        COMPARISON,
    ),
    "standings": Listed(
        "Families over several comparisons: ranks, and how probably each is better.",
        "two comparisons or more",
        "standings digits wine",
        COMPARISONS,
    ),
    "study": Listed(
        "A study at a glance: every family beside the narrower dense network.",
        "a study",
        "study released digits",
        STUDY,
    ),
}
"""Every figure; those of any runs first."""
