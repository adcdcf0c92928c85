"""A configuration as the words of the ``cdbench train`` that trains it again."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from cdbench.config import families
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.knob_values import KEEP_WEIGHTS
from cdbench.config.plugin_records import SEPARATOR
from cdbench.config.run_config import KNOBS, RunConfig
from cdbench.config.text_sets import is_text
from cdbench.errors import CdbenchError

RECIPE, GIVEN = "recipe", "given"

_NOTHING: Mapping[str, Any] = {}

DECIDING = ("dataset", "task", "architecture", "optimizer", "layer", "B")
"""Knobs by which the defaults of others go."""

_DEFAULT_OF = {"learning_rate": "optimizer", "weight_decay": "optimizer", "B": "layer"}
_DEFAULT_OF |= {"input": "dataset", "task": "dataset"}

_FLAGS = {
    "batches": ("--every-batch", ""),
    "floors": ("--noise-floors", ""),
    "spectra": ("", "--no-spectra"),
    "values": ("", "--no-values"),
    "history": ("", "--no-history"),
    "weights": ("--keep-weights", "--no-keep-weights"),
}
"""Options of ``cdbench train`` for what is measured: of yes, and of no."""


@dataclass(frozen=True)
class Value:
    """A knob's value in a configuration, and whose it is.

    Attributes
    ----------
    name : str
        The knob.
    value : Any
        Its value; None where it has no effect.
    source : str
        RECIPE, the paper's own; ``default of adam`` and the like, which follows from another knob;
        or GIVEN.
    """

    name: str
    value: Any
    source: str

    @property
    def is_given(self) -> bool:
        """Whether somebody chose it."""
        return self.source == GIVEN


@dataclass(frozen=True)
class TrainWords:
    """What is typed to train a run again.

    Attributes
    ----------
    words : tuple of str
        The command, not quoted; of a plug-in's file only its name is known.
    lacking : tuple of str
        Knobs without effect in the run that the settings here set, and no option unsets.
    plugins : tuple of str
        Records of the plug-ins that it takes.
    """

    words: tuple[str, ...]
    lacking: tuple[str, ...]
    plugins: tuple[str, ...]


def option(name: str) -> str:
    """Return the option of a knob: ``--learning-rate``."""
    return f"--{name.replace('_', '-')}"


def knob_values(config: RunConfig) -> list[Value]:
    """Return every knob's value, and whose it is, in the order of KNOBS."""
    usual = _defaults_beside(config)
    recipe = RunConfig()
    return [
        Value(name, value, _source(name, value, getattr(recipe, name), usual, config))
        for name in KNOBS
        for value in [getattr(config, name)]
    ]


def train_words(
    config: RunConfig,
    diagnostics: Diagnostics | None = None,
    *,
    settled: Mapping[str, Any] = _NOTHING,
    blas_threads: int = 1,
) -> TrainWords:
    """Return the command that trains a configuration again, and measures the same.

    Parameters
    ----------
    config : RunConfig
        What was trained. Data are named as they were; whether they are still the same is found out
        in training.
    diagnostics : Diagnostics, optional
        What was measured.
    settled : mapping, optional
        Values of the knobs, and of ``keep_weights``, that the settings here or the environment set:
        these are spelt out even where the run has the default.
    blas_threads : int, optional
        Threads of its matrix products.
    """
    wanted = {"layer", "seed"}
    wanted |= {one.name for one in knob_values(config) if one.source == GIVEN}
    wanted |= {name for name in settled if name in KNOBS}
    if not _gives(config, wanted):
        wanted = set(KNOBS)
    if is_text(config.dataset):
        wanted -= {"task"}
    spelt = {name: getattr(config, name) for name in KNOBS if name in wanted}
    told = {name: value for name, value in spelt.items() if value is not None}
    lacking = tuple(
        name
        for name, value in settled.items()
        if name in spelt and spelt[name] is None and not _gives(config, wanted, {name: value})
    )
    words = ["cdbench", "train", *_layer_words(config, "B" in settled)]
    told.pop("layer", None)
    told.pop("B", None)
    for name in sorted(told, key=lambda own: own == "seed"):
        words += _words(option(name), told[name])
    words += _measured(diagnostics, KEEP_WEIGHTS in settled)
    if blas_threads != 1 or "blas_threads" in settled:
        words += ["--blas-threads", str(blas_threads)]
    records = tuple((config.plugin or "").split(SEPARATOR)) if config.plugin else ()
    return TrainWords((*words, *_plugin_words(records)), lacking, records)


def _source(name: str, value: Any, recipe: Any, usual: RunConfig | None, config: RunConfig) -> str:
    if name == "seed":
        return GIVEN
    if value == recipe:
        return RECIPE
    if name in DECIDING and not (name == "task" and is_text(config.dataset)) and value is not None:
        return GIVEN
    if usual is None or value != getattr(usual, name):
        return GIVEN
    of = _DEFAULT_OF.get(name, "architecture")
    return f"default of {getattr(config, of)}"


def _defaults_beside(config: RunConfig) -> RunConfig | None:
    """Return a configuration of only those knobs that decide about others; None if it is none."""
    try:
        return RunConfig(
            **{name: getattr(config, name) for name in DECIDING if name != "B"},
            structure=config.structure,
            B=config.B,
        )
    except CdbenchError:  # it takes other knobs, or a plug-in that is not here
        return None


def _gives(
    config: RunConfig, wanted: Collection[str], others: Mapping[str, Any] = _NOTHING
) -> bool:
    """Return whether these knobs, and others of these values, give the configuration."""
    values = {name: getattr(config, name) for name in wanted} | dict(others)
    own = {name: getattr(config, name) for name in ("structure", "B", "dataset_fingerprint")}
    try:
        return RunConfig(**{**own, "plugin": config.plugin, **values}) == config
    except CdbenchError:
        return False


def _layer_words(config: RunConfig, with_B: bool) -> list[str]:
    if config.layer == families.DEFAULT:
        return ["--layer", config.layer, "--B", str(config.B)] if with_B else ["--B", str(config.B)]
    if config.structure is None:
        return ["--layer", config.layer]
    given = config.structure.replace(" ", ",")
    name, _, value = given.partition("=")
    try:
        main = families.main_parameter(config.layer)
    except CdbenchError:  # of a plug-in that is not here; what is not bare is read all the same
        main = None
    return ["--layer", f"{config.layer}:{value if name == main else given}"]


def _words(name: str, value: Any) -> list[str]:
    if isinstance(value, tuple):
        return [name, *map(str, value)]
    text = str(value)
    return [f"{name}={text}"] if text.startswith("-") else [name, text]


def _measured(diagnostics: Diagnostics | None, settled: bool) -> Iterator[str]:
    usual = Diagnostics()
    own = diagnostics or usual
    for field in fields(Diagnostics):
        value = getattr(own, field.name)
        said = value != getattr(usual, field.name) or (field.name == "weights" and settled)
        if not said:
            continue
        if field.name in _FLAGS:
            yield _FLAGS[field.name][0 if value else 1]
        else:
            yield from _words(option(field.name), value)


def _plugin_words(records: Collection[str]) -> Iterator[str]:
    """Yield ``--plugin NAME.py``; the records of packages name their version too."""
    files = [record.rpartition(" sha256:")[0] for record in records]
    named = [f"{name}.py" for name in files if " " not in name]
    if named:
        yield from ("--plugin", *named)
