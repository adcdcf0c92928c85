"""Where the values of a run's configuration come from, as far as the database knows."""

import shlex
from collections.abc import Sequence

from cdbench.config.architecture_knobs import is_meant, shown
from cdbench.config.knob_values import expand_range
from cdbench.config.run_config import RunConfig
from cdbench.config.train_words import RECIPE, Value, knob_values, option
from cdbench.reports.formats import Report
from cdbench.store.run_origins import RunOrigin

COMMAND_LINE = "command line"


def sources(config: RunConfig, origin: RunOrigin) -> list[tuple[Value, str]]:
    """Return every knob's value, and where it comes from.

    That is the paper's recipe, the default that follows from another knob, the command line of the
    run's sweep, or else that command by its name, such as audit: its plan, or what it took from
    ``cdbench.toml`` and the environment. Of a run of ``cdbench train`` no command is kept.
    """
    words = _words(origin.command_line)
    return [
        (one, _source(one, words) if one.is_given else one.source) for one in knob_values(config)
    ]


def configuration_table(config: RunConfig, origin: RunOrigin) -> Report:
    """Return the knobs that are not the recipe's, one a row, and the others in a sentence."""
    told = [
        (one, source)
        for one, source in sources(config, origin)
        if one.value is not None and is_meant(config, one.name)
    ]
    own = [(one, source) for one, source in told if source != RECIPE]
    usual = [f"{one.name} {shown(one.value)}" for one, source in told if source == RECIPE]
    return Report(
        title="Configuration",
        columns=("", "value", "from"),
        rows=[(one.name, _shown(one, config), source) for one, source in own],
        notes=(f"The rest is the paper's recipe: {', '.join(usual)}.", *_words_on(own, origin)),
        records=(),
        text_columns=3,
    )


def _shown(one: Value, config: RunConfig) -> str:
    """Return a value in words: of the layer with its structure."""
    if one.name == "layer" and config.structure is not None:
        return f"{one.value} {config.structure}"
    return shown(one.value)


def _words_on(own: Sequence[tuple[Value, str]], origin: RunOrigin) -> list[str]:
    found = {source for one, source in own if one.is_given}
    if origin.command_line is None:
        return ["Given: typed, or in cdbench.toml or the environment; which is not recorded."]
    planned = sorted(found - {COMMAND_LINE})
    if not planned:
        return []
    return [
        f"From {', '.join(planned)}: by the plan of that command, or cdbench.toml or the "
        "environment when it ran."
    ]


def _source(one: Value, words: Sequence[str]) -> str:
    if not words:
        return one.source
    if any(_is_typed(one, words, name) for name in _OPTIONS.get(one.name, (one.name,))):
        return COMMAND_LINE
    return next((word for word in words[1:] if not word.startswith("-")), one.source)


_OPTIONS = {"seed": ("seed", "seeds"), "B": ("B", "layer")}
"""Options that give a knob, where there are others than its own."""


def _is_typed(one: Value, words: Sequence[str], name: str) -> bool:
    """Return whether one of the values that an option has on a command line is the knob's."""
    typed = _typed(words, option(name))
    if isinstance(one.value, tuple):
        return list(map(str, one.value)) == typed
    if one.name == "dropout" and typed:
        return True  # it may be a word for a number
    if name == "layer":
        return any(word.partition(":")[0] == one.value for word in typed) or (
            one.name == "B" and any(":" in word for word in typed)
        )
    return any(_is_same(one.value, text) for word in typed for text in expand_range(word))


def _is_same(value: object, text: str) -> bool:
    try:
        return str(value) == text or (not isinstance(value, str) and float(text) == value)
    except ValueError:
        return False


def _typed(words: Sequence[str], name: str) -> list[str]:
    """Return the values of an option on a command line."""
    found: list[str] = []
    taking = False
    for word in words:
        before, equals, first = word.partition("=")
        if word.startswith("--"):
            taking = before == name
            found += [first] * bool(taking and equals)
        elif taking:
            found.append(word)
    return found


def _words(command_line: str | None) -> list[str]:
    try:
        return shlex.split(command_line or "")
    except ValueError:  # an odd number of quotes: it was not typed in a shell
        return (command_line or "").split()
