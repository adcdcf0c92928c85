"""Claim 1: parameter counts, and the factor of B."""

from itertools import product
from math import prod

from cdbench.claims.base import Bench, Claim, Measurements, paper_models
from cdbench.config.run_config import RunConfig
from cdbench.engine.layers import CDLinear, Dense
from cdbench.engine.network import Network
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    REPRODUCED,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.records.published import PUBLISHED_COMPRESSION, PUBLISHED_ROWS, comes_out
from cdbench.statistics.estimands import EXACT
from cdbench.statistics.estimates import Observations, largest, mean, mean_ratio, smallest

COUNT = "weights and biases of the network (place: hidden width)"
WEIGHTS = "dense weights per weight of the layer (place: case)"
NETWORK = "dense parameters per parameter of the network (place: hidden width)"

N_FEATURES, N_CLASSES, WIDTH = 64, 10, 64
BLOCK_SIZES = range(1, 17)
BLOCKS = (1, 2, 3, 5, 8)
"""Numbers of blocks in and out; a case is one of each, B × K_i in and B × K_o out."""

WIDTHS = (64, 128, 256, 512, 1024)


class Parameters(Claim):
    """Parameters of networks and layers, counted as they are built."""

    name = "parameters"
    title = "Parameter counts"
    statement = (
        "CDLinear has 1/B the parameter count of a dense layer: n_in·n_out/B weights plus n_out "
        "biases, a factor of B from n_in·n_out. The networks have 8,970 (dense), 2,380 (B=4, 3.8× "
        "fewer) and 1,296 (B=8, 6.9×, a further 1.8×) parameters."
    )
    where = "Abstract; Secs. III.1, VI.2; Table 1"
    published = "8,970, 2,380, 1,296; 3.8×, 6.9×, 1.8×; 1/B"
    method = (
        "Build the paper's three networks and count the length of their parameter vectors. Build "
        "layers for B = 1 to 16 and 1, 2, 3, 5 or 8 blocks in and out, and divide the dense "
        "layer's number of weights by theirs. Build networks of both families for each B and "
        "hidden widths of 64 to 1,024, and divide all their parameters: biases, which stay, and "
        "widths that B does not divide, which are padded, keep that factor below B."
    )
    rule = (
        "reproduced if the three counts and the three ratios of counts come out at the printed "
        "digits, and every layer has exactly 1/B of the dense layer's weights, which are what "
        "Sec. III.1 counts; contradicted if a count or a ratio does not come out; holds under a "
        "condition, certain B, if they come out but the weights are 1/B in all cases of only some "
        "B. The whole networks' factors are told beside the verdict and do not decide it."
    )
    overturn = "Another count in any of the cases; nothing is estimated."
    uses_seeds = False
    without_runs = EXACT

    def observe(self, bench: Bench) -> list[Observation]:
        """Return counts and ratios of networks and layers, as built."""
        del bench  # no run is needed
        counts = [
            Observation(COUNT, model, WIDTH, _network(config).n_parameters)
            for model, (config,) in paper_models([0]).items()
        ]
        weights = [
            Observation(WEIGHTS, f"B={B}", case, _weight_factor(K_i * B, K_o * B, B))
            for B in BLOCK_SIZES
            for case, (K_i, K_o) in enumerate(product(BLOCKS, BLOCKS), 1)
        ]
        return counts + weights + _network_factors()

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return counts, their ratios, and the ends of each factor's range."""
        return [
            *(mean(observations, COUNT, model) for model in PUBLISHED_ROWS),
            *(mean_ratio(observations, COUNT, *pair) for pair in PUBLISHED_COMPRESSION),
            *(
                end(observations, quantity, subject)
                for quantity in (WEIGHTS, NETWORK)
                for subject in observations.subjects(quantity)
                for end in (smallest, largest)
            ),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        n_equal = sum(
            comes_out(found.find(COUNT, model).estimate, row.n_parameters)
            for model, row in PUBLISHED_ROWS.items()
        ) + sum(
            comes_out(found.find(COUNT, *pair).estimate, printed)
            for pair, printed in PUBLISHED_COMPRESSION.items()
        )
        exact = [
            B
            for B in BLOCK_SIZES
            if {own.estimate for own in found.all if _is(own, WEIGHTS, f"B={B}")} == {B}
        ]
        low, high = (own.estimate for own in found.all if _is(own, NETWORK, "B=4"))
        verdict, condition = _verdict(n_equal, exact)
        return Judgement(
            verdict,
            f"{n_equal} of 6 numbers come out; 1/B of the weights at {len(exact)} of 16 B",
            f"{n_equal} of 6 printed numbers come out, and layers have exactly 1/B of the dense "
            f"weights for {len(exact)} of 16 block sizes; with biases and padding a whole network "
            f"saves less than B, at B=4 a factor of {low:.2f} to {high:.2f} for hidden widths of "
            f"{WIDTHS[0]} to {WIDTHS[-1]:,}.",
            condition,
        )


def _network(config: RunConfig) -> Network:
    from cdbench.engine.building import build_network

    return build_network(config, N_FEATURES, N_CLASSES)


def _weight_factor(n_in: int, n_out: int, B: int) -> float:
    dense = prod(Dense(n_in, n_out).parameter_shapes()["weight"])
    return dense / prod(CDLinear(n_in, n_out, B).parameter_shapes()["c"])


def _network_factors() -> list[Observation]:
    """Return by how much whole networks shrink, for every B and hidden width."""
    factors = []
    for width in WIDTHS:
        hidden = (width, width)
        dense = _network(RunConfig(layer="dense", hidden=hidden)).n_parameters
        for B in BLOCK_SIZES:
            own = _network(RunConfig(B=B, hidden=hidden)).n_parameters
            factors.append(Observation(NETWORK, f"B={B}", width, dense / own))
    return factors


def _is(measured: Measurement, quantity: str, subject: str) -> bool:
    return (measured.quantity, measured.subject) == (quantity, subject)


def _verdict(n_equal: int, exact: list[int]) -> tuple[str, str | None]:
    if n_equal < len(PUBLISHED_ROWS) + len(PUBLISHED_COMPRESSION):
        return CONTRADICTED, None
    if exact == list(BLOCK_SIZES):
        return REPRODUCED, None
    return CONDITIONAL, f"B = {', '.join(map(str, exact))}"
