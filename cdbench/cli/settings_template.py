"""A ``cdbench.toml`` to begin with: everything that may stand in one, commented out."""

import json
import textwrap
from collections.abc import Iterator
from typing import Any

from cdbench.cli.options import help_and_default
from cdbench.cli.panels import panel_of
from cdbench.config.knob_values import KEEP_WEIGHTS, KNOB_TYPES
from cdbench.config.run_config import KNOBS

WIDTH = 96

HEAD = """\
# Settings of cdbench for this folder and those below it. What is typed and the variables CDBENCH_…
# come first; then what stands here; then the defaults.
#
# As it is, this file changes nothing. A line such as #epochs = 25 shows a default, or an example:
# take the # away, and change the value. cdbench doctor says which file is obeyed.

# Where runs are kept: a path, from this file's folder on, or postgresql://user@server/database.
#database = "runs.db"

# Python files of your own that bring layers, data sets or claims; see docs/extending.md.
#plugins = []
"""

TABLES = """\

# A sweep by name: cdbench sweep mine. Any knob of above, one value or several; and seeds, jobs,
# and baseline = false for a sweep without dense networks.
#[sweeps.mine]
#B = [1, 4, 8]
#learning_rate = [0.05, 0.1]
#seeds = "0..9"

# A study, which is comparisons by name: cdbench compare --study mine. Each part takes any option
# of cdbench compare; what stands under [studies.mine] is for all parts. A study takes nothing
# from [defaults], so that it is the same wherever it is made.
#[studies.mine]
#budget = [0.5, 0.25]
#seeds = "0..9"
#[studies.mine.parts.wine]
#dataset = "wine"
#[studies.mine.parts.digits]
#dataset = "digits"
#layer = ["cdlinear", "low-rank", "monarch"]
"""


def settings_template() -> str:
    """Return the text of the file.

    Without any of its #s that stand before a letter or a bracket, it is valid too, and its defaults
    are those that cdbench has anyway.
    """
    return HEAD + "\n".join(_defaults()) + "\n" + TABLES


def _defaults() -> Iterator[str]:
    yield ""
    yield "# The knobs of a run, with their defaults, which are the paper's recipe. Where the"
    yield "# default is none, or depends on others, the line says what to write: # width = NUMBER."
    yield "[defaults]"
    panels: dict[str, list[str]] = {}
    for name in KNOBS:
        panels.setdefault(panel_of(name), []).append(name)
    for panel, names in panels.items():
        yield f"\n# {panel} {'-' * (WIDTH - 3 - len(panel))}"
        for name in names:
            yield from _knob(name)
    yield ""
    yield from _prose("Keep the trained network of each run that completes: cdbench model.")
    yield f"#{KEEP_WEIGHTS} = false"


def _knob(name: str) -> Iterator[str]:
    words, default = help_and_default(name)
    value = KNOBS[name].default
    yield ""
    if value is not None:
        yield from _prose(words)
        yield f"#{name} = {_toml(value)}"
        return
    kind = "TEXT" if KNOB_TYPES[name] is str else "NUMBER"
    shown = f"[{kind}, …]" if "tuple" in str(KNOBS[name].type) else kind
    yield from _prose(f"{words} By default: {default}.")
    yield f"# {name} = {shown}"


def _prose(words: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(words, WIDTH - 2, break_on_hyphens=False)]


def _toml(value: Any) -> str:
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
