"""Questions that are often asked, with the SQL that answers them: RECIPES, by name.

``cdbench db recipes`` prints them, docs/recipes.md is made from them, and Datasette has them ready
to run (``cdbench db browse``).
"""

from cdbench.errors import UnknownNameError
from cdbench.store.recipes.accuracy import (
    ACCURACY,
    AGAINST_DENSE,
    BEST_SETTINGS,
    DOMINATED,
    SEEDS,
)
from cdbench.store.recipes.claims import EVIDENCE, STANDINGS, VERDICTS
from cdbench.store.recipes.conditions import (
    CURVATURE,
    KAPPA,
    KAPPA_EPOCHS,
    SPECTRUM,
    WORST_LAYER,
)
from cdbench.store.recipes.recipe import Recipe, of_dialect
from cdbench.store.recipes.runs import (
    COST,
    ENDINGS,
    EPOCHS_TO_97,
    HARDLY_LEARNED,
    NEWEST,
    PROVENANCE,
    TRIED,
)

__all__ = ["RECIPES", "Recipe", "of_dialect", "recipe_named"]

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        ACCURACY,
        AGAINST_DENSE,
        BEST_SETTINGS,
        TRIED,
        ENDINGS,
        HARDLY_LEARNED,
        EPOCHS_TO_97,
        KAPPA,
        WORST_LAYER,
        KAPPA_EPOCHS,
        SPECTRUM,
        CURVATURE,
        DOMINATED,
        COST,
        PROVENANCE,
        EVIDENCE,
        SEEDS,
        NEWEST,
        VERDICTS,
        STANDINGS,
    )
}
"""In the order of the page."""


def recipe_named(name: str) -> Recipe:
    """Return the recipe of this name.

    Raises
    ------
    UnknownNameError
        If there is none; it names the nearest.
    """
    if name not in RECIPES:
        raise UnknownNameError("recipe", name, RECIPES)
    return RECIPES[name]
