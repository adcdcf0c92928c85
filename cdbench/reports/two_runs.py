"""How two runs differ: in configuration, environment, results, and from which epoch on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite, isinf
from typing import Any

from cdbench.config.run_config import KNOBS
from cdbench.records.run import Run
from cdbench.records.spectra import Condition
from cdbench.reports.one_run import KnownRun
from cdbench.reports.run_tables import Curve, curves

Pair = tuple[Any, Any]

COSTS = ("duration_s", "cpu_s", "peak_memory_bytes", "n_parameters")


@dataclass(frozen=True)
class Parting:
    """How a curve of two runs differs, over the epochs that both have.

    Attributes
    ----------
    curves : tuple of Curve
        Of the first run and of the second.
    epochs : tuple of int
        The epochs that both have.
    first : int or None
        The first of these in which they differ in any bit; None if they do not.
    largest : float
        The largest difference, the second's value less the first's, with its sign; 0 if none.
    at : int or None
        The epoch of that difference.
    """

    curves: tuple[Curve, Curve]
    epochs: tuple[int, ...]
    first: int | None
    largest: float
    at: int | None


@dataclass(frozen=True)
class Differences:
    """Two runs side by side. In a pair the first run's value comes first.

    Attributes
    ----------
    runs : tuple of KnownRun
        The two.
    configuration, measured, environment, costs : dict
        Pairs by name; all of them, whether they differ or not.
    conditions : dict
        Pairs of conditions after the last epoch, by layer and kind; None where one lacks it.
    partings : list of Parting
        Of the curves that both have.
    """

    runs: tuple[KnownRun, KnownRun]
    configuration: Mapping[str, Pair]
    measured: Mapping[str, Pair]
    environment: Mapping[str, Pair]
    costs: Mapping[str, Pair]
    conditions: Mapping[tuple[int, str], tuple[Condition | None, Condition | None]]
    partings: Sequence[Parting]

    @property
    def bit_for_bit(self) -> bool:
        """Whether both ended alike and all that was measured of both is equal in every bit."""
        one, other = (known.run for known in self.runs)
        return (
            (one.status, one.diverged_epoch, one.diverged_step)
            == (other.status, other.diverged_epoch, other.diverged_step)
            and bool(self.partings)
            and _last_epoch(one) == _last_epoch(other)
            and all(parting.first is None for parting in self.partings)
            and all(None in pair or pair[0] == pair[1] for pair in self.conditions.values())
        )


def differences(one: KnownRun, other: KnownRun) -> Differences:
    """Return how two runs differ."""
    runs = (one.run, other.run)
    configs = tuple(_config(run) for run in runs)
    measured = tuple({} if run.diagnostics is None else asdict(run.diagnostics) for run in runs)
    return Differences(
        (one, other),
        _pairs(*configs),
        _pairs(*measured),
        _pairs(*(asdict(run.environment) for run in runs)),
        _pairs(*({name: getattr(run, name) for name in COSTS} for run in runs)),
        _pairs(*map(_last_conditions, runs)),
        list(_partings(*runs)),
    )


def differing(pairs: Mapping[Any, Pair]) -> dict[Any, Pair]:
    """Return the pairs whose values differ."""
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def ratio(pair: tuple[Condition | None, Condition | None]) -> float | None:
    """Return κ non-null of the second over the first's; None where there is none."""
    one, other = pair
    if one is None or other is None or isinf(one.kappa_nonnull) or one.kappa_nonnull == 0:
        return None
    return other.kappa_nonnull / one.kappa_nonnull


def _config(run: Run) -> dict[str, Any]:
    names = ("layer", "structure", *(name for name in KNOBS if name != "layer"), "plugin")
    found = {name: getattr(run.config, name) for name in names}
    return found | {"dataset_fingerprint": run.dataset_fingerprint}


def _pairs(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> dict[Any, Pair]:
    return {name: (one.get(name), other.get(name)) for name in dict.fromkeys([*one, *other])}


def _last_epoch(run: Run) -> int:
    return run.epochs[-1].epoch if run.epochs else 0


def _last_conditions(run: Run) -> dict[tuple[int, str], Condition]:
    own = [one for one in run.spectra if not one.step]
    last = max((one.epoch for one in own), default=0)
    return {(one.layer, one.kind): one.condition for one in own if one.epoch == last}


def _partings(one: Run, other: Run) -> Iterator[Parting]:
    theirs = {curve.field: curve for curve in curves(other)}
    numbers = [[epoch.epoch for epoch in run.epochs] for run in (one, other)]
    shared = tuple(sorted(set(numbers[0]) & set(numbers[1])))
    for mine in curves(one):
        if mine.field in theirs and shared:
            pair = (mine, theirs[mine.field])
            values = [
                dict(zip(own, curve.values, strict=True))
                for own, curve in zip(numbers, pair, strict=True)
            ]
            apart = [epoch for epoch in shared if values[0][epoch] != values[1][epoch]]
            gaps = {epoch: values[1][epoch] - values[0][epoch] for epoch in apart}
            at = max(gaps, key=lambda epoch: _size(gaps[epoch]), default=None)
            yield Parting(pair, shared, min(apart, default=None), gaps.get(at or 0, 0.0), at)


def _size(gap: float) -> float:
    """Return how large a difference is; one that is not finite, of two infinities, is none."""
    return abs(gap) if isfinite(gap) else 0.0
