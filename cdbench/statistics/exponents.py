"""The exponent of a growth law, measured over cases of several sizes with replicates each."""

from collections.abc import Mapping

import numpy as np

from cdbench.records.judgement import BOOTSTRAP, LEVEL, Measurement
from cdbench.statistics.estimates import RESAMPLES, Observations

Cases = Mapping[tuple[str, str], float]
"""Size of each (quantity, subject), whose places are replicates."""


def exponent_of_medians(
    data: Observations, name: str, subject: str, cases: Cases, beyond: float = 0.0
) -> Measurement:
    """Return the exponent p of (median - beyond) ∝ size^p, by least squares on logarithms.

    The interval is the percentile interval of a bootstrap that resamples each case's replicates;
    medians, because the quantities are heavy-tailed.

    Parameters
    ----------
    data : Observations
        With all of the cases.
    name, subject : str
        What the measurement is called.
    cases : mapping
        The cases with their sizes.
    beyond : float, optional
        Taken from every median first: 1 for a condition number's excess over a perfect one.
    """
    # In the order of their sizes, so that the interval does not depend on the cases' order.
    cases = dict(sorted(cases.items(), key=lambda case: case[1]))
    rng = np.random.default_rng(0)
    samples = [np.array(list(data.values(*case).values())) for case in cases]
    resampled = [
        np.median(x[rng.integers(x.size, size=(RESAMPLES, x.size))], axis=1) for x in samples
    ]
    sizes = np.log(list(cases.values()))
    weights = (sizes - sizes.mean()) / ((sizes - sizes.mean()) ** 2).sum()
    estimate = weights @ np.log([np.median(x) - beyond for x in samples])
    low, high = np.quantile(
        weights @ np.log(np.array(resampled) - beyond), [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    )
    return Measurement(
        name, subject, "exponent of medians", float(estimate), sum(x.size for x in samples),
        _sql(data, cases, beyond), low=float(low), high=float(high), interval=BOOTSTRAP,
    )  # fmt: skip


def _sql(data: Observations, cases: Cases, beyond: float) -> str:
    rows = " UNION ALL ".join(
        f"SELECT {size} AS size, value FROM observations WHERE {data.where(*case)}"
        for case, size in cases.items()
    )
    return (
        "SELECT (avg(x * y) - avg(x) * avg(y)) / (avg(x * x) - avg(x) * avg(x)) FROM "
        f"(SELECT ln(size) AS x, ln(avg(value) - {beyond}) AS y FROM "
        "(SELECT size, value, row_number() OVER (PARTITION BY size ORDER BY value) AS i, "
        f"count(*) OVER (PARTITION BY size) AS n FROM ({rows}) AS found) "
        "AS ranked WHERE 2 * i IN (n, n + 1, n + 2) GROUP BY size) AS medians"
    )
