"""Matched sizes: for each family the setting nearest to a budget, and a narrower dense network."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod
from typing import Any

from cdbench.comparison.plan import Plan
from cdbench.config.architecture_knobs import inner_widths
from cdbench.config.matching import MOST_PADDED, NEAR, Entrant, nearest, off, settings
from cdbench.config.run_config import RunConfig
from cdbench.datasets import load_dataset
from cdbench.engine.building import READS_IMAGES, Image, build_network
from cdbench.engine.graph import multiply_adds
from cdbench.engine.network import Network
from cdbench.errors import ConfigurationError, ShapeError
from cdbench.records.comparison import DENSE, NARROWER, STRUCTURED


@dataclass(frozen=True)
class Candidate:
    """A model that competes at a budget.

    Attributes
    ----------
    budget : float
        As asked for; for the dense network at its full width 1.
    role : str
        DENSE, NARROWER or STRUCTURED.
    config : RunConfig
        Its configuration, but for seed and learning rate.
    n_parameters : int
        All of the network: weights, biases, and what it has beside its weight layers.
    multiply_adds : int
        Real multiply-adds of a sample, without biases and fixed transforms.
    padded : float
        How many times larger its layers' widths, multiplied, are than the dense network's.
    rank : int
        Sum of its layers' expected ranks, as far as the widths that were asked for allow.
    """

    budget: float
    role: str
    config: RunConfig
    n_parameters: int
    multiply_adds: int
    padded: float
    rank: int

    def size(self, match: str) -> int:
        """Return what a budget is of."""
        return self.n_parameters if match == "parameters" else self.multiply_adds


@dataclass(frozen=True)
class Field:
    """Who competes at one budget, and who cannot.

    Attributes
    ----------
    budget : float
        As asked for.
    target : float
        The size that it stands for.
    candidates : tuple of Candidate
        The narrower dense network first.
    left_out : tuple of (str, int or None)
        Families without a matched size, with their nearest.
    """

    budget: float
    target: float
    candidates: tuple[Candidate, ...]
    left_out: tuple[tuple[str, int | None], ...]


def whole(plan: Plan) -> Candidate:
    """Return the dense network at its full width."""
    return _candidate(plan, plan.base, 1.0, DENSE)


def largest_matrix(plan: Plan) -> int:
    """Return the entries of the largest matrix of the dense network at its full width."""
    return max(map(prod, _matrices(_network(plan, plan.base))))


def fields_of(plan: Plan) -> list[Field]:
    """Return who competes at each budget.

    Raises
    ------
    ConfigurationError
        If no family meets a budget.
    """
    narrow = [_candidate(plan, config, 0, NARROWER) for config in _narrower(plan)]
    settings = {one: list(_settings(plan, one)) for one in plan.entrants}
    found = []
    for budget in plan.budgets:
        target = _target(plan, budget)
        narrower = _nearest(plan, narrow, budget, target)
        candidates, left_out, all_nearest = [], [], []
        for one, sized in settings.items():
            nearest = _nearest(plan, sized, budget, target)
            if nearest is not None and _off(nearest, plan, target) <= NEAR:
                candidates.append(nearest)
            else:
                size = None if nearest is None else nearest.size(plan.match)
                left_out.append((str(one), size))
                all_nearest += [] if nearest is None else [nearest]
        if not candidates or narrower is None:
            raise ConfigurationError(_no_one(budget, target, plan, all_nearest))
        found.append(Field(budget, target, (narrower, *candidates), tuple(left_out)))
    return found


def _target(plan: Plan, budget: float) -> float:
    """Return the size that a budget stands for: a share is of the weights; the rest all have."""
    if budget >= 1:
        return budget
    full = whole(plan)
    if plan.match == "parameters":
        weights = sum(map(prod, _matrices(_network(plan, plan.base))))
        return budget * weights + full.n_parameters - weights
    return budget * full.multiply_adds


def _no_one(budget: float, target: float, plan: Plan, nearest: list[Candidate]) -> str:
    close = sorted(nearest, key=lambda one: _off(one, plan, target))[:3]
    words = ", ".join(f"{one.config.model} with {one.size(plan.match):,}" for one in close)
    is_small = bool(close) and target < close[0].size(plan.match)
    # Wider layers are larger, but of the dense network's growing size a smaller share.
    is_wider = is_small == (budget < 1)
    return (
        f"budget = {budget:g}: no family has a size within {NEAR:.0%} of {target:,.0f} "
        f"{plan.match}; nearest come {words or 'none'}; expected a "
        f"{'larger' if is_small else 'smaller'} budget, near one of these, or "
        f"{'wider' if is_wider else 'narrower'} --{inner_widths(plan.base)[0]}"
    )


def _off(candidate: Candidate, plan: Plan, target: float) -> float:
    return off(candidate.size(plan.match), target)


def _nearest(
    plan: Plan, candidates: Sequence[Candidate], budget: float, target: float
) -> Candidate | None:
    """Return the setting for a budget, if there is one."""
    found = nearest(candidates, target, lambda one: one.size(plan.match))
    return None if found is None else replace(found, budget=budget)


def _candidate(
    plan: Plan, config: RunConfig, budget: float, role: str, dense: RunConfig | None = None
) -> Candidate:
    """Return a model; ``dense`` is the network of the widths that it was asked for, or itself."""
    network = _network(plan, config)
    asked = _matrices(network if dense is None else _network(plan, dense))
    places = network.weight_layers
    return Candidate(
        budget,
        role,
        config,
        network.n_parameters,
        multiply_adds(network.layers, network.rows),
        sum(map(prod, _matrices(network))) / sum(map(prod, asked)),
        sum(
            min(place.layer.inner.expected_rank(), *shape)
            for place, shape in zip(places, asked, strict=True)
        ),
    )


def _network(plan: Plan, config: RunConfig) -> Network:
    return build_network(config, plan.n_features, plan.n_classes, _image(plan.base))


@lru_cache(maxsize=4)
def _image(config: RunConfig) -> Image | None:
    """Return what the features are the pixels of, if the architecture asks."""
    return load_dataset(config).image if config.architecture in READS_IMAGES else None


def _matrices(network: Network) -> list[tuple[int, int]]:
    """Return the shapes (n_out, n_in) of a network's matrices; a kernel is one."""
    layers = (place.layer.inner for place in network.weight_layers)
    return [(layer.n_out, layer.n_in) for layer in layers]


def _narrower(plan: Plan) -> Iterator[RunConfig]:
    """Yield dense networks whose inner widths keep their proportions, from 1 to the whole.

    The heads of attention become narrower with it; that they are not fewer keeps their parts.
    """
    name, widths = inner_widths(plan.base)
    widest = max(widths)
    for width in range(1, widest + 1):
        scaled = tuple(max(1, round(own * width / widest)) for own in widths)
        changed: dict[str, Any] = {name: width if name == "width" else scaled}
        if plan.base.heads is not None:
            own = plan.base.head_width or widest // plan.base.heads
            changed["head_width"] = max(1, round(own * width / widest))
        yield replace(plan.base, **changed)


def _settings(plan: Plan, entrant: Entrant) -> Iterator[Candidate]:
    """Yield the family's settings that can be built on this data without much padding."""
    for given in settings(entrant):
        text = ",".join(f"{name}={value}" for name, value in given.items())
        try:
            layer = ":".join(filter(None, (entrant.family, text)))
            config = replace(plan.base, layer=layer, head=plan.head)
            found = _candidate(plan, config, 0, STRUCTURED, plan.base)
        except (ConfigurationError, ShapeError):
            continue
        if found.padded <= MOST_PADDED:
            yield found
