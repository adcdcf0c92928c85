"""The claim that conditioning compounds over depth, in plain and residual networks."""

from collections.abc import Sequence
from itertools import product

from cdbench.claims.base import Bench, Claim, Measurements, Needs
from cdbench.claims.depth import Depth
from cdbench.claims.evidence.kappa_curves import (
    DECIDING,
    LESS,
    MORE,
    always,
    curve,
    cut,
    levels_of,
    mean_kappa,
    named_with,
)
from cdbench.claims.evidence.systems import B4, DENSE, TRAINING, Arms, Knobs
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

WIDTH, N_SEEDS = 64, 10
LAYERS: Arms = {DENSE: {"layer": "dense"}, B4: {"layer": "cdlinear", "B": 4}}
PLAIN, RESIDUAL = "plain", "residual"
DEPTHS = {PLAIN: (2, 3, 5, 9, 17), RESIDUAL: (3, 5, 9, 17)}
"""Weight layers; a residual network of two would have no block."""
OWN: Knobs = TRAINING | {"learning_rate": 0.003, "normalization": "layer"}
MEASURED = Diagnostics(values=False, kinds=("layer_hessian",), floors=True, history=False)


def kappa(kind: str, layer: str) -> str:
    """Return the quantity: κ of a network's layers; its subjects are depths."""
    return f"layer_hessian κ, geometric mean of the layers after the first, {kind} {layer}"


def advantage(kind: str) -> str:
    """Return the quantity: dense's κ over that of B=4; its subjects are depths."""
    return f"layer_hessian κ, dense over B=4, {kind}"


def accuracy(kind: str, layer: str) -> str:
    """Return the quantity: test accuracy; its subjects are depths."""
    return f"test accuracy, {kind} {layer}, share"


def layers(n: int) -> str:
    """Return how a network of so many weight layers is called."""
    return f"{n} layers"


class DeepNetworks(Claim):
    """The advantage of B=4 in conditioning, in plain and residual networks of 2 to 17 layers."""

    name = "deep-networks"
    title = "Conditioning compounds over 17 layers"
    statement, where, published = Depth.statement, Depth.where, Depth.published
    method = (
        "Networks of 2, 3, 5, 9 and 17 weight layers on the digits, 64 wide, dense and B=4, ten "
        "seeds, with layer normalisation, without which deep ones lose their units (the claim on "
        "depth has those up to seven layers): plain ones, and residual ones from 3 layers on, "
        "x + W relu(norm(x)) / √(number of blocks). AdamW at 0.003, cosine schedule, 25 epochs. "
        "The advantage is dense's κ of the layers' Hessians, geometric mean of all layers but the "
        "first, over that of B=4, seed by seed; growth is the advantage of the deepest over that "
        "of the shallowest, at every noise floor."
    )
    rule = (
        "By the 95 % interval of the median growth, up to 17 layers, in plain and in residual "
        "networks: the advantage compounds at a level if the interval lies above 1 and shrinks if "
        "it lies below; the levels are rounding and every noise floor up to 1e-6 of the trace. "
        "holds if it compounds in both at all levels; holds under a condition if in one, or at "
        "some levels, the condition naming which; contradicted if it shrinks in both at all "
        "levels; else not supported. Depths in between and accuracies are told and do not decide."
    )
    overturn = "Networks without normalisation that train at this depth, wider ones, or other data."
    null = 1.0
    on_request = True

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return dense and B=4 of every depth and kind, for the first ten seeds."""
        return {
            config: MEASURED
            for kind, layer in product(DEPTHS, LAYERS)
            for n in DEPTHS[kind]
            for config in _configs(kind, layer, n, seeds)
        }

    def observe(self, bench: Bench) -> list[Observation]:
        """Return κ and accuracy of every network, and the advantages."""
        found = []
        for kind, depths in DEPTHS.items():
            for n in depths:
                runs = {
                    layer: [*map(bench.run, _configs(kind, layer, n, bench.seeds))]
                    for layer in LAYERS
                }
                for dense, own in zip(runs[DENSE], runs[B4], strict=True):
                    seed = own.config.seed
                    kappas = {}
                    for layer, run in ((DENSE, dense), (B4, own)):
                        hessians = run.conditions("layer_hessian")[1:]
                        kappas[layer] = {at: mean_kappa(hessians, at) for at in DECIDING}
                        numbers = {
                            cut(kappa(kind, layer), at): x for at, x in kappas[layer].items()
                        } | {accuracy(kind, layer): run.test_accuracy}
                        found += [
                            Observation(quantity, layers(n), seed, x, run.run_id)
                            for quantity, x in numbers.items()
                        ]
                    for at in DECIDING:
                        ratio = kappas[DENSE][at] / kappas[B4][at]
                        name = cut(advantage(kind), at)
                        found.append(Observation(name, layers(n), seed, ratio, dense.run_id))
        return found

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return growths, then advantages, κ and accuracies of every depth."""
        growths = [
            median_ratio(observations, cut(advantage(kind), at), layers(n), layers(first))
            for kind, (first, *deeper) in DEPTHS.items()
            for at in DECIDING
            for n in reversed(deeper)
        ]
        told = [(median, cut(advantage(kind), at), kind) for kind in DEPTHS for at in DECIDING]
        for statistic, quantity in ((median, kappa), (mean, accuracy)):
            told += [
                (statistic, quantity(kind, layer), kind) for kind, layer in product(DEPTHS, LAYERS)
            ]
        return growths + [
            statistic(observations, quantity, layers(n))
            for statistic, quantity, kind in told
            for n in DEPTHS[kind]
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        growths = {
            kind: curve(found, advantage(kind), layers(depths[-1]), layers(depths[0]))
            for kind, depths in DEPTHS.items()
        }
        grows = {kind: levels_of(growth, MORE) for kind, growth in growths.items()}
        by = [f"× {format_number(own[0].estimate)} ({kind})" for kind, own in growths.items()]
        measured = f"advantage {', '.join(by)} up to 17 layers"
        reason = " ".join(_told(found, kind, growth) for kind, growth in growths.items())
        if all(levels == DECIDING for levels in grows.values()):
            return Judgement(HOLDS, measured, reason)
        if any(grows.values()):
            named = [named_with(f"{kind} networks", own) for kind, own in grows.items() if own]
            return Judgement(CONDITIONAL, measured, reason, f"in {' or '.join(named)}")
        shrinks = all(always(growth, LESS) for growth in growths.values())
        return Judgement(CONTRADICTED if shrinks else NOT_SUPPORTED, measured, reason)


def _told(found: Measurements, kind: str, growth: Sequence[Measurement]) -> str:
    own = [
        format_number(found.find(advantage(kind), layers(n), statistic="median").estimate)
        for n in DEPTHS[kind]
    ]
    depths = ", ".join(map(str, DEPTHS[kind]))
    return (
        f"In {kind} networks of {depths} layers dense's κ is {', '.join(own)} times that of B=4, a "
        f"growth of {in_digits(growth[0])}, above a floor of 1e-6 {in_digits(growth[-1])}."
    )


def _configs(kind: str, layer: str, n: int, seeds: Sequence[int]) -> list[RunConfig]:
    shape: Knobs = (
        {"hidden": (WIDTH,) * (n - 1)}
        if kind == PLAIN
        else {"architecture": "residual-mlp", "width": WIDTH, "depth": n - 2}
    )
    one = RunConfig(**OWN, **LAYERS[layer], **shape)
    return [one.with_seed(seed) for seed in seeds[:N_SEEDS]]
