"""The condition numbers of a trained run that families are compared by, and those they are not."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from statistics import fmean, median

from cdbench.claims.evidence.kappa_curves import cut
from cdbench.records.judgement import Observation
from cdbench.records.published import PUBLISHED_SEEDS
from cdbench.records.spectra import Condition
from cdbench.store.audit_queries import AuditedRun

DENSE, MODELS = "dense", ("cdlinear B=4", "cdlinear B=8")
LAYERS = (1, 2, 3)
MATRICES, COORDINATES = ("gauss_newton", "hessian"), ("own", "weight-space")

PUBLISHED, SQUARED, WEIGHT = "published κ", "squared κ", "weight κ"
DECISIVE = (WEIGHT, *(f"layer_hessian κ, layer {layer}" for layer in LAYERS))
"""The quantities that are the same for both families and have a condition number of their own."""

DAMPED_AT = (1e-6, 1e-3)
"""Floors at which the damped κ is told as well; the view noise_floors has them all."""

BESIDE = (
    PUBLISHED,
    SQUARED,
    *(f"gauss_newton damped κ, {coordinates}" for coordinates in COORDINATES),
    *(f"weight κ, layer {layer}" for layer in LAYERS),
    *(f"hessian largest, {coordinates}" for coordinates in COORDINATES),
    *(f"{matrix} effective rank, own" for matrix in MATRICES),
)
"""Told beside them; they decide nothing."""

RANKS = tuple(f"layer_hessian rank, share of size, layer {layer}" for layer in LAYERS)


def damped(quantity: str, level: float) -> str:
    """Return the quantity damped by a share of the trace."""
    return f"{quantity}, damped by {level:.0e} of the trace"


def running(average: str, quantity: str) -> str:
    """Return what a ratio over the first seeds is called; its place is their number."""
    return {
        "means": f"running ratio of means, {quantity}",
        "medians": f"running median ratio, {quantity}",
    }[average]


def running_ratios(kappas: Mapping[tuple[str, str], Sequence[float]]) -> list[Observation]:
    """Return dense / CDLinear over the first 3, 4, 5 ... seeds, from κ in the order of seeds."""
    found = []
    for quantity, model in product((PUBLISHED, SQUARED, WEIGHT), MODELS):
        theirs, ours = kappas[quantity, DENSE], kappas[quantity, model]
        pairs = [a / b for a, b in zip(theirs, ours, strict=True)]
        for n in range(len(PUBLISHED_SEEDS), len(pairs) + 1):
            means = fmean(theirs[:n]) / fmean(ours[:n])
            found.append(Observation(running("means", quantity), model, n, means))
            found.append(Observation(running("medians", quantity), model, n, median(pairs[:n])))
    return found


def of_layers(run: AuditedRun) -> dict[str, float]:
    """Return κ of the run's layers, the non-null part's where a layer may be singular."""
    own = "published" if run.config.layer == DENSE else "block_power"
    kinds = {PUBLISHED: "published", SQUARED: own, WEIGHT: "weight"}
    found = {name: fmean(c.kappa for c in run.conditions(kind)) for name, kind in kinds.items()}
    hessians = run.conditions("layer_hessian")
    for layer, weight, hessian in zip(LAYERS, run.conditions("weight"), hessians, strict=True):
        found[f"weight κ, layer {layer}"] = weight.kappa
        found[f"layer_hessian κ, layer {layer}"] = hessian.kappa_nonnull
        found[RANKS[layer - 1]] = hessian.rank / hessian.size
    return found


def floors_of(run: AuditedRun) -> dict[str, list[tuple[float, float, float]]]:
    """Return level, κ cut and κ damped of each decisive quantity; the weights' are means."""
    hessians = [[layer] for layer in run.conditions("layer_hessian")]
    layers = zip(DECISIVE, (run.conditions("weight"), *hessians), strict=True)
    return {quantity: list(_mean_floors(conditions)) for quantity, conditions in layers}


def _mean_floors(layers: Sequence[Condition]) -> Iterator[tuple[float, float, float]]:
    """Yield level, κ cut and κ damped at each noise floor, means over the layers."""
    for own in zip(*(layer.floors for layer in layers), strict=True):
        level = own[0].level
        damped_kappa = fmean(layer.damped_kappa(level) for layer in layers)
        yield level, fmean(floor.cut_kappa for floor in own), damped_kappa


def at_floors(run: AuditedRun) -> dict[str, float]:
    """Return κ above each noise floor and damped by some; the weights' is a mean over layers."""
    found = {}
    for quantity, floors in floors_of(run).items():
        for level, cut_kappa, damped_kappa in floors:
            found[cut(quantity, level)] = cut_kappa
            if level in DAMPED_AT:
                found[damped(quantity, level)] = damped_kappa
    return found


def of_network(run: AuditedRun) -> dict[str, float]:
    """Return what was measured of the whole network; dense has one system of coordinates."""
    measured = {(c.matrix, c.coordinates): c for c in run.curvature if c.epoch == run.config.epochs}
    found = {}
    for matrix, coordinates in product(MATRICES, COORDINATES):
        known = coordinates if run.config.layer != DENSE else "own"
        curvature = measured[matrix, known]
        found[f"{matrix} damped κ, {coordinates}"] = curvature.damped_kappa
        found[f"{matrix} largest, {coordinates}"] = curvature.largest
        found[f"{matrix} smallest, {coordinates}"] = curvature.smallest
        found[f"{matrix} effective rank, {coordinates}"] = curvature.effective_rank
    return found
