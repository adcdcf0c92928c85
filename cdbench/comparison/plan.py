"""What a comparison is to compare, on which data, and how: everything that decides its numbers."""

import json
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import inf, log10

from cdbench.config import families
from cdbench.config.canonical import sha256
from cdbench.config.checks import HEADS
from cdbench.config.matching import Entrant
from cdbench.config.run_config import RunConfig
from cdbench.errors import ConfigurationError, UnknownNameError
from cdbench.statistics.measures import OF_TASK, Measure

MATCHES = ("parameters", "multiply-adds")
"""What budgets are of. Multiply-adds are a sample's, without biases and fixed transforms."""

RATES = (0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32)
"""Learning rates that every model is tuned over; beyond its ends where the best is there."""

TUNING_SEEDS = (1000, 1001)
"""Seeds that choose the rate, none of which is reported."""

VALIDATION = 0.2
"""Share of the training split by which the rate is chosen."""

BASES = ("dct", "hartley", "random")
"""Bases in which block-diagonal layers are compared beside those without: are they what counts?"""


def entrant(text: str) -> Entrant:
    """Return the entrant that is typed as ``FAMILY[,NAME=VALUE…]``.

    Raises
    ------
    ConfigurationError
        If it cannot be read, or gives the size that a comparison chooses.
    """
    name, _, rest = text.partition(",")
    if ":" in text:
        raise ConfigurationError(
            f"layer = {text}: a comparison chooses the size of each family itself; expected "
            f"{text.partition(':')[0]}, or FAMILY,NAME=VALUE for parameters that are to stay"
        )
    families.check_name(name)
    if name == families.BASELINE:
        raise ConfigurationError(
            "layer = dense: dense networks, whole and narrower, always compete"
        )
    given = dict(part.partition("=")[::2] for part in rest.split(",") if part)
    return Entrant(name, tuple(families.checked(name, given).items()))


def every_entrant() -> tuple[Entrant, ...]:
    """Return every family but dense, and block-diagonal layers in each basis as well."""
    found = []
    for name in families.FAMILIES:
        if name != families.BASELINE:
            found.append(Entrant(name))
        if name == "block-diagonal":
            found += [Entrant(name, (("basis", basis),)) for basis in BASES]
    return tuple(found)


@dataclass(frozen=True)
class Plan:
    """A comparison. Two plans that are equal in everything are one comparison.

    Attributes
    ----------
    base : RunConfig
        The dense network at its full width, pinned to its data set; all models share its knobs but
        the layers, the hidden widths of narrower dense networks, and the learning rate.
    n_features, n_classes : int
        Inputs and outputs: of a text its context and symbols; a quantity is one output.
    entrants : tuple of Entrant
        The families.
    budgets : tuple of float
        Sizes, or below 1 shares of the dense network's weights; biases all networks have.
    match : str
        What budgets are of; one of MATCHES.
    seeds, tuning_seeds : tuple of int
        Seeds that are reported, and seeds that choose the learning rates.
    rates : tuple of float
        Learning rates, equally spaced on a logarithmic scale.
    validation : float
        Share of the training split held out in tuning.
    head : str
        The last layer of structured networks, a knob that dense ones, as the base, do not have.

    Raises
    ------
    ConfigurationError
        If a value is invalid.
    """

    base: RunConfig
    n_features: int
    n_classes: int
    entrants: tuple[Entrant, ...]
    budgets: tuple[float, ...]
    match: str = MATCHES[0]
    seeds: tuple[int, ...] = tuple(range(10))
    tuning_seeds: tuple[int, ...] = TUNING_SEEDS
    rates: tuple[float, ...] = RATES
    validation: float = VALIDATION
    head: str = HEADS[0]

    def __post_init__(self) -> None:
        for name, value, choices in (("match", self.match, MATCHES), ("head", self.head, HEADS)):
            if value not in choices:
                raise UnknownNameError(name, value, choices)
        for budget in self.budgets:
            if not 0 < budget < inf:
                raise ConfigurationError(
                    f"budget = {budget:g}: expected a share of the dense network's size such as "
                    "0.25, or a size such as 2000"
                )
        lists = {"budget": self.budgets, "layer": [str(one) for one in self.entrants]}
        lists |= {"seeds": self.seeds, "tuning_seeds": self.tuning_seeds}
        for name, values in lists.items():
            if len(set(values)) < len(values):
                told = " ".join(map(str, values))
                raise ConfigurationError(f"{name}: {told} repeats a value; expected each once")
        common = set(self.seeds) & set(self.tuning_seeds)
        if common:
            raise ConfigurationError(
                f"seed {min(common)} is both reported and tuned with; expected --tuning-seeds "
                "apart from --seeds"
            )
        if not 0 < self.validation < 1:
            raise ConfigurationError(
                f"validation = {self.validation:g}: rates are chosen by it; expected a share above "
                "0, below 1"
            )
        if len(self.seeds) < 3:
            raise ConfigurationError(f"seeds = {list(self.seeds)}: expected at least 3")
        self._check_rates()

    def _check_rates(self) -> None:
        steps = [log10(b / a) for a, b in pairwise(self.rates) if a > 0 < b]
        if len(steps) < 2 or min(self.rates) <= 0 or max(steps) - min(steps) > 1e-6 or steps[0] < 0:
            raise ConfigurationError(
                f"rates = {' '.join(f'{rate:g}' for rate in self.rates)}: expected at least 3, "
                "each the same multiple of the one before, such as 0.01 0.02 0.04"
            )

    @property
    def measure(self) -> Measure:
        """What its models are ranked by."""
        return OF_TASK[self.base.task]

    @property
    def factor(self) -> float:
        """The factor from one rate to the next."""
        return self.rates[1] / self.rates[0]

    def canonical_json(self) -> str:
        """Return the plan as JSON with sorted keys and no spaces."""
        values = asdict(self) | {"base": json.loads(self.base.canonical_json())}
        values["entrants"] = [str(one) for one in self.entrants]
        if self.head == HEADS[0]:
            del values["head"]  # as it was before there was a choice
        return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def digest(self) -> str:
        """Return the SHA-256 of the canonical JSON, in hexadecimal."""
        return sha256(self.canonical_json())
