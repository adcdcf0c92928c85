"""Audit: from claims to the runs that they need, and from runs to stored judgements."""

import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import cdbench
from cdbench.claims import Bench, Claim, Needs, every_claim
from cdbench.claims.base import MIN_SEEDS
from cdbench.claims.verdict import judged, p_of
from cdbench.config import plugins
from cdbench.config.naming import name_seeds
from cdbench.config.run_config import RunConfig
from cdbench.errors import ConfigurationError, UnknownNameError
from cdbench.records.judgement import FIRST, ClaimResult
from cdbench.running.environment import current_environment
from cdbench.statistics.estimands import SPLITS, placed
from cdbench.statistics.estimates import Observations

NO_SEEDS = "none"
"""In place of the seeds, where nothing depends on them."""


def find_claims(names: Iterable[str]) -> list[Claim]:
    """Return the claims with these names or numbers, in the paper's order; all if none is given.

    Raises
    ------
    UnknownNameError
        If there is no such claim; the message gives the nearest one.
    """
    known = every_claim()
    numbered = {str(number): name for number, name in enumerate(known, 1)}
    names = [numbered.get(name, name) for name in names]
    for name in names:
        if name not in known:
            raise UnknownNameError("claim", name, known)
    return [claim for name, claim in known.items() if name in names or not names]


def check_seeds(seeds: Sequence[int]) -> None:
    """Raise ConfigurationError if there are too few seeds for a verdict, or one is repeated."""
    if len(set(seeds)) < len(seeds):
        raise ConfigurationError(f"seeds: {list(seeds)} repeats a value; expected each once")
    if len(seeds) < MIN_SEEDS:
        raise ConfigurationError(
            f"got {len(seeds)} seeds; a verdict rests on at least {MIN_SEEDS}, as in --seeds 0..29"
        )


def replication_of(seeds: Sequence[int]) -> tuple[int, ...]:
    """Return the block of as many seeds that follows the largest of these."""
    return tuple(range(max(seeds) + 1, max(seeds) + 1 + len(seeds)))


def inputs_digest(
    claim: Claim, seeds: Sequence[int], uuids: Iterable[str], block: str = FIRST
) -> str:
    """Return a digest that changes only if a judgement must be made again."""
    inputs = {
        "cdbench": cdbench.__version__,
        "claim": claim.name,
        "rule": claim.rule,
        "version": claim.version,
        "block": block,
        "seeds": list(seeds),
        "runs": sorted(uuids),
    }
    if claim.about != SPLITS:
        inputs["about"] = claim.about
    found = plugins.find("claim", claim.name)
    if found is not None:
        inputs["plugin"] = found.record
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def uuids_of(
    claim: Claim, seeds: Sequence[int], stored: Mapping[RunConfig, tuple[int, str]]
) -> list[str] | None:
    """Return the identities of the runs that a claim needs, or None if one is missing."""
    needs: Needs = claim.needs(seeds)
    if not all(config in stored for config in needs):
        return None
    return [stored[config][1] for config in needs]


def judge(claim: Claim, bench: Bench, digest: str, block: str = FIRST) -> ClaimResult:
    """Observe, measure and judge one claim.

    Parameters
    ----------
    claim : Claim
        The claim.
    bench : Bench
        The seeds, and the runs that the claim needs.
    digest : str
        Digest of the inputs, from ``inputs_digest``.
    block : str
        Which block of seeds it is, one of ``cdbench.records.judgement.BLOCKS``.

    Returns
    -------
    ClaimResult
        Ready to be stored.
    """
    from threadpoolctl import threadpool_limits

    started = time.perf_counter()
    # One thread as in training; the environment records it too.
    with threadpool_limits(1, "blas"), plugins.blamed("claim", claim.name, "cannot be judged"):
        observations = claim.observe(bench)
        data = Observations(claim.name, observations)
        measurements = [
            placed(m, data, claim.without_runs, claim.trainings) for m in claim.measure(data)
        ]
        judgement = judged(claim, measurements)
        environment = current_environment()
    return ClaimResult(
        claim=claim.name,
        position=list(every_claim()).index(claim.name) + 1,
        published=claim.published,
        rule=claim.rule,
        seeds=name_seeds(bench.seeds) if claim.uses_seeds else NO_SEEDS,
        inputs_digest=digest,
        judgement=judgement,
        observations=tuple(observations),
        measurements=tuple(measurements),
        environment=environment,
        measured_at=datetime.now(UTC),
        duration_s=time.perf_counter() - started,
        rule_version=claim.version,
        block=block,
        p_value=p_of(claim, measurements),
    )
