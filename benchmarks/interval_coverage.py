"""How often the interval of a ratio holds the true ratio, for numbers with tails as κ has.

python benchmarks/interval_coverage.py [--trials 2000]

Two models have 30 seeds each, whose κ are drawn independently from one lognormal law, σ being the
deviation of its logarithm; so the true ratio is 1, of means and of medians. Intervals are the
claims' own 95 % bootstrap intervals. In brackets is what so many trials leave open: ± 1.96
standard errors.
"""

import argparse
import math
from collections.abc import Callable

import numpy as np

from cdbench.records.judgement import Measurement, Observation
from cdbench.statistics.estimates import Observations, mean_ratio, median_ratio
from measure import console, new_table, one_thread

N_SEEDS = 30
SIGMAS = (1.0, 2.0)
STATISTICS: dict[str, Callable[..., Measurement]] = {
    "ratio of means": mean_ratio,
    "median of ratios": median_ratio,
}


def covers(statistic: Callable[..., Measurement], sigma: float, trial: int) -> bool:
    """Return whether the interval of one trial's numbers holds 1."""
    rng = np.random.default_rng([trial, N_SEEDS])
    data = Observations(
        "coverage",
        [
            Observation("κ", model, seed, float(value))
            for model in ("one", "other")
            for seed, value in enumerate(rng.lognormal(0.0, sigma, N_SEEDS))
        ],
    )
    found = statistic(data, "κ", "one", "other")
    assert found.low is not None
    assert found.high is not None
    return found.low <= 1.0 <= found.high


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--trials", type=int, default=2000)
    n = parser.parse_args().trials
    one_thread()
    table = new_table(f"Coverage of 95 % intervals, {n:,} trials", "Interval of", "σ", "Holds 1, %")
    for name, statistic in STATISTICS.items():
        for sigma in SIGMAS:
            share = sum(covers(statistic, sigma, trial) for trial in range(n)) / n
            error = 1.96 * math.sqrt(share * (1 - share) / n)
            ends = f"{100 * (share - error):.1f} … {100 * (share + error):.1f}"
            table.add_row(name, f"{sigma:g}", f"{100 * share:.1f} ({ends})")
    console.print(table)


if __name__ == "__main__":
    main()
