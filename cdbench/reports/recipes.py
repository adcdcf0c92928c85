"""The list of recipes: names and questions."""

from cdbench.reports.formats import Report
from cdbench.store.recipes import RECIPES


def recipes_report() -> Report:
    """Return the list of questions that ``cdbench db recipes NAME`` answers."""
    return Report(
        title="Questions that are often asked",
        columns=["recipe", "question"],
        rows=[[recipe.name, recipe.question] for recipe in RECIPES.values()],
        notes=["One of them, with its SQL and the answer: cdbench db recipes NAME"],
        records=[recipe._asdict() for recipe in RECIPES.values()],
        text_columns=2,
    )
