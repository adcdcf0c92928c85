"""The data of the audit's figures: stored observations and conditions, as samples."""

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from cdbench.config.naming import name_seeds
from cdbench.errors import MissingResultsError

if TYPE_CHECKING:
    from cdbench.config.diagnostics import Diagnostics
    from cdbench.plots.samples import Sample
    from cdbench.store.audit_queries import AuditedRun
    from cdbench.store.database import Database

KINDS_FOLLOWED = ("published", "weight", "theorem1", "layer_hessian")


class Observed:
    """The newest stored observations of a claim, as samples.

    Parameters
    ----------
    database : Database
        Where the observations are.
    claim : str
        The claim's name.

    Raises
    ------
    MissingResultsError
        If the claim is not judged yet.
    """

    def __init__(self, database: "Database", claim: str) -> None:
        from cdbench.statistics.estimates import Observations
        from cdbench.store.ledger_queries import observations_of, stored_claims

        self._claim, self._path = claim, database.name
        stored = stored_claims(database).get(claim)
        if stored is None:
            raise self._missing("is not judged yet")
        self.source = f"claim {claim} of {database.label} · digits · seeds {stored.seeds}"
        self._observations = Observations(claim, observations_of(database, claim))

    def values(self, quantity: str, subject: str) -> dict[float, float]:
        """Return the values by place, in the order of the places.

        Raises
        ------
        MissingResultsError
            If they are missing because an older version of the claim did not observe them.
        """
        try:
            return self._observations.values(quantity, subject)
        except KeyError:
            raise self._missing(f"has no {quantity!r} of {subject}") from None

    def sample(self, quantity: str, subject: str) -> "Sample":
        """Return one model's values, in the order of the places."""
        from cdbench.plots.base import Model
        from cdbench.plots.samples import Sample

        values = self.values(quantity, subject).values()
        return Sample(quantity, Model.named(subject), tuple(values))

    def _missing(self, what: str) -> MissingResultsError:
        return MissingResultsError(
            f"{self._path}: claim {self._claim} {what}; to judge the claims: cdbench audit"
        )


def kappa_seeds(database: "Database") -> "tuple[list[Sample], str]":
    """Return the three models' κ for each seed, as published and of two comparable kinds."""
    from cdbench.claims.evidence.kappas import DECISIVE, DENSE, MODELS, PUBLISHED, WEIGHT

    observed = Observed(database, "comparable-kappa")
    samples = [
        observed.sample(quantity, model)
        for quantity in (PUBLISHED, WEIGHT, DECISIVE[1])
        for model in (DENSE, *MODELS)
    ]
    return samples, observed.source


def theorem2(database: "Database") -> "tuple[list[Sample], str]":
    """Return κ on whitened samples, as measured and as the laws predict, for every N and B."""
    from cdbench.claims.evidence.whitened import (
        BLOCK_SIZES,
        KINDS,
        SAMPLES,
        WIDTH,
        laws,
        over_samples,
    )
    from cdbench.claims.evidence.whitened import subject as name_of
    from cdbench.plots.theorem2 import MARCHENKO_PASTUR, MEASURED, PUBLISHED

    observed = Observed(database, "theorem-2")
    samples = []
    for N in SAMPLES:
        published, marchenko_pastur, _ = laws(N)
        drawn = {
            MEASURED: over_samples(KINDS[0], N),
            MARCHENKO_PASTUR: marchenko_pastur,
            PUBLISHED: published,
        }
        samples += [
            replace(observed.sample(stored, name_of(B)), quantity=quantity, x=N)
            for B in BLOCK_SIZES
            for quantity, stored in drawn.items()
        ]
    n = len(samples[0].values)
    inputs = f"standard normal inputs of width {WIDTH}, {n} replicates"
    return samples, f"claim theorem-2 of {database.label} · {inputs}"


def accuracy_parameters(database: "Database") -> "tuple[list[Sample], str]":
    """Return the test accuracies of every block size, with the interval stored for the claim."""
    from cdbench.claims.odd_block_sizes import ACCURACY, PARAMETERS
    from cdbench.store.ledger_queries import measurements_of

    observed = Observed(database, "odd-block-sizes")
    samples = []
    for found in measurements_of(database, "odd-block-sizes"):
        if (found.quantity, found.statistic) == (ACCURACY, "mean"):
            (size,) = set(observed.values(PARAMETERS, found.subject).values())
            ends = None
            if found.low is not None and found.high is not None:
                ends = (found.low, found.high)
            sample = observed.sample(ACCURACY, found.subject)
            samples.append(replace(sample, x=size, interval=ends))
    return samples, observed.source


def kappa_epochs(database: "Database") -> "tuple[list[Sample], str]":
    """Return the three models' κ over the epochs, for the audit's seeds."""
    from cdbench.claims.input_only_spectrum import EVERY
    from cdbench.config.diagnostics import Diagnostics

    lacking, options = f"spectra every {EVERY} epochs", f"--spectra-every {EVERY}"
    measured = Diagnostics(spectra_every=EVERY, values=False)
    models, source = _audited(database, measured, lacking, options)
    return [s for model, runs in models.items() for s in _followed(model, runs, EVERY)], source


def kappa_floors(database: "Database") -> "tuple[list[Sample], str]":
    """Return the three models' κ at the noise floors, cut and damped, for the audit's seeds."""
    from cdbench.config.diagnostics import Diagnostics

    measured = Diagnostics(floors=True, values=False)
    models, source = _audited(database, measured, "noise floors", "--noise-floors")
    return [sample for model, runs in models.items() for sample in _floored(model, runs)], source


def _audited(
    database: "Database", measured: "Diagnostics", lacking: str, options: str
) -> "tuple[dict[str, list[AuditedRun]], str]":
    """Return the paper's models' runs for the audit's seeds, and a line that names them.

    Raises
    ------
    MissingResultsError
        If some are not measured like this; it says what they lack and the options that add it.
    """
    from cdbench.claims.base import needs_of, paper_models
    from cdbench.claims.evidence.kappas import DENSE, WEIGHT
    from cdbench.store.audit_queries import audited_runs, covering_runs

    seeds = [int(s) for s in Observed(database, "comparable-kappa").values(WEIGHT, DENSE)]
    models, named = paper_models(seeds), name_seeds(seeds)
    needs = needs_of(models, measured)
    stored = covering_runs(database, needs)
    if len(stored) < len(needs):
        raise MissingResultsError(
            f"{database.name}: {len(needs) - len(stored)} of {len(needs)} runs of dense, B = 4 and "
            f"B = 8 lack {lacking}; to train them: cdbench sweep --B 4 8 --seeds {named} {options} "
            "--no-values --resume"
        )
    runs = audited_runs(database, [run_id for run_id, _ in stored.values()])
    return (
        {model: [runs[config] for config in configs] for model, configs in models.items()},
        f"{len(needs)} runs of {database.label} · digits · seeds {named}",
    )


def _followed(model: str, runs: "list[AuditedRun]", every: int) -> "Iterable[Sample]":
    """Yield a model's non-null κ for every kind, epoch and layer."""
    from cdbench.plots.base import Model
    from cdbench.plots.samples import Sample

    for kind in KINDS_FOLLOWED:
        for epoch in range(0, runs[0].config.epochs + 1, every):
            by_run = [run.conditions(kind, epoch) for run in runs]
            for layer, conditions in enumerate(zip(*by_run, strict=True), 1):
                yield Sample(
                    kind,
                    Model.named(model),
                    tuple(condition.kappa_nonnull for condition in conditions),
                    x=float(epoch),
                    weight_layer=layer,
                    n_singular=sum(math.isinf(condition.kappa) for condition in conditions),
                )


def _floored(model: str, runs: "list[AuditedRun]") -> "Iterable[Sample]":
    """Yield a model's κ at rounding, and cut and damped at each noise floor, by quantity."""
    from cdbench.claims.evidence.kappas import DECISIVE, LAYERS, floors_of, of_layers
    from cdbench.plots.base import Model
    from cdbench.plots.kappa_floors import CUT, DAMPED
    from cdbench.plots.samples import Sample

    shown = Model.named(model)
    for quantity, layer in zip(DECISIVE, (None, *LAYERS), strict=True):
        rounding = tuple(of_layers(run)[quantity] for run in runs)
        yield Sample(CUT, shown, rounding, weight_layer=layer)
        for of_level in zip(*(floors_of(run)[quantity] for run in runs), strict=True):
            levels, cut, damped = zip(*of_level, strict=True)
            yield Sample(CUT, shown, cut, levels[0], layer)
            yield Sample(DAMPED, shown, damped, levels[0], layer)


READERS: "dict[str, Callable[[Database], tuple[list[Sample], str]]]" = {
    "kappa-seeds": kappa_seeds,
    "theorem2": theorem2,
    "kappa-epochs": kappa_epochs,
    "kappa-floors": kappa_floors,
    "accuracy-parameters": accuracy_parameters,
}
"""For each figure, a function that returns its samples and a line naming their source."""
