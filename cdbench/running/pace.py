"""How long the remaining runs will take, estimated from those that ended; and a good order."""

import math
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from heapq import heapify, heapreplace
from itertools import pairwise
from operator import attrgetter

from cdbench.config import families
from cdbench.config.architecture_knobs import OWN_KNOBS
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.errors import CdbenchError

Needs = Mapping[RunConfig, Diagnostics]
Kind = tuple[object, ...]

_architecture = attrgetter("architecture", "activation", *OWN_KNOBS)

STEP_S, FLOPS = 25e-6, 6e10
"""Rough seconds of a layer in a training step, beside its arithmetic, and operations a second."""

ARCHITECTURES = {"conv": 20.0, "attention": 20.0}
"""How often their layers act on a sample, or about as much."""

MEASUREMENT_S = {"spectra": 0.01, "lanczos": 3.0, "exact": 20.0, "auto": 20.0}
"""Rough seconds of each kind of measurement, of layers of width 64. Of all these only the ratios
matter, and only until a run of the kind has ended."""

FEW_PROCESSES, MOST_EARLIER = 4, 0.7
"""Processes for which runs are put into order, and how much earlier a run may begin."""

LATE = 0.25
"""What a run that takes longer than expected still needs, as a share of what it has taken."""

PLAYED = 50
"""With more groups waiting for each process, how they share the processes no longer matters."""

SIZE = (1797, 64, 10)
"""Samples, features and outputs of a data set that cannot be read now; those of the digits."""


def kind_of(config: RunConfig, diagnostics: Diagnostics) -> Kind:
    """Return what identifies runs that take about equally long."""
    return (
        *(config.dataset, config.layer, config.structure, config.B, config.hidden),
        *(config.normalization, config.head),
        *(config.epochs, config.batch_size, config.optimizer, config.dtype, config.product),
        *(config.dropout > 0, config.fisher_weight > 0, diagnostics),
        *_architecture(config),
    )


def guessed_seconds(config: RunConfig, diagnostics: Diagnostics) -> float:
    """Return a rough guess of how long such a run takes, before any has ended; never 0."""
    n, n_features, n_outputs = _size(config.dataset, config)
    widths = (n_features, *config.hidden, n_outputs)
    steps = config.epochs * math.ceil(n / config.batch_size)
    arithmetic = 6 * config.batch_size * sum(a * b for a, b in pairwise(widths)) / FLOPS
    step = (STEP_S * (len(widths) - 1) + arithmetic) * _relative_cost(config.layer)
    wide = max(1.0, max(widths) / 64) ** 2
    spectra = len(diagnostics.spectra_epochs(config.epochs)) * MEASUREMENT_S["spectra"] * wide
    curvature = len(diagnostics.curvature_epochs(config.epochs))
    return (
        steps * step * ARCHITECTURES.get(config.architecture, 1.0)
        + spectra
        + curvature * MEASUREMENT_S.get(diagnostics.curvature, 0.0)
    )


def _relative_cost(layer: str) -> float:
    """Return a family's cost as a multiple of dense's; 1 if its plug-in is not here."""
    try:
        return float(getattr(families.family(layer), "relative_cost", 1.0))
    except CdbenchError:
        return 1.0


def _size(name: str, config: RunConfig) -> tuple[int, int, int]:
    """Return samples, features and outputs of a data set, which pinning has read already."""
    if name not in _SIZES:
        from cdbench.datasets import load_dataset

        try:
            data = load_dataset(config)
        except CdbenchError:
            return SIZE
        _SIZES[name] = (len(data.y), data.n_features, data.n_outputs)
    return _SIZES[name]


_SIZES: dict[str, tuple[int, int, int]] = {}


def in_good_order(needs: Needs) -> dict[RunConfig, Diagnostics]:
    """Return the runs with each kind spread evenly over the sweep, costly ones a little earlier.

    So the runs that ended are typical of those that remain, and no process is left alone with a
    costly run at the end. Runs of one kind keep their order.
    """
    kinds: dict[Kind, list[RunConfig]] = {}
    for config, diagnostics in needs.items():
        kinds.setdefault(kind_of(config, diagnostics), []).append(config)
    guesses = {config: guessed_seconds(config, own) for config, own in needs.items()}
    total = sum(guesses.values())
    places = {}
    for number, own in enumerate(kinds.values()):
        for i, config in enumerate(own):
            # Had it begun at the end, it would go on for so much longer than the others.
            alone = min(MOST_EARLIER, FEW_PROCESSES * guesses[config] / total)
            dear = guesses[config] > 2 * total / len(guesses)
            early = min(1 - alone, 0.85 if dear else 1.0)
            places[config] = ((i + 0.5) / len(own) * early, number)
    return {config: needs[config] for config in sorted(needs, key=places.__getitem__)}


class Pace:
    """Estimates how long the rest will take, by playing it through with what runs cost.

    The cost of a run is the mean of the ended runs of the same kind or, if there are none, a guess,
    scaled by how far earlier guesses were off: for the same layers and data, else for the same
    layers, else for the same data, else for all. Runs begin in the order of ``needs``, one where
    another ended, so it is known how long each in progress has taken already.

    Parameters
    ----------
    needs : mapping
        All runs, with what is measured for each.
    jobs : int
        Runs at a time.
    together : bool
        Whether runs that can be are trained side by side, as ``grouping.grouped`` says.
    """

    def __init__(self, needs: Needs, jobs: int = 1, *, together: bool = False) -> None:
        self._jobs = max(1, jobs)
        self._kinds: dict[RunConfig, Kind] = {}
        self._guesses: dict[Kind, float] = {}
        self._alike: dict[Kind, tuple[Kind, ...]] = {}
        for config, diagnostics in needs.items():
            kind = self._kinds[config] = kind_of(config, diagnostics)
            if kind not in self._guesses:
                self._guesses[kind] = guessed_seconds(config, diagnostics)
                self._alike[kind] = _alike(config, diagnostics)
        self._places, self._members = _groups(needs, self._jobs, together)
        self._waiting = deque(range(len(self._members)))
        self._counts = Counter(self._kinds.values())  # of runs that have not begun
        self._began: dict[int, float] = {}  # of groups in progress
        self._seen: dict[Kind, list[float]] = {}
        self._passed = self._own = 0.0  # by the clock, and by the runs' own
        self._fill(0.0)

    def ended(self, config: RunConfig, seconds: float, elapsed: float) -> None:
        """Record a run that ended, and how long it took by itself.

        Parameters
        ----------
        config : RunConfig
            The run.
        seconds : float
            How long it took; of one trained beside others, its share.
        elapsed : float
            Seconds since the first run began.
        """
        place = self._places[config]
        self._seen.setdefault(self._kinds[config], []).append(seconds)
        self._own += seconds
        members = self._members[place]
        if not members:  # it was trained before, with other measurements
            self._passed += seconds
            return
        if place not in self._began:  # it began earlier than was thought
            self._waiting.remove(place)
            self._begin(place, max(0.0, elapsed - seconds))
        members.discard(config)
        if not members:
            self._passed += elapsed - self._began.pop(place)
            self._fill(elapsed)

    def seconds_left(self, elapsed: float) -> float | None:
        """Return how many seconds the rest takes, or None before any run has ended.

        Parameters
        ----------
        elapsed : float
            Seconds since the first run began.
        """
        if not self._own:
            return None
        stretch = max(1.0, self._passed / self._own)
        costs = self._costs(elapsed, stretch)
        free = []
        for place, began in self._began.items():
            wanted = stretch * sum(costs[self._kinds[own]] for own in self._members[place])
            taken = elapsed - began
            free.append(max(wanted - taken, LATE * taken))
        free += [0.0] * (self._jobs - len(free))
        if len(self._waiting) > PLAYED * self._jobs:
            rest = stretch * sum(n * costs[kind] for kind, n in self._counts.items())
            return (sum(free) + rest) / self._jobs
        heapify(free)
        for place in self._waiting:
            whole = sum(costs[self._kinds[own]] for own in self._members[place])
            heapreplace(free, free[0] + stretch * whole)
        return max(free)

    def _fill(self, elapsed: float) -> None:
        """Let the next groups begin where there is room."""
        while self._waiting and len(self._began) < self._jobs:
            self._begin(self._waiting.popleft(), elapsed)

    def _begin(self, place: int, elapsed: float) -> None:
        self._began[place] = elapsed
        self._counts.subtract(self._kinds[own] for own in self._members[place])

    def _costs(self, elapsed: float, stretch: float) -> dict[Kind, float]:
        """Return what a run of each kind is expected to take, by itself."""
        took: defaultdict[Kind, float] = defaultdict(float)
        guessed: defaultdict[Kind, float] = defaultdict(float)
        for kind, own in self._seen.items():
            for shared in self._alike[kind]:
                took[shared] += sum(own)
                guessed[shared] += len(own) * self._guesses[kind]
        costs = {}
        for kind, guess in self._guesses.items():
            own = self._seen.get(kind, [])
            shared = next(one for one in self._alike[kind] if one in took)
            costs[kind] = sum(own) / len(own) if own else guess * took[shared] / guessed[shared]
        for place, began in self._began.items():
            group = {self._kinds[own] for own in self._members[place]}
            if len(group) == 1 and not group & self._seen.keys():  # it takes so long at least
                (kind,) = group
                taken = (elapsed - began) / stretch / len(self._members[place])
                costs[kind] = max(costs[kind], (1 + LATE) * taken)
        return costs


def _groups(
    needs: Needs, jobs: int, together: bool
) -> tuple[dict[RunConfig, int], list[set[RunConfig]]]:
    """Return which group each run is in, and the groups in the order in which they begin."""
    groups = [{config} for config in needs]
    if together:
        from cdbench.running.grouping import grouped  # loads NumPy, which help does without
        from cdbench.running.worker import Task

        tasks = grouped([Task(config, own, 1) for config, own in needs.items()], jobs)
        groups = [{own.config for own in (task, *task.beside)} for task in tasks]
    places = {config: place for place, group in enumerate(groups) for config in group}
    return places, groups


def _alike(config: RunConfig, diagnostics: Diagnostics) -> tuple[Kind, ...]:
    """Return what a run may have in common with others, from much to nothing."""
    layers = ("layers", config.architecture, config.layer, diagnostics.curvature)
    data = ("data", config.architecture, config.dataset, diagnostics.curvature)
    return ((*layers, *data), layers, data, ("curvature", diagnostics.curvature), ())
