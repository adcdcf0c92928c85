"""Options that keep the paper's recipe where the user's settings would change it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cdbench.cli.settings import load_settings
from cdbench.config.knob_values import ONE_VALUE
from cdbench.config.run_config import KNOBS, RunConfig


def recipe_words(message: str) -> str:
    """Return `` --epochs 25 …`` for a message that ends with a command to train the recipe.

    It contains only knobs that ``cdbench.toml`` or the environment changes and that the command
    does not set already. For other messages it is empty.
    """
    if "cdbench sweep" not in message:
        return ""
    recipe = RunConfig()
    changed = {name: value for name, value in settled_here().items() if name in KNOBS}
    words = []
    for name in changed.keys() - {"seed", "B", *ONE_VALUE}:
        wanted, option = getattr(recipe, name), f"--{name.replace('_', '-')}"
        if changed[name] != wanted and f"{option} " not in message:
            values = wanted if isinstance(wanted, tuple) else (wanted,)
            words.append(" ".join([option, *map(str, values)]))
    return "".join(f" {word}" for word in sorted(words))


def settled_here() -> Mapping[str, Any]:
    """Return what ``cdbench.toml`` and the environment set here, of knobs and other options."""
    settled = dict(load_settings(Path.cwd()).defaults)
    for name in (*KNOBS, "blas_threads"):
        if value := os.environ.get(f"CDBENCH_{name.upper()}"):
            settled[name] = value
    return settled
