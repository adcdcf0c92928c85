"""How long the remaining runs will take, estimated from those that ended; and a good order."""

from collections.abc import Mapping
from itertools import pairwise
from operator import attrgetter

from cdbench.config.architecture_knobs import OWN_KNOBS
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig

Needs = Mapping[RunConfig, Diagnostics]
Kind = tuple[object, ...]

_architecture = attrgetter("architecture", "activation", *OWN_KNOBS)

EPOCH_S = 3e-3
MEASUREMENT_S = {"spectra": 0.01, "lanczos": 3.0, "exact": 20.0, "auto": 20.0}
"""Rough times in seconds of an epoch of the paper's recipe, and of each kind of measurement.

Only their ratios matter, and only until a run of the kind has ended; then its own time counts.
"""


def kind_of(config: RunConfig, diagnostics: Diagnostics) -> Kind:
    """Return what identifies runs that take about equally long."""
    return (
        *(config.dataset, config.layer, config.B, config.hidden, config.normalization),
        *(config.epochs, config.batch_size, config.optimizer, config.dtype, config.product),
        *(config.dropout > 0, config.fisher_weight > 0, diagnostics),
        *_architecture(config),
    )


def guessed_seconds(config: RunConfig, diagnostics: Diagnostics) -> float:
    """Return a rough guess of how long such a run takes, before any has ended; never 0."""
    widths = (64, *config.hidden, 10)
    size = sum(a * b for a, b in pairwise(widths))
    training = config.epochs * EPOCH_S * max(1.0, size / 8832)
    spectra = len(diagnostics.spectra_epochs(config.epochs)) * MEASUREMENT_S["spectra"]
    curvature = len(diagnostics.curvature_epochs(config.epochs))
    return training + spectra + curvature * MEASUREMENT_S.get(diagnostics.curvature, 0.0)


def in_good_order(needs: Needs) -> dict[RunConfig, Diagnostics]:
    """Return the runs with each kind spread evenly over the sweep, costly ones a little earlier.

    So the runs that ended are typical of those that remain, and no process is left alone with a
    costly run at the end. Runs of one kind keep their order.
    """
    kinds: dict[Kind, list[RunConfig]] = {}
    for config, diagnostics in needs.items():
        kinds.setdefault(kind_of(config, diagnostics), []).append(config)
    guesses = {config: guessed_seconds(config, own) for config, own in needs.items()}
    typical = sum(guesses.values()) / max(1, len(guesses))
    places = {}
    for number, own in enumerate(kinds.values()):
        for i, config in enumerate(own):
            share = (i + 0.5) / len(own)
            places[config] = (share * (0.85 if guesses[config] > 2 * typical else 1.0), number)
    return {config: needs[config] for config in sorted(needs, key=places.__getitem__)}


class Pace:
    """Estimates how long the rest will take.

    Runs are weighted by cost: the mean of the ended runs of the same kind or, if there are none, a
    guess scaled by the accuracy of the earlier guesses. The work done in the elapsed time gives the
    rate. Runs in progress count as half done, and are more likely to be costly ones.

    Parameters
    ----------
    needs : mapping
        All runs, with what is measured for each.
    jobs : int
        Runs at a time.
    """

    def __init__(self, needs: Needs, jobs: int = 1) -> None:
        self._jobs = jobs
        self._left: dict[Kind, int] = {}
        self._guesses: dict[Kind, float] = {}
        for config, diagnostics in needs.items():
            kind = kind_of(config, diagnostics)
            self._left[kind] = self._left.get(kind, 0) + 1
            self._guesses[kind] = guessed_seconds(config, diagnostics)
        self._seen: dict[Kind, list[float]] = {}

    def ended(self, config: RunConfig, diagnostics: Diagnostics, seconds: float) -> None:
        """Record a run that ended, and how long it took by itself."""
        kind = kind_of(config, diagnostics)
        self._left[kind] -= 1
        self._seen.setdefault(kind, []).append(seconds)

    def seconds_left(self, elapsed: float) -> float | None:
        """Return how many seconds the rest takes, or None before any run has ended.

        Parameters
        ----------
        elapsed : float
            Seconds since the first run began.
        """
        done = sum(map(sum, self._seen.values()))
        if not done:
            return None
        guessed = sum(self._guesses[kind] * len(own) for kind, own in self._seen.items())
        costs = [(n, self._cost(kind, done / guessed)) for kind, n in self._left.items() if n > 0]
        rest = sum(n * cost for n, cost in costs)
        if not rest:
            return 0.0
        in_flight = self._jobs / 2 * sum(n * cost**2 for n, cost in costs) / rest
        half_done = min(in_flight, rest / 2)
        return (rest - half_done) * elapsed / (done + half_done)

    def _cost(self, kind: Kind, scale: float) -> float:
        seen = self._seen.get(kind)
        return sum(seen) / len(seen) if seen else self._guesses[kind] * scale
