"""What the claims on Table 1's cells share: its three models, and its printed digits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from cdbench.claims.base import CONDITIONS_ONLY, Bench, Measurements, Needs, needs_of, paper_models
from cdbench.records.judgement import Measurement, Observation
from cdbench.records.published import PUBLISHED_ROWS, PUBLISHED_SEEDS, n_come_out
from cdbench.statistics.estimates import Observations, deviation, mean
from cdbench.store.audit_queries import AuditedRun

DENSE, B4, B8 = PUBLISHED_ROWS
"""Names of the three models."""


def needs_with_paper_seeds(seeds: Sequence[int]) -> Needs:
    """Return the three models with every seed of the audit and with every seed of the paper."""
    return needs_of(paper_models(sorted({*seeds, *PUBLISHED_SEEDS})), CONDITIONS_ONLY)


def observe_models(
    bench: Bench, seeds: Sequence[int], quantity: str, value: Callable[[AuditedRun], float]
) -> list[Observation]:
    """Return a value of each of the three models' runs, the place being the seed."""
    return [
        Observation(quantity, model, config.seed, value(run), run.run_id)
        for model, configs in paper_models(seeds).items()
        for config in configs
        for run in [bench.run(config)]
    ]


def measure_cells(data: Observations, quantity: str) -> list[Measurement]:
    """Return each model's mean and deviation (ddof 0), as the table prints them.

    Without intervals: three seeds give none worth the name.
    """
    return [
        replace(statistic(data, quantity, model), low=None, high=None, interval=None)
        for model in PUBLISHED_ROWS
        for statistic in (mean, deviation)
    ]


def n_digits(found: Measurements, quantity: str, cells: Mapping[str, str], unit: float = 1) -> int:
    """Return how many printed means and deviations come out, of two a model.

    ``cells`` are the table's, by model; a printed number is the measured one times ``unit``.
    """
    return sum(
        n_come_out(
            [
                unit * own.estimate
                for own in found.all
                if (own.quantity, own.subject) == (quantity, model)
            ],
            cell,
        )
        for model, cell in cells.items()
    )
