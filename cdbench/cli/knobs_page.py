"""docs/knobs.md, made from RunConfig's fields: ``python -m cdbench.cli.knobs_page FILE``."""

import re
import sys
from pathlib import Path
from typing import Any

import typer

from cdbench.cli.commands_page import commands, plain, table
from cdbench.cli.help_page import meaning_and_default
from cdbench.config.knob_values import KNOB_TYPES, LISTS, checked_knob
from cdbench.config.run_config import KNOBS
from cdbench.errors import ConfigurationError

HEADER = """\
# The knobs

A knob is a value that decides a run's numbers. Every knob's default is the paper's recipe. The same
name is the option on the command line (`learning_rate` is `--learning-rate`), the key under
`[defaults]` and in the sweeps of `cdbench.toml`, the environment variable
(`CDBENCH_LEARNING_RATE`), the field of `cdbench.RunConfig`, and a column of the table `run` in the
database.

```toml
[defaults]            # of every run in this folder
epochs = 50

[sweeps.mine]         # cdbench sweep mine
B = [2, 4, 8]
learning_rate = [0.05, 0.1]
seeds = ["0..9"]
```

Where a default is said to depend on something, the knob may be left out; a knob without effect,
such as `B` of a dense layer, is not part of a run's configuration. This page is made from the
knobs' own words by `make pages`.
"""


_OPEN = ("dataset", "layer")
"""Knobs that have names, and much more."""


def knobs_markdown() -> str:
    """Return the page: a table of knobs for each panel of the help."""
    from cdbench.cli.app import app

    train = dict(commands(typer.main.get_command(app)))["train"]
    ctx = train.context_class(train, info_name="train")
    panels: dict[str, list[tuple[str, ...]]] = {}
    for param in train.get_params(ctx):
        if param.name in KNOBS:
            panels.setdefault(param.rich_help_panel, []).append(_row(param, ctx))
    heads = ("knob", "default", "values", "meaning")
    parts = [HEADER, *(f"## {panel}\n\n{table(heads, rows)}" for panel, rows in panels.items())]
    return "\n".join(parts).rstrip() + "\n"


def _row(param: Any, ctx: Any) -> tuple[str, ...]:
    text, default = meaning_and_default(param, ctx)
    default = plain(default.replace("None", "none"))
    return f"`{param.name}`", default, values(param.name), plain(text)


def values(name: str) -> str:
    """Return which values a knob takes, as the error says that refuses another.

    Examples
    --------
    >>> values("epochs"), values("optimizer")
    ('whole numbers, at least 1', '`adam`, `adamw`, `sgd`')
    """
    kind = KNOB_TYPES[name]
    wrong: Any = "?" if kind is str and name != "dropout" else -1
    expected = ""
    try:
        checked_knob(name, [wrong] if name in LISTS else wrong)
    except ConfigurationError as error:
        choices = re.search(r"\(known: (.*)\)$", str(error))
        if choices and name not in _OPEN:
            return ", ".join(f"`{one}`" for one in choices[1].split(", "))
        expected = str(error).partition("expected ")[2]
    if kind is int:
        several = "several whole numbers" if name in LISTS else "whole numbers"
        return plain(", ".join(filter(None, (several, expected))))
    return plain(expected) if kind is float or name == "dropout" else "text"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(knobs_markdown(), encoding="utf-8")
