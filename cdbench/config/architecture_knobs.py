"""What a network is made of beside its layer family: the architectures, and the knobs of each.

A knob of an architecture is None where it has no effect. Given to another one it is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from cdbench.config import families
from cdbench.config.knob import knob
from cdbench.config.numbers import MAX_INTEGER, parse_integer
from cdbench.config.text_sets import is_text
from cdbench.errors import ConfigurationError

ARCHITECTURES: Mapping[str, Mapping[str, Any]] = {
    "mlp": {},
    "residual-mlp": {"width": 64, "depth": 4},
    "conv": {
        "channels": (16, 32),
        "kernel": 3,
        "stride": 1,
        "padding": "same",
        "pooling": "max",
        "readout": "average",
    },
    "attention": {
        "width": 64,
        "depth": 2,
        "heads": 4,
        "head_width": None,
        "patch": None,
        "context": 64,
    },
}
"""The knobs that each architecture has for itself, and their defaults."""

FOR_TEXT, FOR_IMAGES = ("context",), ("patch",)
"""Knobs of attention that only a text has, and only images."""

ACTIVATIONS = ("relu", "gelu", "tanh")
CHOICES = {
    "architecture": tuple(ARCHITECTURES),
    "activation": ACTIVATIONS,
    "padding": ("same", "valid"),
    "pooling": ("max", "average", "none"),
    "readout": ("average", "flatten"),
}
COUNTS = ("width", "depth", "kernel", "stride", "heads", "head_width", "patch", "context")


@dataclass(frozen=True)
class ArchitectureKnobs:
    """The knobs of architectures. Fields that the architecture does not have are None."""

    architecture: str = knob(
        "mlp",
        "Architecture: mlp; residual-mlp, blocks with a sum around each; conv, convolutions of "
        "images; or attention, over rows or patches of images, or the characters of a text.",
    )
    activation: str = knob("relu", "Activation between weight layers: relu, gelu or tanh.")
    width: int | None = knob(
        None,
        "Width of residual-mlp and attention. [default: 64; of attention the next multiple of "
        "--heads]",
    )
    depth: int | None = knob(
        None, "Blocks of residual-mlp and attention. [default: 4; of attention 2]"
    )
    channels: tuple[int, ...] | None = knob(
        None, "Channels of the convolutions of conv, as in --channels 16 32. [default: 16 32]"
    )
    kernel: int | None = knob(
        None, "Height and width of the kernels of conv, in pixels. [default: 3]"
    )
    stride: int | None = knob(None, "Step of the kernels of conv, in pixels. [default: 1]")
    padding: str | None = knob(
        None,
        "Edge of images in conv: same, zeros around, so that the size stays; or valid, none. "
        "[default: same]",
    )
    pooling: str | None = knob(
        None, "After each convolution, of 2 × 2 pixels: max, average or none. [default: max]"
    )
    readout: str | None = knob(
        None,
        "What the last layer of conv reads: average, over all pixels, or flatten, each pixel. "
        "[default: average]",
    )
    heads: int | None = knob(None, "Heads of attention. [default: 4]")
    head_width: int | None = knob(
        None, "Width of each head of attention. [default: the width / the number of heads]"
    )
    patch: int | None = knob(
        None,
        "Height and width of the patches of an image that are tokens of attention, in pixels. "
        "[default: its rows are]",
    )
    context: int | None = knob(None, "Characters of a sample of a text. [default: 64]")


def owners(name: str) -> list[str]:
    """Return the architectures that have a knob; none if it is not an architecture's own."""
    return [one for one, own in ARCHITECTURES.items() if name in own]


OWN_KNOBS = tuple(name for name in ArchitectureKnobs.__annotations__ if owners(name))
"""All knobs that only some architectures have."""


def has(architecture: str, dataset: str, name: str) -> bool:
    """Return whether a network of this architecture for this data set has a knob."""
    unsuited = FOR_IMAGES if is_text(dataset) else FOR_TEXT
    return name in ARCHITECTURES[architecture] and name not in unsuited


def settled(config: ArchitectureKnobs, dataset: str) -> dict[str, Any]:
    """Return the values of all OWN_KNOBS: checked, with defaults, None where without effect.

    Raises
    ------
    ConfigurationError
        If a knob is given that the architecture does not have, a number is out of range, or two
        do not fit each other.
    """
    defaults = ARCHITECTURES[config.architecture]
    values: dict[str, Any] = {}
    for name in OWN_KNOBS:
        given = getattr(config, name)
        if has(config.architecture, dataset, name):
            values[name] = defaults[name] if given is None else _checked(name, given)
        elif given is None:
            values[name] = None
        else:
            raise ConfigurationError(_foreign(name, given, config.architecture, dataset))
    if config.architecture == "attention":
        _settle_heads(config, values)
    if values["padding"] == "same" and values["kernel"] % 2 == 0:
        even = values["kernel"]
        raise ConfigurationError(
            f"kernel = {even} has no middle, which padding same needs; expected an odd one, such "
            f"as {even + 1}, or --padding valid"
        )
    return values


def inner_widths(config: Any) -> tuple[str, tuple[int, ...]]:
    """Return the widths inside a RunConfig's network, and the knob that says them."""
    name = {"mlp": "hidden", "conv": "channels"}.get(config.architecture, "width")
    own = getattr(config, name)
    return name, own if isinstance(own, tuple) else (own,)


def is_meant(config: Any, name: str) -> bool:
    """Return whether a knob means something to the network of a RunConfig."""
    if name in OWN_KNOBS:
        return has(config.architecture, config.dataset, name)
    if name == "hidden":
        return bool(config.architecture == "mlp")
    return name != "product" or config.layer in families.WITH_B


def shown(value: object) -> str:
    """Return a knob's value in words: lists without brackets."""
    return " ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def _checked(name: str, value: Any) -> Any:
    if name in COUNTS:
        return _positive(name, parse_integer(name, value))
    if name == "channels":
        numbers = [value] if isinstance(value, Integral) else value
        if not isinstance(numbers, list | tuple) or not numbers:
            raise ConfigurationError(f"channels = {shown(value)!r}: expected whole numbers")
        return tuple(_positive(name, parse_integer(name, one)) for one in numbers)
    return value


def _positive(name: str, number: int) -> int:
    if not 1 <= number <= MAX_INTEGER:
        bound = "at least 1" if number < 1 else f"at most {MAX_INTEGER}"
        raise ConfigurationError(f"{name} = {number}: expected {bound}")
    return number


def _foreign(name: str, value: object, architecture: str, dataset: str) -> str:
    option = f"--{name.replace('_', '-')}"
    given = f"{name} = {shown(value)} was given with"
    if name in ARCHITECTURES[architecture]:
        if name in FOR_TEXT:
            return f"{given} dataset {dataset}; expected --dataset text:FILE, or no {option}"
        return f"{given} a text, whose characters are the tokens; expected no {option}"
    wanted = " or ".join(owners(name))
    return (
        f"{given} architecture {architecture}, which does not have it; expected --architecture "
        f"{wanted}, or no {option}"
    )


def _settle_heads(config: ArchitectureKnobs, values: dict[str, Any]) -> None:
    """Check that the heads fill the width, which is by default widened until they do."""
    heads, width = values["heads"], values["width"]
    up = -(-width // heads) * heads
    if values["head_width"] is not None:
        if values["head_width"] * heads == width:
            values["head_width"] = None
    elif config.width is None:
        values["width"] = up
    elif up != width:
        raise ConfigurationError(
            f"heads = {heads} do not divide width = {width}; expected a --width such as {up}, or "
            "--head-width, the width of each"
        )
