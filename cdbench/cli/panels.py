"""In which panel of the help, and of a new ``cdbench.toml``, each knob stands."""

from cdbench.config.architecture_knobs import ArchitectureKnobs

_PANELS = {
    "dataset": "Data",
    "label_column": "Data",
    "task": "Data",
    "permute": "Data",
    "encode": "Data",
    "test": "Data",
    "layer": "Model",
    "B": "Model",
    "hidden": "Model",
    **dict.fromkeys(ArchitectureKnobs.__annotations__, "Architecture"),
    "head": "Model",
    "dtype": "Model",
    "product": "Model",
    "dropout": "Regularisation",
    "fisher_weight": "Regularisation",
    "fisher_form": "Regularisation",
    "fisher_epsilon": "Regularisation",
}
"""Knobs that are not listed here are in Training."""


def panel_of(name: str) -> str:
    """Return the panel of a knob."""
    return _PANELS.get(name, "Training")
