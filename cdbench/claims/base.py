"""What a claim is: a statement of the paper, how it is tested, and a rule for the verdict."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.errors import MissingResultsError
from cdbench.records.comparison import StudiedRun
from cdbench.records.judgement import Judgement, Measurement, Observation
from cdbench.statistics.estimands import DRAWS, SPLITS
from cdbench.statistics.estimates import Observations
from cdbench.store.audit_queries import AuditedRun

MIN_SEEDS = 10
"""A verdict on trained networks rests on at least so many seeds."""

Needs = dict[RunConfig, Diagnostics]
"""Runs that a claim needs, and what must have been measured of each."""

CONDITIONS_ONLY = Diagnostics(values=False)
"""Enough for most claims: condition numbers at the end of training, without the spectra."""

EPOCHS_ONLY = Diagnostics(spectra=False, values=False)
"""Enough for claims about losses and accuracies."""

FOR_NEW_DATA = (
    "The intervals are those for new data of the kind; what is not supported by them, but is by "
    "those for new splits of this data set, holds under the condition that these splits are meant."
)
"""The last sentence of the rules of claims about new data."""


@dataclass(frozen=True)
class Bench:
    """What a claim is tested on.

    Attributes
    ----------
    seeds : sequence of int
        Seeds of the audit.
    runs : mapping
        The stored runs, by configuration.
    studied : sequence of StudiedRun
        What the parts of a study report that the claim rests on.
    """

    seeds: Sequence[int]
    runs: Mapping[RunConfig, AuditedRun]
    studied: Sequence[StudiedRun] = ()

    def run(self, config: RunConfig) -> AuditedRun:
        """Return the stored run of a configuration.

        Raises
        ------
        MissingResultsError
            If there is none.
        """
        if config not in self.runs:
            raise MissingResultsError(f"{config.model}, seed {config.seed}: no completed run")
        return self.runs[config]


class Measurements:
    """A claim's measurements, found by what they are of.

    Parameters
    ----------
    measurements : iterable of Measurement
        In the order in which they are shown.
    """

    def __init__(self, measurements: Iterable[Measurement]) -> None:
        self.all = tuple(measurements)

    def find(
        self,
        quantity: str,
        subject: str,
        baseline: str | None = None,
        statistic: str | None = None,
    ) -> Measurement:
        """Return the first measurement of that quantity, subject, baseline and, if given, kind."""
        for found in self.all:
            key = (found.quantity, found.subject, found.baseline)
            if key == (quantity, subject, baseline) and statistic in (None, found.statistic):
                return found
        raise KeyError((quantity, subject, baseline))


class Claim(ABC):
    """One claim of the paper.

    The rule for the verdict is written before the numbers are seen, and so are the thresholds in
    it. ``measure`` and ``judge`` are pure functions of the observations.

    Attributes
    ----------
    name : str
        What it is called on the command line.
    title : str
        A few words.
    statement : str
        The paper's words, or close to them.
    where : str
        Where in the paper.
    published : str
        The number or relation that is tested, in a few words.
    method : str
        How it is tested.
    rule : str
        Which measurements lead to which verdict.
    overturn : str
        What would change the verdict.
    version : int
        Version of the rule; 1 is that of the first audit.
    changed : str
        What a later version changed, and why; empty for the first.
    null : float or None
        Value that the rule tests the decisive measurement against; None where it tests none.
    uses_seeds : bool
        Whether anything depends on the audit's seeds.
    without_runs : str
        Of which population the numbers are that come from no stored run.
    about : str
        Of which population the verdict speaks where runs are behind it: SPLITS, what seeds vary,
        for a sentence that reports the paper's experiment; NEW_DATA for one that says of other
        data what their user would find.
    on_request : bool
        Whether it is audited only where it is named or its runs are stored, because they take
        hours or data that not everyone has.
    study : str
        Name of the study that it rests on, in place of runs of its own; empty for most.
    plan_digest : str
        Digest of the plan of that study, without which its name decides nothing.
    parts : tuple of str
        The parts of that study that it needs.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    statement: ClassVar[str]
    where: ClassVar[str]
    published: ClassVar[str]
    method: ClassVar[str]
    rule: ClassVar[str]
    overturn: ClassVar[str]
    version: ClassVar[int] = 1
    changed: ClassVar[str] = ""
    null: ClassVar[float | None] = None
    uses_seeds: ClassVar[bool] = True
    without_runs: ClassVar[str] = DRAWS
    about: ClassVar[str] = SPLITS
    on_request: ClassVar[bool] = False
    study: ClassVar[str] = ""
    plan_digest: ClassVar[str] = ""
    parts: ClassVar[tuple[str, ...]] = ()

    @property
    def trainings(self) -> Collection[str]:
        """Quantities whose runs differ by their training only, as their data have one split."""
        return ()

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return the runs that it needs; none for a claim that is computed."""
        del seeds
        return {}

    @abstractmethod
    def observe(self, bench: Bench) -> list[Observation]:
        """Return every number that goes into the judgement, from the runs or computed."""

    @abstractmethod
    def measure(self, observations: Observations) -> list[Measurement]:
        """Return the statistics of the observations, those that decide first."""

    def decisive(self, found: Measurements) -> Measurement:
        """Return the measurement that decides first, of which p and the effect to detect are."""
        return found.all[0]

    @abstractmethod
    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""


def paper_models(seeds: Sequence[int]) -> dict[str, list[RunConfig]]:
    """Return the recipe's configurations of the paper's three models, seed by seed, by name."""
    return recipe_models((4, 8), seeds)


def recipe_models(block_sizes: Sequence[int], seeds: Sequence[int]) -> dict[str, list[RunConfig]]:
    """Return the recipe's configurations, dense first, seed by seed, by the model's name."""
    models = [[RunConfig(seed=seed).baseline() for seed in seeds]]
    models += [[RunConfig(B=B, seed=seed) for seed in seeds] for B in block_sizes]
    return {configs[0].model: configs for configs in models if configs}


def needs_of(models: Mapping[str, Sequence[RunConfig]], diagnostics: Diagnostics) -> Needs:
    """Return the needs of all those configurations, each measured so."""
    return {config: diagnostics for configs in models.values() for config in configs}


def union(needs: Iterable[Needs]) -> Needs:
    """Return what covers all of the needs, each configuration once."""
    total: Needs = {}
    for wanted in needs:
        for config, diagnostics in wanted.items():
            known = total.get(config)
            total[config] = known.union(diagnostics) if known else diagnostics
    return total
