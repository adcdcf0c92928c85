"""Plans of comparisons, and the sizes that are matched in them."""

import math
import re
from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from cdbench.comparison.plan import RATES, Plan, entrant, every_entrant
from cdbench.comparison.sizes import fields_of, whole
from cdbench.config.families import FAMILIES
from cdbench.config.matching import NEAR, Entrant
from cdbench.config.run_config import RunConfig
from cdbench.engine.building import build_network
from cdbench.engine.layers import Dense
from cdbench.errors import ConfigurationError
from cdbench.records.comparison import NARROWER, STRUCTURED


def plan_of(*budgets: float, **changed: Any) -> Plan:
    """Return a plan for the digits with a few families, or others."""
    few = tuple(map(entrant, ("cdlinear", "low-rank", "block-diagonal,basis=dct")))
    return Plan(RunConfig(layer="dense"), 64, 10, changed.pop("entrants", few), budgets, **changed)


def test_every_family_takes_part_and_the_bases_apart() -> None:
    found = every_entrant()
    assert {one.family for one in found} == set(FAMILIES) - {"dense"}
    bases = [one.fixed for one in found if one.family == "block-diagonal"]
    assert bases == [(), *((("basis", b),) for b in ("dct", "hartley", "random"))]


def test_plans_that_differ_have_different_digests() -> None:
    plan = plan_of(0.5, 2000, entrants=every_entrant(), match="multiply-adds", seeds=(0, 5, 9))
    assert replace(plan).digest() == plan.digest()
    changes: list[dict[str, Any]] = [
        {"budgets": (0.25,)}, {"match": "parameters"}, {"seeds": (0, 5, 8)}, {"head": "dense"},
        {"entrants": plan.entrants[1:]},
    ]  # fmt: skip
    digests = {replace(plan, **change).digest() for change in changes}
    assert len(digests - {plan.digest()}) == len(changes)


def test_what_a_budget_reaches_is_known() -> None:
    half, quarter, eighth = fields_of(plan_of(0.5, 0.25, 0.125))
    assert whole(plan_of(0.5)).n_parameters == 8970
    hidden = [field.candidates[0].config.hidden for field in (half, quarter, eighth)]
    assert hidden == [(39, 39), (23, 23), (14, 14)]
    blocks = [field.candidates[1] for field in (half, quarter, eighth)]
    assert [one.config.B for one in blocks] == [2, 4, 8]
    assert [one.n_parameters for one in blocks] == [4554, 2380, 1296]
    assert quarter.target == 8832 / 4 + 138


@pytest.mark.parametrize("match", ["parameters", "multiply-adds"])
def test_sizes_are_those_of_the_networks_and_near_the_target(match: str) -> None:
    for field in fields_of(plan_of(0.5, 0.2, match=match)):
        for one in field.candidates:
            assert one.n_parameters == build_network(one.config, 64, 10).n_parameters
            assert abs(one.size(match) / field.target - 1) <= NEAR
            assert one.role == (NARROWER if one.config.layer == "dense" else STRUCTURED)


IMAGE = (8, 8, 1)
ARCHITECTURES: tuple[dict[str, Any], ...] = (
    {"architecture": "residual-mlp"},
    {"architecture": "conv"},
    {"architecture": "conv", "channels": (12, 24), "readout": "flatten", "normalization": "batch"},
    {"architecture": "attention", "heads": 4, "width": 64},
    {"architecture": "attention", "heads": 2, "head_width": 9, "width": 24, "patch": 4},
)


@pytest.mark.parametrize("knobs", ARCHITECTURES, ids=str)
@pytest.mark.parametrize("match", ["parameters", "multiply-adds"])
def test_networks_of_every_architecture_are_matched(knobs: dict[str, Any], match: str) -> None:
    base = RunConfig(layer="dense", **knobs)
    plan = Plan(base, 64, 10, (Entrant("cdlinear"),), (0.5,), match)
    full = build_network(base, 64, 10, IMAGE)
    weights = [
        views["weight"].size
        for views in full.views(np.empty(full.n_parameters))
        if "weight" in views
    ]
    for field, budget in zip(fields_of(plan), plan.budgets, strict=True):
        if match == "parameters":
            expected = full.n_parameters - (1 - budget) * sum(weights)
            assert field.target == pytest.approx(expected, rel=1e-12)
        for one in field.candidates:
            network = build_network(one.config, 64, 10, IMAGE)
            assert one.n_parameters == network.n_parameters
            assert abs(one.size(match) / field.target - 1) <= NEAR
            if one.role == NARROWER:
                changed = {"hidden", "width", "channels", "head_width"}
                kept = [own.name for own in fields(base) if own.name not in changed]
                assert all(getattr(one.config, own) == getattr(base, own) for own in kept)
            else:
                assert replace(one.config, layer="dense", B=None, structure=None) == base
        assert field.candidates[0].role == NARROWER


def test_multiply_adds_are_those_of_all_pixels_and_what_is_padded_is_told() -> None:
    base = RunConfig(layer="dense", architecture="conv", channels=(8, 7))
    plan = Plan(base, 64, 10, (Entrant("cdlinear"),), (0.62,))
    assert whole(plan).multiply_adds == 64 * 9 * 8 + 16 * 9 * 8 * 7 + 7 * 10
    assert whole(plan).padded == 1
    ((_, part),) = (field.candidates for field in fields_of(plan))
    assert part.config.B == 2  # of a dense kernel first, 7 channels rounded up to 8, and the head
    assert part.n_parameters == 9 * 8 + 8 + 9 * 8 * 8 // 2 + 8 + 8 * 10 // 2 + 10
    assert part.padded == (9 * 8 + 72 * 8 + 8 * 10) / (9 * 8 + 72 * 7 + 7 * 10)


def test_a_dense_head_is_that_of_every_structured_network_and_its_size_counts() -> None:
    plan = plan_of(0.25, head="dense")
    assert '"head":"dense"' in plan.canonical_json()
    assert '"head"' not in plan_of(0.25).canonical_json()
    (field,) = fields_of(plan)
    for one in field.candidates[1:]:
        assert one.config.head == "dense"
        *_, last = build_network(one.config, 64, 10).weight_layers
        assert isinstance(last.layer, Dense)
        assert one.n_parameters == build_network(one.config, 64, 10).n_parameters


def test_of_matched_settings_that_of_the_highest_rank_competes() -> None:
    (field,) = fields_of(plan_of(0.3, entrants=(Entrant("monarch"),)))
    (_, monarch) = field.candidates  # of rank 8 in each layer there is one still nearer
    assert monarch.rank == 64 + 64 + 10


def test_a_family_without_a_matched_size_is_left_out_and_named() -> None:
    (field,) = fields_of(plan_of(0.5, entrants=(Entrant("circulant"), Entrant("cdlinear"))))
    assert field.left_out == (("circulant", 330),)
    assert [one.config.layer for one in field.candidates] == ["dense", "cdlinear"]


def refusal(call: Any) -> str:
    with pytest.raises(ConfigurationError) as error:
        call()
    return str(error.value)


def test_a_budget_that_nobody_meets_names_the_nearest() -> None:
    said = refusal(lambda: fields_of(plan_of(0.5, entrants=(Entrant("circulant"),))))
    assert said == (
        "budget = 0.5: no family has a size within 12% of 4,554 parameters; nearest come circulant "
        "with 330; expected a smaller budget, near one of these, or narrower --hidden"
    )


def test_the_hint_names_the_knob_of_the_architecture() -> None:
    base = RunConfig(layer="dense", architecture="conv")
    plan = Plan(base, 64, 10, (Entrant("circulant"),), (0.5,))
    assert refusal(lambda: fields_of(plan)).endswith("or narrower --channels")


def test_the_hint_of_a_budget_that_nobody_meets_brings_them_nearer() -> None:
    for budget, size, width in (
        (0.5, "smaller", "narrower"),
        (0.001, "larger", "wider"),
        (4000, "smaller", "wider"),
        (100, "larger", "narrower"),
    ):
        plan = plan_of(budget, entrants=(Entrant("circulant"),))
        said = refusal(lambda plan=plan: fields_of(plan))
        assert said.endswith(f"expected a {size} budget, near one of these, or {width} --hidden")
        hidden = (256, 256) if width == "wider" else (16, 16)
        other = replace(plan, base=replace(plan.base, hidden=hidden))
        assert apart(other) < apart(plan)


def apart(plan: Any) -> float:
    """Return by how much the only family's size misses the only budget, as a logarithm."""
    said = refusal(lambda: fields_of(plan))
    numbers = re.search(r"within 12% of ([\d,]+) .* with ([\d,]+);", said)
    assert numbers is not None
    target, size = (float(own.replace(",", "")) for own in numbers.groups())
    return abs(math.log(size / target))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"budgets": (0.0,)}, "budget = 0: expected a share of the dense network's size such as"),
        ({"budgets": (float("inf"),)}, "budget = inf: expected a share"),
        ({"match": "size"}, "unknown match 'size'"),
        ({"seeds": (1000, 1, 2)}, "seed 1000 is both reported and tuned with; expected"),
        ({"seeds": (0, 1)}, "seeds = [0, 1]: expected at least 3"),
        ({"validation": 0.0}, "validation = 0: rates are chosen by it; expected a share above 0"),
        ({"rates": (0.1, 0.2, 0.5)}, "rates = 0.1 0.2 0.5: expected at least 3, each the same"),
        ({"rates": (0.1, 0.2)}, "rates = 0.1 0.2: expected at least 3"),
        ({"rates": (-0.1, 0.1, 0.2)}, "rates = -0.1 0.1 0.2: expected at least 3"),
    ],
)
def test_an_invalid_plan_is_refused_in_one_line(changed: dict[str, Any], said: str) -> None:
    assert refusal(lambda: replace(plan_of(0.5), **changed)).startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("low-rank:8", "layer = low-rank:8: a comparison chooses the size of each family itself"),
        ("dense", "layer = dense: dense networks, whole and narrower, always compete"),
        ("lowrank", "unknown layer 'lowrank'; did you mean low-rank?"),
        (
            "block-diagonal,basis=dtc",
            "layer block-diagonal: unknown basis 'dtc'; did you mean dct?",
        ),
        ("low-rank,8", "unknown structure parameter of low-rank '8'"),
    ],
)
def test_an_invalid_entrant_is_refused_in_one_line(text: str, said: str) -> None:
    assert refusal(lambda: entrant(text)).startswith(said)


def test_the_rates_are_one_logarithmic_grid() -> None:
    assert plan_of(0.5).factor == 2
    assert {b / a for a, b in pairwise(RATES)} == {2.0}
