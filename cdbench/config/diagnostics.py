"""Diagnostics: what is measured of a run besides its epochs. They change none of its numbers."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import gcd
from typing import Any

from cdbench.errors import ConfigurationError, UnknownNameError

SAMPLES = ("train", "test", "batch")
"""Data for Hessians: the training split, the test split, or one mini-batch, the first
``batch_size`` samples of the training split."""

KINDS = ("published", "block_power", "weight", "theorem1", "layer_hessian")
"""Names of the kinds of layer spectra; ``cdbench.diagnostics.spectra.KINDS`` measures them."""

CURVATURES = ("none", "auto", "exact", "lanczos")
"""How the whole network's matrices are measured; auto is exact below about 3,000 parameters
times the rows of a sample."""


@dataclass(frozen=True)
class Diagnostics:
    """What is measured of a run besides its epochs.

    Attributes
    ----------
    spectra_every : int or None
        Layer spectra are measured at the end of training; with a number E, also at initialisation
        and every E epochs.
    curvature : str
        Whether and how the whole network's Gauss-Newton matrix and Hessian are measured, one of
        CURVATURES.
    curvature_every : int or None
        Like ``spectra_every``; a separate option, because one such measurement costs more than the
        training.
    on : str
        Data for everything that depends on data, one of SAMPLES.
    samples : int or None
        Measure on so many of those samples, drawn without repetition by the run's seed, or on all
        if there are no more; None for all.
    batches : bool
        Whether Theorem 1's spectrum is also measured for every mini-batch.
    spectra : bool
        Whether spectra of layers are measured at all.
    kinds : tuple of str
        Which kinds of spectra are measured, of KINDS; all of them if it is empty.
    floors : bool
        Whether the comparable kinds are also measured above noise floors, after the last epoch.
    values : bool
        Whether the numbers of a spectrum are kept, not only its condition.
    history : bool
        Whether every epoch and each class's accuracy are kept, not only the last epoch.
    weights : bool
        Whether the trained network is kept. It is only of a run that completes.

    Raises
    ------
    ConfigurationError
        If a value is invalid.

    Examples
    --------
    >>> Diagnostics(spectra_every=5, curvature="auto").on
    'train'
    """

    spectra_every: int | None = None
    curvature: str = "none"
    curvature_every: int | None = None
    on: str = "train"
    batches: bool = False
    values: bool = True
    floors: bool = False
    spectra: bool = True
    kinds: tuple[str, ...] = ()
    history: bool = True
    samples: int | None = None
    weights: bool = False

    def __post_init__(self) -> None:
        for name in ("spectra_every", "curvature_every", "samples"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise ConfigurationError(f"{name} = {number}: expected at least 1")
        for name, choices in (("on", SAMPLES), ("curvature", CURVATURES)):
            if getattr(self, name) not in choices:
                raise UnknownNameError(name, getattr(self, name), choices)
        for kind in self.kinds:
            if kind not in KINDS:
                raise UnknownNameError("kind", kind, KINDS)
        if not self.spectra and (self.spectra_every or self.batches or self.floors or self.kinds):
            raise ConfigurationError(
                "--no-spectra was given with an option for spectra; expected one of the two"
            )
        if self.curvature == "none" and self.curvature_every is not None:
            raise ConfigurationError(
                "curvature_every was given without curvature; expected --curvature auto"
            )

    def spectra_epochs(self, epochs: int) -> set[int]:
        """Return the epochs after which spectra are measured; 0 is the initialisation."""
        return _measured(self.spectra_every, epochs) if self.spectra else set()

    def curvature_epochs(self, epochs: int) -> set[int]:
        """Return the epochs after which the curvature is measured, if at all."""
        return set() if self.curvature == "none" else _measured(self.curvature_every, epochs)

    @property
    def measured_kinds(self) -> frozenset[str]:
        """The kinds of spectra that are measured after epochs."""
        return frozenset(self.kinds or KINDS) if self.spectra else frozenset()

    def covers(self, other: "Diagnostics", epochs: int) -> bool:
        """Whether a run of this many epochs measured like this has all that ``other`` asks for."""
        return (
            (self.on, self.samples) == (other.on, other.samples)
            and self.batches >= other.batches
            and (self.values >= other.values or not other.spectra)
            and self.floors >= other.floors
            and self.history >= other.history
            and self.weights >= other.weights
            and self.measured_kinds >= other.measured_kinds
            and other.curvature in ("none", self.curvature)
            and self.spectra_epochs(epochs) >= other.spectra_epochs(epochs)
            and self.curvature_epochs(epochs) >= other.curvature_epochs(epochs)
        )

    def union(self, other: "Diagnostics") -> "Diagnostics":
        """Return the smallest diagnostics that cover both.

        Raises
        ------
        ConfigurationError
            If the two use different data, or measure the curvature differently.
        """
        kinds = self.measured_kinds | other.measured_kinds
        curvatures = {self.curvature, other.curvature} - {"none"}
        data = {(one.on, one.samples) for one in (self, other)}
        if len(data) > 1 or len(curvatures) > 1:
            raise ConfigurationError(f"{self} and {other} cannot be measured in one run")
        return Diagnostics(
            spectra_every=_common(self.spectra_every, other.spectra_every),
            curvature=curvatures.pop() if curvatures else "none",
            curvature_every=_common(self.curvature_every, other.curvature_every),
            on=self.on,
            samples=self.samples,
            batches=self.batches or other.batches,
            values=self.values or other.values,
            floors=self.floors or other.floors,
            spectra=self.spectra or other.spectra,
            history=self.history or other.history,
            weights=self.weights or other.weights,
            kinds=tuple(kind for kind in KINDS if kind in kinds) if kinds < set(KINDS) else (),
        )

    def canonical_json(self) -> str:
        """Return what differs from the defaults as JSON with sorted keys and no spaces."""
        default = asdict(Diagnostics())
        values = {name: value for name, value in asdict(self).items() if value != default[name]}
        return json.dumps(values, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "Diagnostics":
        """Build it from plain values, such as those of a stored JSON."""
        return cls(**{**values, "kinds": tuple(values.get("kinds", ()))})


def _measured(every: int | None, epochs: int) -> set[int]:
    return {epochs} | (set() if every is None else set(range(0, epochs + 1, every)))


def _common(one: int | None, other: int | None) -> int | None:
    return gcd(one or 0, other or 0) or None
