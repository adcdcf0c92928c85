"""Results of auditing a claim, as plain values: observations, measurements, a judgement."""

from dataclasses import dataclass
from datetime import datetime

from cdbench.records.run import Environment

REPRODUCED = "reproduced"
HOLDS = "holds"
CONDITIONAL = "holds under a condition"
NOT_SUPPORTED = "not supported"
CONTRADICTED = "contradicted"
VERDICTS = (REPRODUCED, HOLDS, CONDITIONAL, NOT_SUPPORTED, CONTRADICTED)

FIRST, REPLICATION = BLOCKS = ("first", "replication")
"""Which block of seeds a judgement is of: the one that the ledger rests on, or a second one."""

LEVEL = 0.95
"""Of intervals."""

BOOTSTRAP, QUARTILES = "95 % bootstrap", "quartiles"
"""What low and high of a measurement are the ends of."""

NOT_MEASURED = "not measured"
"""Shown for a claim without a result; never stored."""


@dataclass(frozen=True)
class Observation:
    """One number that goes into a judgement, from a run or a computation.

    Attributes
    ----------
    quantity : str
        What was observed, with its unit.
    subject : str
        The model or case it was observed for.
    place : float
        The seed, unless the quantity says otherwise. Subjects are compared place by place.
    value : float
        The number; it may be infinite.
    run_id : int or None
        The stored run that it comes from; None for a computation.
    """

    quantity: str
    subject: str
    place: float
    value: float
    run_id: int | None = None


@dataclass(frozen=True)
class Measurement:
    """A statistic of observations, with its uncertainty.

    Attributes
    ----------
    quantity, subject : str
        Which observations it summarises.
    statistic : str
        Which statistic of them: ``median``, ``mean paired difference`` ...
    estimate : float
        Value of the statistic.
    n : int
        Number of observations, or of pairs.
    sql : str
        Database query that computes the estimate from the observations.
    baseline : str or None
        The subject compared with, place by place.
    low, high : float or None
        Ends of the interval.
    interval : str or None
        Kind of interval: ``95 % bootstrap`` or ``quartiles``.
    estimand : str or None
        Of which population the interval is (``cdbench/statistics/estimands.py``); None if it is an
        old one.
    wide_low, wide_high : float or None
        Ends of the interval for new data of the kind, where runs are behind it.
    """

    quantity: str
    subject: str
    statistic: str
    estimate: float
    n: int
    sql: str
    baseline: str | None = None
    low: float | None = None
    high: float | None = None
    interval: str | None = None
    estimand: str | None = None
    wide_low: float | None = None
    wide_high: float | None = None


@dataclass(frozen=True)
class Judgement:
    """A verdict and the reason for it.

    Attributes
    ----------
    verdict : str
        One of VERDICTS.
    measured : str
        What was measured, in a few words, with its uncertainty.
    reason : str
        Why this verdict, in one sentence with the deciding numbers.
    condition : str or None
        The condition of a CONDITIONAL verdict; otherwise None.
    """

    verdict: str
    measured: str
    reason: str
    condition: str | None = None


@dataclass(frozen=True)
class ClaimResult:
    """One audit of one claim, as it is stored.

    ``claim`` is its name, ``position`` its place in the paper's order, ``published`` what the
    paper says, ``rule`` the rule for the verdict at the time, ``seeds`` the seeds of the runs.
    ``inputs_digest`` stays the same if no input has changed. ``rule_version`` is that of the rule,
    ``block`` one of BLOCKS, ``p_value`` that of the deciding measurement against the
    rule's threshold.
    """

    claim: str
    position: int
    published: str
    rule: str
    seeds: str
    inputs_digest: str
    judgement: Judgement
    observations: tuple[Observation, ...]
    measurements: tuple[Measurement, ...]
    environment: Environment
    measured_at: datetime
    duration_s: float
    rule_version: int = 1
    block: str = FIRST
    p_value: float | None = None
