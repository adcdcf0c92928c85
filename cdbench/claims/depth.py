"""The claim that the advantage in conditioning grows with depth."""

from collections.abc import Sequence
from dataclasses import replace
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
    levels_of,
    mean_kappa,
    named_with,
)
from cdbench.claims.evidence.kappas import DENSE
from cdbench.claims.evidence.weight_products import DEEPEST, MODEL, WIDTH, B, product_kappas
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
from cdbench.statistics.estimates import Observations, mean, median, median_ratio
from cdbench.statistics.numerals import format_number
from cdbench.statistics.wording import in_digits
from cdbench.store.audit_queries import AuditedRun

DEPTHS, PRODUCTS = (2, 4, 6), tuple(range(2, DEEPEST + 1, 2))
RATE = 0.02
"""With six hidden layers the recipe's 0.1 may diverge, and 0.05 may kill every unit of a layer."""

MEASURED = Diagnostics(values=False, kinds=("layer_hessian",), floors=True)

HESSIANS = "layer_hessian κ after training, geometric mean of the layers after the first"
PRODUCT = "κ of σ²(product of the weights) at initialisation"
RANK = "layer_hessian rank, share of size, layers after the first"
ACCURACY = "test accuracy, share"


def advantage(quantity: str) -> str:
    """Return what dense's κ over that of B=4 is called; its subjects are depths."""
    return f"{quantity}, dense over B=4"


def hidden(depth: int) -> str:
    """Return how a network with so many hidden layers is called."""
    return f"{depth} hidden layers"


def factors(depth: int) -> str:
    """Return how a product of so many weight matrices is called."""
    return f"{depth} matrices"


class Depth(Claim):
    """Advantages over dense in networks of several depths."""

    name = "depth"
    title = "The advantage is more pronounced in deeper networks"
    statement = (
        "The conditioning advantage may be even more pronounced on deeper networks, where Hessian "
        "condition compounds across layers."
    )
    where = "Sec. VII"
    published = "more advantage in deeper networks (expected)"
    method = (
        "Train dense and B=4 by the recipe with 2, 4 and 6 hidden layers of 64 (ten seeds), all at "
        "the rate 0.02, for at 0.1 deep ones may diverge. Take κ of the layers' Hessians, of the "
        "non-null part and above noise floors (units that fire for a few samples only are below "
        "them), geometric mean of all layers but the first, whose inputs are the same at every "
        "depth. As the paper calls WᵀW the Hessian, κ that compounds is also taken literally: "
        "σ²_max/σ²_min of the product of 2 to 12 square matrices, 64 × 64, as the layers draw "
        "their initial weights, with every seed. The advantage is dense's κ over that of B=4, seed "
        "by seed; growth is the advantage of the deepest over that of the shallowest, at each "
        "floor. The whole network's Hessian is singular, and its damped κ shows the loss reached "
        "more than depth."
    )
    rule = (
        "By the 95 % interval of the median growth, from 2 to 6 hidden layers in the trained "
        "layers' Hessians, and from 2 to 12 matrices in the initial product: the advantage grows "
        "at a level if the interval lies above 1 and shrinks if it lies below. The levels are "
        "rounding and every noise floor up to 1e-6 of the trace. holds if it grows in both at all "
        "levels; holds under a condition if it grows in one, or at some levels, the condition "
        "naming in which and at which; contradicted if it shrinks in both at all levels; else not "
        "supported. The depths in between are told and do not decide."
    )
    overturn = (
        "Deeper networks whose units do not die, such as with normalisation or other initial "
        "weights; or a growth that turns round beyond these depths."
    )
    version = 2
    changed = FLOORS_COUNT
    null = 1.0

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return dense and B=4 of every depth, for the first ten seeds."""
        configs = {
            f"{model}, {hidden(depth)}": own
            for depth in DEPTHS
            for model, own in _models(depth, seeds).items()
        }
        return needs_of(configs, MEASURED)

    def observe(self, bench: Bench) -> list[Observation]:
        """Return κ of every network and of every product, and the advantages."""
        found = []
        for depth in DEPTHS:
            for model, configs in _models(depth, bench.seeds).items():
                for run in map(bench.run, configs):
                    found += [
                        Observation(quantity, hidden(depth), run.config.seed, x, run.run_id)
                        for quantity, x in _of_run(run, model).items()
                    ]
        for seed in bench.seeds:
            for model, kappas in product_kappas(seed).items():
                found += [
                    Observation(cut(f"{PRODUCT}, {model}", level), factors(n), seed, x)
                    for n in PRODUCTS
                    for level, x in zip(DECIDING, kappas[n], strict=True)
                ]
        return found + _advantages(found)

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return growths, then advantages and κ of every depth, then ranks and accuracies."""
        growths, advantages, levels = [], [], []
        for (quantity, (first, *deeper)), level in product(CASES.items(), DECIDING):
            own = cut(advantage(quantity), level)
            growths += [
                median_ratio(observations, own, subject, first) for subject in reversed(deeper)
            ]
            advantages += [median(observations, own, subject) for subject in CASES[quantity]]
            levels += [
                median(observations, cut(f"{quantity}, {model}", level), subject)
                for model in (DENSE, MODEL)
                for subject in CASES[quantity]
            ]
        return [
            *growths,
            *advantages,
            *levels,
            *(
                mean(observations, f"{quantity}, {model}", hidden(depth))
                for quantity in (RANK, ACCURACY)
                for model in (DENSE, MODEL)
                for depth in DEPTHS
            ),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        growths = {
            quantity: curve(found, advantage(quantity), subjects[-1], subjects[0])
            for quantity, subjects in CASES.items()
        }
        grows = {quantity: levels_of(growth, MORE) for quantity, growth in growths.items()}
        at = [
            [format_number(found.find(advantage(quantity), s).estimate) for s in subjects]
            for quantity, subjects in CASES.items()
        ]
        by = [format_number(growth[0].estimate) for growth in growths.values()]
        measured = f"advantage × {by[0]} (Hessians, 2 → 6), × {by[1]} (product, 2 → 12)"
        reason = (
            "In the trained layers' Hessians dense's κ is "
            f"{', '.join(at[0])} times that of B=4 with 2, 4 and 6 hidden layers, a growth of "
            f"{_told(growths[HESSIANS])}; in the initial product of 2 to 12 matrices "
            f"{', '.join(at[1])} times, a growth of {_told(growths[PRODUCT])}."
        )
        if all(levels == DECIDING for levels in grows.values()):
            return Judgement(HOLDS, measured, reason)
        if any(grows.values()):
            named = [named_with(LABELS[own], levels) for own, levels in grows.items() if levels]
            return Judgement(CONDITIONAL, measured, reason, f"κ is that of {' or '.join(named)}")
        shrinks = all(always(growth, LESS) for growth in growths.values())
        return Judgement(CONTRADICTED if shrinks else NOT_SUPPORTED, measured, reason)


def _told(growths: Sequence[Measurement]) -> str:
    return f"{in_digits(growths[0])}, above {ROBUST:.0e} of the trace {in_digits(growths[-1])}"


def _advantages(observations: Sequence[Observation]) -> list[Observation]:
    """Return dense's κ over that of B=4, at every level, depth and seed that has both."""
    known = {(o.quantity, o.subject, o.place): o for o in observations}
    found = []
    for (quantity, subjects), level in product(CASES.items(), DECIDING):
        dense, ours = (cut(f"{quantity}, {model}", level) for model in (DENSE, MODEL))
        for name, subject, seed in known:
            if name == dense and subject in subjects:
                theirs = known[name, subject, seed]
                ratio = theirs.value / known[ours, subject, seed].value
                own = cut(advantage(quantity), level)
                found.append(Observation(own, subject, seed, ratio, theirs.run_id))
    return found


CASES = {HESSIANS: [*map(hidden, DEPTHS)], PRODUCT: [*map(factors, PRODUCTS)]}
"""The subjects of each quantity, from the shallowest on."""

LABELS = {
    HESSIANS: "the trained layers' Hessians",
    PRODUCT: "the product of the initial weights",
}


def _of_run(run: AuditedRun, model: str) -> dict[str, float]:
    hessians = run.conditions("layer_hessian")[1:]
    name = f"{HESSIANS}, {model}"
    return {cut(name, level): mean_kappa(hessians, level) for level in DECIDING} | {
        f"{RANK}, {model}": sum(layer.rank / layer.size for layer in hessians) / len(hessians),
        f"{ACCURACY}, {model}": run.test_accuracy,
    }


def _models(depth: int, seeds: Sequence[int]) -> dict[str, list[RunConfig]]:
    models = recipe_models((B,), seeds[:MIN_SEEDS])
    return {
        model: [replace(config, hidden=(WIDTH,) * depth, learning_rate=RATE) for config in configs]
        for model, configs in models.items()
    }
