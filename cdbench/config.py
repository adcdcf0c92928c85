"""RunConfig: everything that decides a run's numbers, and nothing else.

Each field is one knob: its name is the key in ``cdbench.toml`` and the column in the database,
and with dashes the option on the command line; its ``help`` is what ``--help`` prints.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from cdbench.errors import ConfigurationError, UnknownNameError

ALPHA_CD = 0.0118
"""Shannon noise rate of the paper, a drop probability (Secs. I, II and IV.1)."""

LAYER_NAMES = ("cdlinear", "dense")
OPTIMIZER_NAMES = ("sgd", "adam")
FISHER_FORMS = ("trace-inverse", "log-variance")
DTYPES = ("float64", "float32")

DEFAULT_B = 4
DEFAULT_LEARNING_RATE = {"sgd": 0.1, "adam": 0.001}
"""Sec. VI.1 for SGD; for Adam the paper names no value, this is that of Kingma and Ba (2015)."""

MAX_SEED = 2**32 - 1
"""Largest seed that both NumPy and scikit-learn's split accept."""


def _knob(default: Any, help_text: str) -> Any:
    return field(default=default, metadata={"help": help_text})


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides a run's numbers. The defaults are the paper's recipe (Sec. VI.1).

    ``B`` and ``learning_rate`` may be None, which stands for the layer's and the optimiser's own
    default. A knob without effect is set back to its default (``B`` of a dense layer to None, the
    other Fisher knobs when ``fisher_weight`` is 0), so that configurations which train the same
    run are equal.

    Raises
    ------
    ConfigurationError
        If a value cannot be.
    """

    dataset: str = _knob(
        "digits", "Data set: digits, wine, breast_cancer, iris, or a path to a .npz or .csv file."
    )
    label_column: str | None = _knob(
        None, "Name of the label column of a .csv data set. [default: the last column]"
    )
    dataset_fingerprint: str | None = None
    layer: str = _knob("cdlinear", "Layer family: cdlinear or dense.")
    B: int | None = _knob(
        None,
        "Block size of cdlinear layers; widths that it does not divide are padded up. [default: 4]",
    )
    hidden: tuple[int, ...] = _knob((64, 64), "Widths of the hidden layers, as in --hidden 64 64.")
    epochs: int = _knob(25, "Passes over the training split.")
    batch_size: int = _knob(64, "Samples an update; the short last batch is kept.")
    learning_rate: float | None = _knob(None, "Step size. [default: 0.1 for sgd, 0.001 for adam]")
    momentum: float = _knob(0.9, "Momentum of sgd; first-moment decay of adam.")
    optimizer: str = _knob("sgd", "Optimiser: sgd or adam.")
    dropout: float = _knob(
        0.0, "Drop probability of hidden activations (Eq. 7); alpha-cd is the paper's 0.0118."
    )
    fisher_weight: float = _knob(0.0, "Weight λ_F of the Fisher regulariser; 0 is off.")
    fisher_form: str = _knob(
        "trace-inverse", "Fisher regulariser: trace-inverse (Eq. 8) or log-variance."
    )
    fisher_epsilon: float = _knob(0.01, "ε of the Fisher regulariser; the paper names no value.")
    dtype: str = _knob("float64", "Floating-point type of the whole training: float64 or float32.")
    seed: int = _knob(0, "Seed of the split, the initial weights and the order of samples.")

    def __post_init__(self) -> None:
        self._check_names()
        self._normalize()
        self._check_numbers()
        self._check_combinations()
        if self.fisher_weight == 0:
            defaults = {knob.name: knob.default for knob in fields(self)}
            self._set(
                fisher_form=defaults["fisher_form"], fisher_epsilon=defaults["fisher_epsilon"]
            )

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _normalize(self) -> None:
        for name in ("dropout", "momentum", "fisher_weight", "fisher_epsilon"):
            self._set(**{name: parse_rate(name, getattr(self, name))})
        widths = [self.hidden] if isinstance(self.hidden, int) else self.hidden
        if not isinstance(widths, list | tuple):
            raise ConfigurationError(f"hidden = {widths!r}: expected whole numbers")
        self._set(hidden=tuple(_integer("hidden", width) for width in widths))
        for name in ("epochs", "batch_size", "seed"):
            self._set(**{name: _integer(name, getattr(self, name))})
        if self.B is not None:
            self._set(B=_integer("B", self.B))
        elif self.layer == "cdlinear":
            self._set(B=DEFAULT_B)
        rate = self.learning_rate
        if rate is None:
            rate = DEFAULT_LEARNING_RATE[self.optimizer]
        self._set(learning_rate=parse_rate("learning_rate", rate))

    def _check_names(self) -> None:
        if not isinstance(self.dataset, str):
            raise ConfigurationError(f"dataset = {self.dataset!r}: expected a name or a path")
        for name, choices in (
            ("layer", LAYER_NAMES),
            ("optimizer", OPTIMIZER_NAMES),
            ("fisher_form", FISHER_FORMS),
            ("dtype", DTYPES),
        ):
            value = getattr(self, name)
            if value not in choices:
                raise UnknownNameError(name, str(value), choices)

    def _check_numbers(self) -> None:
        _expect("epochs", self.epochs, self.epochs >= 1, "at least 1")
        _expect("batch_size", self.batch_size, self.batch_size >= 1, "at least 1")
        _expect("seed", self.seed, 0 <= self.seed <= MAX_SEED, f"0 to {MAX_SEED}")
        _expect("hidden", self.hidden, bool(self.hidden), "at least one width")
        _expect("hidden", self.hidden, min(self.hidden) >= 1, "widths of at least 1")
        rate = self.learning_rate
        assert rate is not None
        _expect("learning_rate", rate, 0 < rate < math.inf, "a positive number")
        _expect("momentum", self.momentum, 0 <= self.momentum < 1, "0 or more, below 1")
        _expect("dropout", self.dropout, 0 <= self.dropout < 1, "0 or more, below 1, or alpha-cd")
        weight, epsilon = self.fisher_weight, self.fisher_epsilon
        _expect("fisher_weight", weight, 0 <= weight < math.inf, "0 or more")
        _expect("fisher_epsilon", epsilon, 0 < epsilon < math.inf, "a positive number")

    def _check_combinations(self) -> None:
        if self.layer == "dense":
            if self.B is not None:
                raise ConfigurationError(
                    f"B = {self.B} was given with layer dense, which has no blocks; "
                    "expected layer cdlinear, or no B"
                )
            if self.fisher_weight:
                raise ConfigurationError(
                    "fisher_weight was given with layer dense, which has no circulant blocks to "
                    "regularise; expected layer cdlinear, or fisher_weight 0"
                )
            return
        assert self.B is not None
        _expect("B", self.B, self.B >= 1, "a block size of at least 1")
        widest = max(self.hidden)
        if self.B > widest:
            raise ConfigurationError(
                f"B = {self.B} is larger than the widest hidden layer and would pad it from "
                f"{widest} to {self.B}; expected B from 1 to {widest}, or a wider --hidden"
            )

    def baseline(self) -> "RunConfig":
        """Return the dense configuration to compare this one with: all else equal."""
        return replace(self, layer="dense", B=None, fisher_weight=0.0)

    def canonical_json(self) -> str:
        """Return the whole configuration as JSON with sorted keys and no spaces."""
        return _canonical(asdict(self))

    def digest(self) -> str:
        """Return the SHA-256 of the canonical JSON, in hexadecimal."""
        return _sha256(self.canonical_json())

    def group_digest(self) -> str:
        """Return the digest without the seed: equal for the repetitions of one experiment."""
        values = asdict(self)
        del values["seed"]
        return _sha256(_canonical(values))

    @property
    def model(self) -> str:
        """Name of the architecture as tables print it: ``dense`` or ``cdlinear B=4``."""
        return self.layer if self.B is None else f"{self.layer} B={self.B}"

    def describe(self, names: Iterable[str]) -> str:
        """Return the named knobs with their values: ``learning_rate=0.1 dropout=0.0118``."""
        return " ".join(f"{name}={getattr(self, name)}" for name in names)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "RunConfig":
        """Build a configuration from plain values, such as those of a stored JSON.

        Raises
        ------
        UnknownNameError
            If a key is no knob.
        """
        known = {knob.name for knob in fields(cls)}
        for name in values:
            if name not in known:
                raise UnknownNameError("configuration key", name, known)
        return cls(**{name: value for name, value in values.items() if value is not None})


KNOBS = {knob.name: knob for knob in fields(RunConfig) if "help" in knob.metadata}
"""The fields of RunConfig that a user sets, by name."""


def varied_knobs(configs: Iterable[RunConfig]) -> list[str]:
    """Return the knobs, beside layer, B and seed, in which the configurations differ."""
    configs = list(configs)
    return [
        name
        for name in KNOBS
        if name not in ("layer", "B", "seed")
        and len({getattr(config, name) for config in configs}) > 1
    ]


def parse_rate(name: str, value: object) -> float:
    """Return a knob's real value as float; ``"alpha-cd"`` is the paper's rate for ``dropout``.

    Raises
    ------
    ConfigurationError
        If the value is not a number.
    """
    if name == "dropout" and value == "alpha-cd":
        return ALPHA_CD
    try:
        if isinstance(value, bool):
            raise TypeError
        return float(value) + 0.0  # type: ignore[arg-type]  # -0.0 and 0.0 are one value
    except (TypeError, ValueError, OverflowError):
        named = ", or alpha-cd" if name == "dropout" else ""
        raise ConfigurationError(f"{name} = {value!r}: expected a number{named}") from None


def _integer(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigurationError(f"{name} = {value!r}: expected a whole number")
    return value


def _expect(name: str, value: object, holds: bool, expected: str) -> None:
    if not holds:
        raise ConfigurationError(f"{name} = {value}: expected {expected}")


def _canonical(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
