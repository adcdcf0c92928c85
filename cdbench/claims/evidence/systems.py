"""The systems that the paper defers (Sec. VII), each network of them at its own best rate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import log
from typing import Any

from cdbench.claims.base import Bench, Needs
from cdbench.claims.evidence.kappa_curves import DECIDING, cut, mean_kappa
from cdbench.claims.evidence.rate_grid import RAW, Setting, own_best
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.config.text_sets import is_text
from cdbench.records.judgement import Measurement, Observation
from cdbench.statistics.estimates import Observations, mean, mean_difference, median, median_ratio
from cdbench.store.audit_queries import AuditedRun

Knobs = dict[str, Any]
Arms = dict[str, Knobs]
"""Knobs by the name of a layer family."""

RATES = (0.003, 0.01, 0.03)
LOW_RATES, HIGH_RATES = (0.001, 0.003, 0.01, 0.03), (0.01, 0.03, 0.1)
WIDE_RATES = (*RATES, 0.1)
"""Learning rates of AdamW, the same for every network on a set. Single runs with seed 100 chose
the grids; the low and the wide one got their highest rate when half of their runs were there,
because a network was best at the rate below it."""

TRAINING: Knobs = {"optimizer": "adamw", "schedule": "cosine", "warmup": 0.1, "clip": 1.0}
N_SEEDS = 10
"""The first seeds of the audit, so many."""

MEASURED = Diagnostics(
    values=False, kinds=("weight", "layer_hessian"), floors=True, history=False, samples=1000
)
"""What is kept of these runs: of their epochs the last, Hessians on 1,000 training samples."""

DENSE, NARROWER, B4 = "dense", "narrower dense", "cdlinear B=4"

TEXT: Knobs = {
    "dataset": "text:tinyshakespeare.txt",
    "dataset_fingerprint": "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
}
FASHION: Knobs = {
    "dataset": "fashion-mnist",
    "dataset_fingerprint": "1f6b7b323dd36a651f30eb8b6cf31f7f4ae07c1302daef9fc13a599c266fc320",
}
CIFAR: Knobs = {
    "dataset": "cifar-10",
    "dataset_fingerprint": "7eb179524016df400b04a72ec20ce5d4c8d79c6ab2bd9387611d41a129a47075",
}
"""Data of one's own, and downloads: what they must hold."""


@dataclass(frozen=True)
class System:
    """A data set with a network for it, and the layers that are tried in that network.

    Attributes
    ----------
    name : str
        What it is called.
    network : mapping
        Knobs of all of its runs.
    arms : mapping
        Knobs of each layer family, by name; DENSE, NARROWER and B4 are among them.
    rates : sequence of float
        Learning rates that every arm is given.
    """

    name: str
    network: Mapping[str, Any]
    arms: Mapping[str, Mapping[str, Any]]
    rates: Sequence[float] = RATES

    @property
    def is_text(self) -> bool:
        """Whether its score is bits per character, of which fewer are better."""
        return is_text(self.network["dataset"])

    @property
    def score(self) -> str:
        """The quantity that its networks are compared by; its subjects are the arms."""
        if self.is_text:
            return f"bits per character, {self.name}"
        return f"test accuracy, {self.name}, share"

    @property
    def kappa(self) -> str:
        """The quantity by which their conditioning is."""
        return f"layer_hessian κ after training, geometric mean of the layers, {self.name}"

    @property
    def weight(self) -> str:
        """The conditioning of their matrices."""
        return f"weight κ after training, geometric mean of the layers, {self.name}"

    @property
    def rate(self) -> str:
        """The rates that were chosen."""
        return f"learning rate chosen, {self.name}"

    @property
    def parameters(self) -> str:
        """Weights and biases of a network."""
        return f"parameters, {self.name}"

    @property
    def seconds(self) -> str:
        """Time of an epoch."""
        return f"s/epoch, {self.name}"

    def configs(self, seeds: Sequence[int]) -> dict[Setting, list[RunConfig]]:
        """Return the configurations of every arm and rate, seed by seed."""
        found = {}
        for (arm, knobs), rate in product(self.arms.items(), self.rates):
            one = RunConfig(**{**TRAINING, **self.network, **knobs, "learning_rate": rate})
            found[Setting(arm, RAW, rate)] = [one.with_seed(seed) for seed in seeds[:N_SEEDS]]
        return found


def needs_of(systems: Sequence[System], seeds: Sequence[int]) -> Needs:
    """Return every run of the systems."""
    return {
        config: MEASURED
        for system in systems
        for configs in system.configs(seeds).values()
        for config in configs
    }


def observe(systems: Sequence[System], bench: Bench) -> list[Observation]:
    """Return scores, κ above every deciding floor, parameters and times at own best rates."""
    found = []
    for system in systems:
        for arm, runs in _chosen(system, bench).items():
            for run in runs:
                found += [
                    Observation(quantity, arm, run.config.seed, value, run.run_id)
                    for quantity, value in _numbers(system, run).items()
                ]
    return found


def measure(systems: Sequence[System], observations: Observations) -> list[Measurement]:
    """Return what a rule asks for, then scores, κ, parameters and times of all arms."""
    return [
        *(
            mean_difference(observations, system.score, B4, other)
            for system in systems
            for other in (NARROWER, DENSE)
        ),
        *(
            median_ratio(observations, cut(system.kappa, level), DENSE, B4)
            for system in systems
            for level in DECIDING
        ),
        *(median_ratio(observations, system.kappa, NARROWER, B4) for system in systems),
        *(
            mean_difference(observations, system.score, arm, NARROWER)
            for system in systems
            for arm in system.arms
            if arm not in (NARROWER, B4)
        ),
        *(
            statistic(observations, getattr(system, quantity), arm)
            for statistic, quantity in _TOLD
            for system in systems
            for arm in system.arms
        ),
    ]


def of_one_split(systems: Sequence[System]) -> frozenset[str]:
    """Return the quantities whose runs differ by their training only."""
    return frozenset(
        quantity
        for system in systems
        if system.network["dataset"] != "digits"
        for quantity in (
            *(system.score, system.weight, system.rate, system.seconds, system.parameters),
            *(cut(system.kappa, level) for level in DECIDING),
        )
    )


_TOLD = (
    (mean, "score"),
    (median, "kappa"),
    (median, "weight"),
    (mean, "rate"),
    (mean, "parameters"),
    (median, "seconds"),
)
"""What is told of every arm: statistics, and quantities by their names in System."""


def _chosen(system: System, bench: Bench) -> dict[str, list[AuditedRun]]:
    """Return each arm's runs at its own best rate, chosen on the seeds of the other half."""
    seeds = bench.seeds[:N_SEEDS]
    runs = {
        setting: {config.seed: bench.run(config) for config in configs}
        for setting, configs in system.configs(seeds).items()
    }
    costs = {
        setting: {seed: _cost(run) for seed, run in own.items()} for setting, own in runs.items()
    }
    best = own_best(costs, seeds)
    return {arm: [runs[best[arm][seed]][seed] for seed in seeds] for arm in system.arms}


def rate_of(config: RunConfig) -> float:
    """Return the learning rate of a run."""
    assert config.learning_rate is not None
    return config.learning_rate


def _cost(run: AuditedRun) -> float:
    if run.config.task == "language":
        return run.epochs[-1].test_loss
    return 1 - run.test_accuracy


def _numbers(system: System, run: AuditedRun) -> dict[str, float]:
    hessians = run.conditions("layer_hessian")
    last = run.epochs[-1]
    return {
        system.score: last.test_loss / log(2) if system.is_text else run.test_accuracy,
        **{cut(system.kappa, level): mean_kappa(hessians, level) for level in DECIDING},
        system.weight: mean_kappa(run.conditions("weight")),
        system.rate: rate_of(run.config),
        system.parameters: run.n_parameters,
        system.seconds: last.duration_s,
    }
