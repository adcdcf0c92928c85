"""The claim that normalisation realises the whitening, and that the advantage needs it."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import product

from cdbench.claims.base import (
    MIN_SEEDS,
    Bench,
    Claim,
    Measurements,
    Needs,
    needs_of,
    recipe_models,
)
from cdbench.claims.evidence.kappa_curves import (
    DECIDING,
    FLOORS_COUNT,
    LESS,
    MORE,
    ROBUST,
    always,
    curve,
    cut,
    in_words,
    kappa_at,
    levels_of,
    mean_kappa,
    named_with,
)
from cdbench.claims.evidence.kappas import DENSE, LAYERS
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.statistics.estimands import SPLITS
from cdbench.statistics.estimates import Observations, mean, median, median_ratio
from cdbench.statistics.numerals import format_number
from cdbench.statistics.wording import above, below, in_digits
from cdbench.store.audit_queries import AuditedRun

MODEL = "cdlinear B=4"
NONE, NORMALIZATIONS = "none", ("batch", "layer")
SUBJECTS = (NONE, *NORMALIZATIONS)
IDEAL, EQUAL = "κ = 1", "no advantage"
"""Subjects of what is compared with, one number 1 a seed."""

KINDS = ("theorem1", "layer_hessian")
MEASURED = Diagnostics(values=False, kinds=KINDS, floors=True)
ADVANTAGE = "layer_hessian κ, dense over B=4, geometric mean of the layers"
REMOVED = "share of ln κ of layer_hessian that normalisation removes, B=4, all layers"
ACCURACY = "test accuracy, share"

LARGELY = 10.0
"""Inputs are largely white up to this κ: one order of magnitude from the 1 of white ones."""
WHITE, COLOURED = partial(below, level=LARGELY), partial(above, level=LARGELY)


def kappa_of(kind: str, layer: int, model: str = MODEL) -> str:
    """Return what κ of a layer's non-null part is called."""
    return f"{kind} κ, layer {layer}, {model}"


class NormalisationWhitens(Claim):
    """Layer Hessians after training with and without normalisation."""

    name = "normalisation-whitens"
    title = "Normalisation realises the whitening"
    statement = (
        "Without input pre-whitening the CDLinear Hessian inherits the input spectrum. Layer or "
        "batch normalisation ahead of each CDLinear layer largely realises the required whitening; "
        "without normalisation the conditioning advantage is reduced, though still present."
    )
    where = "Sec. VII"
    published = "whitening largely realised; else less advantage"
    method = (
        "Train dense and B=4 by the recipe without normalisation, with batch and with layer "
        "normalisation before every layer (ten seeds). On the training split, after training: κ of "
        "theorem1, which looks at every coefficient F[X_j](k) by itself, as the paper's "
        "requirement does (variance 1 of each), and κ of layer_hessian, which looks at all of them "
        "together, layer by layer, of the non-null part and above noise floors, which leave out "
        "units and pixels that hardly vary. The advantage is dense's layer_hessian κ over that of "
        "B=4, geometric mean of layers 1 to 3, seed by seed. Told beside: the share of ln κ that "
        "normalisation removes, and accuracies."
    )
    rule = (
        "κ of a kind is largely white under a normalisation and at a level if the 95 % interval of "
        "its median lies below 10 in all three layers, and is not if it lies above 10 in any. The "
        "advantage is reduced without it if the ratio of the advantages, with over without, lies "
        "above 1, and is not if it lies below; it is present without if it lies above 1. The "
        "levels are rounding and every noise floor up to 1e-6 of the trace. contradicted if the "
        "advantage is absent (below 1) at all levels, or if for both normalisations neither kind "
        "is white and the advantage is not reduced, at any level. holds if it is present and, for "
        "batch or layer normalisation, both kinds are white and the advantage is reduced, all at "
        "every level. Holds under a condition if it is present and some of this is so for some "
        "normalisation, the condition naming it, and the levels where not all; else not supported."
    )
    overturn = (
        "A training that kills no units, or a normalisation that also decorrelates: variances of 1 "
        "alone do not make κ = 1."
    )
    version = 2
    changed = FLOORS_COUNT
    null = 1.0
    without_runs = SPLITS

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return dense and B=4 with each normalisation and without, for the first ten seeds."""
        return needs_of(_configs(seeds), MEASURED)

    def observe(self, bench: Bench) -> list[Observation]:
        """Return every run's κ and accuracy, and seed by seed the advantages."""
        found = []
        for normalization, configs in _configs(bench.seeds).items():
            for config in configs:
                found += _of_run(bench.run(config), normalization)
        for seed in bench.seeds[:MIN_SEEDS]:
            found += self._of_seed(bench, seed)
        return found

    @staticmethod
    def _of_seed(bench: Bench, seed: int) -> list[Observation]:
        found = [Observation(cut(ADVANTAGE, level), EQUAL, seed, 1.0) for level in DECIDING]
        found += [
            Observation(cut(kappa_of(kind, layer), level), IDEAL, seed, 1.0)
            for kind, layer, level in product(KINDS, LAYERS, DECIDING)
        ]
        logs = {}
        for own in SUBJECTS:
            dense, ours = (
                bench.run(replace(config, normalization=own)).conditions("layer_hessian")
                for (config,) in recipe_models((4,), [seed]).values()
            )
            logs[own] = math.log(mean_kappa(ours))
            for at in DECIDING:
                ratio = mean_kappa(dense, at) / mean_kappa(ours, at)
                found.append(Observation(cut(ADVANTAGE, at), own, seed, ratio))
        return found + [
            Observation(REMOVED, own, seed, 1 - logs[own] / logs[NONE]) for own in NORMALIZATIONS
        ]

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return what decides, then what normalisation removes, levels and accuracies."""
        return [
            *(
                median_ratio(observations, cut(kappa_of(kind, layer), level), own, IDEAL)
                for own, kind, layer, level in product(SUBJECTS, KINDS, LAYERS, DECIDING)
            ),
            *(
                median_ratio(observations, cut(ADVANTAGE, level), own, base)
                for base, subjects in ((NONE, NORMALIZATIONS), (EQUAL, SUBJECTS))
                for own, level in product(subjects, DECIDING)
            ),
            *(mean(observations, REMOVED, own) for own in NORMALIZATIONS),
            *(
                median(observations, kappa_of("layer_hessian", layer, DENSE), own)
                for own, layer in product(SUBJECTS, LAYERS)
            ),
            *(
                mean(observations, f"{ACCURACY}, {model}", own)
                for model, own in product((DENSE, MODEL), SUBJECTS)
            ),
        ]

    def decisive(self, found: Measurements) -> Measurement:
        """Return how layer normalisation changes the advantage."""
        return found.find(ADVANTAGE, "layer", NONE)

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        present = curve(found, ADVANTAGE, NONE, EQUAL)
        changes = {own: found.find(ADVANTAGE, own, NONE) for own in NORMALIZATIONS}
        so = {own: _what_is_so(found, own) for own in NORMALIZATIONS}
        refuted = all(_all_refuted(found, own) for own in NORMALIZATIONS)
        measured = f"κ at B=4: {_levels(found, NONE)} → {_levels(found, 'batch')} (batch)"
        removed = [found.find(REMOVED, own) for own in NORMALIZATIONS]
        reason = (
            f"Layer Hessians at B=4 have κ {_levels(found, NONE)} without, "
            f"{_levels(found, 'batch')} with batch and {_levels(found, 'layer')} with layer "
            f"normalisation, which remove {' and '.join(map(in_digits, removed))} of ln κ; by "
            f"coefficients {_levels(found, NONE, KINDS[0])}, {_levels(found, 'batch', KINDS[0])} "
            f"and {_levels(found, 'layer', KINDS[0])}. The advantage over dense is "
            f"{in_digits(present[0])} without, above {ROBUST:.0e} of the trace "
            f"{in_digits(present[-1])}, and changes by factors of "
            f"{' and '.join(map(in_digits, changes.values()))} with batch and layer."
        )
        if always(present, LESS) or refuted:
            return Judgement(CONTRADICTED, measured, reason)
        levels = levels_of(present, MORE)
        if not levels or not any(so.values()):
            return Judgement(NOT_SUPPORTED, measured, reason)
        if levels == DECIDING and any(own == ALL_SO for own in so.values()):
            return Judgement(HOLDS, measured, reason)
        only = "normalisation is meant, and only this:"
        named = [f"{own} {only} {', '.join(parts)}" for own, parts in so.items() if parts]
        if levels != DECIDING:
            named.append(f"an advantage there is {in_words(levels)}")
        return Judgement(CONDITIONAL, measured, reason, "; ".join(named))


LABELS = dict(zip(KINDS, ("white coefficient by coefficient", "white together"), strict=True))
REDUCED = "less advantage without it"
ALL_SO = [*LABELS.values(), REDUCED]


def _of_run(run: AuditedRun, normalization: str) -> list[Observation]:
    model, seed = run.config.model, run.config.seed
    numbers = {f"{ACCURACY}, {model}": run.test_accuracy}
    for kind in KINDS:
        for layer, found in zip(LAYERS, run.conditions(kind), strict=True):
            for level in DECIDING:
                numbers[cut(kappa_of(kind, layer, model), level)] = kappa_at(found, level)
    return [
        Observation(quantity, normalization, seed, value, run.run_id)
        for quantity, value in numbers.items()
    ]


def _levels(found: Measurements, own: str, kind: str = "layer_hessian") -> str:
    return ", ".join(format_number(kappas[0].estimate) for kappas in _curves(found, own, kind))


def _what_is_so(found: Measurements, own: str) -> list[str]:
    """Return which of the paper's statements are so for a normalisation, and at which levels."""
    levels = {
        LABELS[kind]: set.intersection(
            *(set(levels_of(layer, WHITE)) for layer in _curves(found, own, kind))
        )
        for kind in KINDS
    }
    levels[REDUCED] = set(levels_of(curve(found, ADVANTAGE, own, NONE), MORE))
    return [named_with(name, at) for name, at in levels.items() if at]


def _curves(found: Measurements, own: str, kind: str) -> list[list[Measurement]]:
    return [curve(found, kappa_of(kind, layer), own, IDEAL) for layer in LAYERS]


def _all_refuted(found: Measurements, own: str) -> bool:
    """Whether none of them is so at any level, and none of them is open."""
    return all(
        any(always(layer, COLOURED) for layer in _curves(found, own, kind)) for kind in KINDS
    ) and always(curve(found, ADVANTAGE, own, NONE), LESS)


def _configs(seeds: Sequence[int]) -> dict[str, list[RunConfig]]:
    """Return dense's and B=4's configurations of the first seeds, by normalisation."""
    plain = [c for configs in recipe_models((4,), seeds[:MIN_SEEDS]).values() for c in configs]
    return {own: [replace(config, normalization=own) for config in plain] for own in SUBJECTS}
