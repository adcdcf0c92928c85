"""RunConfig: everything that decides a run's numbers, and nothing else.

Each field is one knob. Its name is the key in ``cdbench.toml``, the column in the database and,
with dashes, the option on the command line; its ``help`` is what ``--help`` prints.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any

from cdbench.config import architecture_knobs, families, made_sets, step_knobs
from cdbench.config.architecture_knobs import ArchitectureKnobs
from cdbench.config.canonical import around_seed, group_digest, group_json, sha256
from cdbench.config.checks import check_combinations, check_names, check_numbers, check_seed
from cdbench.config.inputs import default_input
from cdbench.config.knob import knob
from cdbench.config.numbers import parse_integer, parse_rate
from cdbench.config.plugin_records import records
from cdbench.config.step_knobs import StepKnobs
from cdbench.config.text_sets import is_text
from cdbench.errors import ConfigurationError, UnknownNameError


@dataclass(frozen=True)
class RunConfig(StepKnobs, ArchitectureKnobs):
    """Everything that decides a run's numbers. The defaults are the paper's recipe (Sec. VI.1).

    ``B``, ``learning_rate`` and ``input`` may be None, which stands for the default of the layer,
    the optimiser and the data set. A knob without effect is reset to its default, such as ``B`` of
    a dense layer, so that configurations that train the same run are equal. The knobs that only
    some architectures have are in ``ArchitectureKnobs``, those of the optimiser in ``StepKnobs``.
    ``plugin`` is set to the records of the plug-ins that bring the layer or the data set. A stored
    configuration with other records can be read without them, but not trained.

    Raises
    ------
    ConfigurationError
        If a value is invalid.

    Examples
    --------
    >>> RunConfig(layer="cdlinear:8").model
    'cdlinear B=8'
    """

    dataset: str = knob(
        "digits",
        "Data set: digits, wine, breast_cancer, iris, one made from digits (digits-noise, "
        "digits-few, digits-pairs, digits-sums), images (mnist, fashion-mnist, "
        "cifar-10, cifar-10-gray: downloaded, or as in mnist:FOLDER your own), one made to measure "
        "(gaussian:classes=5,kappa=1e6, teacher:low-rank:4,samples=500), or a path to a .npz, "
        ".csv or .parquet file, or two: X.npy,y.npy; or a text: text:FILE.",
    )
    label_column: str | None = knob(
        None, "Name of the label column of a .csv or .parquet file. [default: the last column]"
    )
    test: str | None = knob(
        None,
        "File of the test split, with the columns and classes of the data set's file. "
        "[default: drawn from the data set]",
    )
    encode: str | None = knob(
        None,
        "What to do with text and blanks in a file: one-hot makes each text a feature, and fills "
        "blanks by the training split's median or most frequent text. [default: refuse them]",
    )
    task: str = knob(
        "classification",
        "What is learned: classification, or regression of a numeric label column by the squared "
        "error; of a text always language, the next character.",
    )
    dataset_fingerprint: str | None = None
    permute: int | None = knob(
        None,
        "Seed of one fixed permutation of the features, the same for all runs. [default: none]",
    )
    input: str | None = knob(
        None,
        "Input transform, fitted on the training split: scale, center, standardize or whiten. "
        "[default: scale for digits, images and gaussian, none for a text, else standardize]",
    )
    layer: str = knob(
        families.DEFAULT,
        "Layer family, with its structure: FAMILY[:VALUE][,NAME=VALUE...], as in dense, low-rank:8 "
        f"or monarch:8,inner=16. Families: {', '.join(families.FAMILIES)}.",
    )
    structure: str | None = None
    B: int | None = knob(
        None,
        "Block size of cdlinear layers; widths that it does not divide are padded up. [default: 4]",
    )
    hidden: tuple[int, ...] = knob(
        (64, 64), "Widths of the hidden layers of mlp, as in --hidden 64 64."
    )
    head: str = knob(
        "structured",
        "Last layer: structured, of the family of the others, as in the paper; or dense.",
    )
    normalization: str = knob(
        "none", "Normalisation before each linear layer (Sec. VII): none, layer or batch."
    )
    epochs: int = knob(25, "Passes over the training split.")
    validation: float = knob(
        0.0,
        "Share of the training split held out, stratified, and measured after each epoch; 0 is "
        "none, as in the paper.",
    )
    early_stopping: int | None = knob(
        None, "End the run after so many epochs without lower validation loss. [default: never]"
    )
    dropout: float = knob(
        0.0, "Drop probability of hidden activations (Eq. 7); alpha-cd is the paper's 0.0118."
    )
    fisher_weight: float = knob(0.0, "Weight λ_F of the Fisher regulariser; 0 is off.")
    fisher_form: str = knob(
        "trace-inverse", "Fisher regulariser: trace-inverse (Eq. 8) or log-variance."
    )
    fisher_epsilon: float = knob(0.01, "ε of the Fisher regulariser; the paper names no value.")
    dtype: str = knob("float64", "Floating-point type of the whole training: float64 or float32.")
    product: str = knob(
        "auto",
        "How cdlinear computes its block-circulant products: gather, polygon or fft, which agree "
        "to rounding, or auto, the one expected to be fastest.",
    )
    plugin: str | None = None
    seed: int = knob(0, "Seed of the split, the initial weights and the order of samples.")

    def __post_init__(self) -> None:
        if not isinstance(self.layer, str):
            raise ConfigurationError(f"layer = {self.layer!r}: expected a text")
        plugin = records(self.layer, self.dataset)
        readable = self.plugin in (None, plugin)
        if readable:
            layer, structure, B = families.read(self.layer, self.structure, self.B)
            self._set(layer=layer, structure=structure, B=B, plugin=plugin)
        check_names(self)
        self._normalize()
        self._settle_architecture()
        check_numbers(self)
        if readable:
            check_combinations(self)
        if self.fisher_weight == 0:
            for name in ("fisher_form", "fisher_epsilon"):
                self._set(**{name: KNOBS[name].default})
        if self.B in (None, 1) or self.architecture != "mlp":  # elsewhere W is formed
            self._set(product="auto")
        if self.layer == families.BASELINE or self.B == 1:  # there W is its weights
            self._set(learning_rate_scaling="raw")
        if self.layer == families.BASELINE:
            self._set(head="structured")

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _normalize(self) -> None:
        for name in ("dropout", "validation", "fisher_weight", "fisher_epsilon"):
            self._set(**{name: parse_rate(name, getattr(self, name))})
        widths = self.hidden if isinstance(self.hidden, Iterable) else [self.hidden]
        if isinstance(widths, str | bytes | Mapping):
            raise ConfigurationError(f"hidden = {widths!r}: expected whole numbers")
        self._set(hidden=tuple(parse_integer("hidden", width) for width in widths))
        optional = [one for one in ("early_stopping", "permute") if getattr(self, one) is not None]
        for name in ("epochs", "batch_size", "seed", *optional):
            self._set(**{name: parse_integer(name, getattr(self, name))})
        if self.B is not None:
            self._set(B=parse_integer("B", self.B))
        elif self.layer in families.WITH_B:
            self._set(B=families.DEFAULT_B)
        if made_sets.is_made(self.dataset):
            self._set(dataset=made_sets.parse(self.dataset).name)
        if is_text(self.dataset):
            self._set(task="language", input=None)
        if self.input is None:
            self._set(input=default_input(self.dataset))

    def _settle_architecture(self) -> None:
        self._set(**step_knobs.settled(self, self.task))
        self._set(**architecture_knobs.settled(self, self.dataset))
        if self.architecture != "mlp":
            self._set(hidden=KNOBS["hidden"].default)
        if self.architecture == "attention":
            self._set(normalization="none")  # it has its own

    def baseline(self) -> "RunConfig":
        """Return the dense configuration to compare this one with, all else being equal."""
        return replace(
            self, layer=families.BASELINE, structure=None, B=None, fisher_weight=0.0, plugin=None
        )

    def with_seed(self, seed: int) -> "RunConfig":
        """Return this configuration with another seed; everything else is already checked.

        Raises
        ------
        ConfigurationError
            If it is not a valid seed.
        """
        check_seed(parse_integer("seed", seed))
        other = object.__new__(RunConfig)
        vars(other).update(vars(self), seed=seed)
        return other

    def canonical_json(self) -> str:
        """Return the whole configuration as JSON with sorted keys and no spaces."""
        before, after = around_seed(_BUT_SEED, _but_seed(self))
        return f"{before}{self.seed}{after}"

    def digest(self) -> str:
        """Return the SHA-256 of the canonical JSON, in hexadecimal."""
        return sha256(self.canonical_json())

    def group_json(self) -> str:
        """Return the canonical JSON without the seed, which repetitions of a run share."""
        return group_json(_BUT_SEED, _but_seed(self))

    def group_digest(self) -> str:
        """Return the SHA-256 of the canonical JSON without the seed, in hexadecimal."""
        return group_digest(_BUT_SEED, _but_seed(self))

    @property
    def model(self) -> str:
        """Name of the architecture as printed in tables: ``dense``, ``cdlinear B=4``."""
        return families.model_name(self.layer, self.structure, self.B)

    def describe(self, names: Iterable[str]) -> str:
        """Return the named knobs with their values: ``learning_rate=0.1 dropout=0.0118``."""
        return " ".join(
            f"{name}={architecture_knobs.shown(getattr(self, name))}"
            for name in names
            if architecture_knobs.is_meant(self, name)
        )

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "RunConfig":
        """Build a configuration from plain values, such as those of a stored JSON.

        Raises
        ------
        UnknownNameError
            If a key is not a knob.
        """
        known = {knob.name for knob in fields(cls)}
        for name in values:
            if name not in known:
                raise UnknownNameError("configuration key", name, known)
        return cls(**{name: value for name, value in values.items() if value is not None})


KNOBS = {
    knob.name: knob
    for knob in sorted(fields(RunConfig), key=lambda own: own.name not in RunConfig.__annotations__)
    if "help" in knob.metadata
}
"""The fields of RunConfig that a user sets, by name."""


_BUT_SEED = tuple(knob.name for knob in fields(RunConfig) if knob.name != "seed")
_but_seed = attrgetter(*_BUT_SEED)
