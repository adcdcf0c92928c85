"""The claims that rest on the released study: each rule reaches its verdicts on made-up scores."""

import shutil
import sqlite3
import tomllib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from cdbench.claims.base import Bench, Measurements
from cdbench.claims.classic_order import LARGER, SMALLER, ClassicOrder
from cdbench.claims.evidence.studied import (
    DENSE,
    NARROWER,
    OURS,
    PLAN,
    SIZES,
    OfStudy,
    accuracy,
)
from cdbench.claims.fourier_basis import FourierBasis
from cdbench.claims.harder_images import HarderImages
from cdbench.claims.structured_rivals import StructuredRivals
from cdbench.claims.verdict import judged as for_population
from cdbench.cli.settings import load_settings
from cdbench.config.study import read_study
from cdbench.records.comparison import StudiedRun, label_of
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    REPRODUCED,
    Judgement,
    Measurement,
)
from cdbench.statistics.estimands import TRAININGS, placed
from cdbench.statistics.estimates import Observations, mean_difference
from tests.cli_tools import Here
from tests.judging import judged
from tests.test_study import TOML, once

__all__ = ["once"]

ROOT = Path(__file__).parents[1]

STUDIED: tuple[OfStudy, ...] = (
    HarderImages(),
    FourierBasis(),
    StructuredRivals(),
    ClassicOrder(),
)
FAMILIES = (
    (OURS, "B=4"),
    ("block-diagonal", "blocks=4"),
    *(("block-diagonal", f"blocks=4 basis={basis}") for basis in ("dct", "hartley", "random")),
    *((name, "x=1") for name in ("monarch", "low-rank", "kronecker", "ldr-sd", "acdc")),
    *((name, "x=1") for name in ("toeplitz-like", "circulant")),
)
Scores = Callable[[str, float, str], float]
"""A mean score by part, size and label."""


def bench_of(claim: OfStudy, scores: Scores, lost: str = "") -> Bench:
    """Return runs of every part with small noise of their own; of one family a seed is lost."""
    rng = np.random.default_rng(0)
    runs: list[StudiedRun] = []
    for part in claim.parts:
        models: list[tuple[float, str, str, str | None]] = [(1.0, DENSE, DENSE, None)]
        for size in claim.sizes:
            models.append((size, NARROWER, DENSE, None))
            models += [(size, "structured", *family) for family in FAMILIES]
        for size, role, family, structure in models:
            for seed in range(10):
                label = label_of(role, family, structure)
                score = scores(part, size, label) + 0.0005 * rng.normal()
                own = (part, size, role, family, structure, 1, 1, seed, score)
                if not (label == lost and seed == 9):
                    runs.append(StudiedRun(*own, run_id=len(runs) + 1, uuid=""))
    return Bench(tuple(range(10)), {}, runs)


def judgement_of(claim: OfStudy, scores: Scores, lost: str = "") -> Judgement:
    return judged(claim, claim.observe(bench_of(claim, scores, lost)))


def ahead(of: str, by: float, *, parts: tuple[str, ...] = (), size: float | None = None) -> Scores:
    """Return scores in which a family is ahead of all others, on some parts and at a size only."""

    def scores(part: str, own: float, label: str) -> float:
        counts = label == of and (not parts or part in parts) and size in (None, own)
        return 0.8 + by * counts

    return scores


def test_the_basis_counts_where_it_is_ahead_everywhere() -> None:
    claim = FourierBasis()
    assert judgement_of(claim, ahead(OURS, 0.01)).verdict == HOLDS
    assert judgement_of(claim, ahead(OURS, -0.01)).verdict == CONTRADICTED
    assert judgement_of(claim, ahead(OURS, 0.0)).verdict == NOT_SUPPORTED
    some = judgement_of(claim, ahead(OURS, 0.01, parts=("mnist", "digits")))
    assert (some.verdict, some.condition) == (CONDITIONAL, "on digits, mnist")
    one_size = judgement_of(claim, ahead(OURS, 0.01, size=SIZES[0]))
    assert one_size.verdict == NOT_SUPPORTED
    assert "ahead of a random basis in 4 of 8" in one_size.measured
    permuted = judgement_of(claim, ahead(OURS, 0.01, parts=("digits-permuted",)))
    assert permuted.verdict == NOT_SUPPORTED  # told, and does not decide
    mixed = judgement_of(
        claim, lambda part, size, label: 0.8 + 0.01 * (label == OURS) * (1 - 2 * (part == "mnist"))
    )
    assert mixed.verdict == NOT_SUPPORTED


def test_a_layer_is_chosen_that_never_loses() -> None:
    claim = StructuredRivals()
    assert judgement_of(claim, ahead(OURS, 0.01)).verdict == HOLDS
    assert judgement_of(claim, ahead(OURS, -0.01)).verdict == CONTRADICTED
    assert judgement_of(claim, ahead(OURS, 0.0)).verdict == NOT_SUPPORTED

    def narrow(part: str, size: float, label: str) -> float:
        return 0.8 + 0.01 * (label == OURS) + 0.02 * (label == NARROWER)

    found = judgement_of(claim, narrow)
    assert (found.verdict, found.condition) == (CONDITIONAL, "the network cannot be made narrower")
    some = judgement_of(
        claim,
        lambda part, size, label: 0.8 + (0.01 if part == "mnist" else -0.01) * (label == OURS),
    )
    assert some.verdict == NOT_SUPPORTED  # one part of seven
    few = ("mnist", "digits-work")
    most = judgement_of(
        claim,
        lambda part, size, label: 0.8 + (-0.01 if part in few else 0.01) * (label == OURS),
    )
    assert most.verdict == CONDITIONAL
    assert str(most.condition).startswith(
        "on digits, against narrower dense and monarch and low-rank and kronecker and ldr-sd and "
        "acdc and toeplitz-like and block-diagonal; on fashion-mnist, against"
    )


def test_a_rival_that_lost_a_seed_is_no_case() -> None:
    claim = StructuredRivals()
    n_cases = len(claim.parts) * len(SIZES) * 8
    whole = judgement_of(claim, ahead(OURS, 0.01))
    assert f"of {n_cases} cases wins {n_cases}" in whole.measured
    lost = judgement_of(claim, ahead(OURS, 0.01), lost="monarch")
    left = n_cases - len(claim.parts) * len(SIZES)
    assert f"of {left} cases wins {left}" in lost.measured
    assert "monarch" not in lost.reason
    own = judgement_of(claim, ahead(OURS, 0.01), lost=OURS)
    assert own.verdict == NOT_SUPPORTED  # no case is left


def test_the_released_plan_is_the_one_that_the_rules_are_for() -> None:
    assert load_settings(ROOT).study("released").digest() == PLAN


def test_gaps_are_measured_against_those_on_the_digits() -> None:
    claim = HarderImages()

    def gaps(**wider: float) -> Scores:
        def scores(part: str, size: float, label: str) -> float:
            dense = 0.98 if part == "digits" else 0.8
            own = 0.01 + wider.get(part.replace("-", "_"), 0.0)
            return dense - own * (label == OURS)

        return scores

    every = dict.fromkeys(("mnist", "fashion_mnist", "cifar_10_gray", "cifar_10"), 0.02)
    assert judgement_of(claim, gaps(**every)).verdict == HOLDS
    found = judgement_of(claim, gaps(cifar_10=0.02))
    assert (found.verdict, found.condition) == (CONDITIONAL, "on cifar-10")
    assert judgement_of(claim, gaps()).verdict == NOT_SUPPORTED
    assert judgement_of(claim, gaps(mnist=-0.005)).verdict == CONTRADICTED
    easy = judgement_of(
        claim, lambda part, size, label: 0.8 - 0.01 * (label == OURS)
    )  # no set is harder, so that there is no case
    assert (easy.verdict, easy.measured) == (NOT_SUPPORTED, "wider in 0 of 0 cases, narrower in 0")


def test_the_classic_order_is_of_the_published_sizes() -> None:
    claim = ClassicOrder()

    def order(circulant: float, low_rank: float) -> Scores:
        def scores(part: str, size: float, label: str) -> float:
            if label == "circulant" and size == SMALLER:
                return circulant
            return low_rank if label == "low-rank" and size == LARGER else 0.3

        return scores

    assert judgement_of(claim, order(0.34, 0.32)).verdict == REPRODUCED
    found = judgement_of(claim, order(0.34, 0.36))
    assert found.verdict == CONTRADICTED
    assert found.measured.startswith("circulant less low-rank −2.0")
    assert judgement_of(claim, order(0.34, 0.34)).verdict == NOT_SUPPORTED


@pytest.mark.parametrize("claim", STUDIED, ids=lambda claim: claim.name)
def test_sets_of_one_split_have_intervals_of_trainings(claim: OfStudy) -> None:
    observations = claim.observe(bench_of(claim, ahead(OURS, 0.01)))
    data = Observations(claim.name, observations)
    found = [placed(m, data, claim.without_runs, claim.trainings) for m in claim.measure(data)]
    for one in found:
        of_images = (
            "mnist" in one.quantity or "cifar" in one.quantity or claim.parts == ("classic",)
        )
        if of_images and one.low is not None:
            assert one.estimand == TRAININGS, one
            assert one.wide_low is None
    assert for_population(claim, found).verdict


class OfSmall(OfStudy):
    """A claim on the study of test_study.py."""

    name = "of-small"
    title = "CDLinear is as good as dense"
    statement = where = published = method = rule = overturn = "Of a test."
    study, parts, sizes = "small", ("iris", "wine"), (0.5,)
    plan_digest = read_study("small", tomllib.loads(TOML)["studies"]["small"]).digest()

    def measure(self, observations: Observations) -> list[Measurement]:
        return [
            mean_difference(observations, accuracy(part, 0.5), OURS, DENSE) for part in self.parts
        ]

    def judge(self, found: Measurements) -> Judgement:
        return Judgement(HOLDS, f"{len(found.all)} parts", "Because it is.")


def test_they_are_judged_where_their_study_is_there(
    here: Here, once: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cdbench.claims.every.CLAIMS", {OfSmall.name: OfSmall()})
    answer = here("audit", "--claim", OfSmall.name)
    line = (
        "of-small: not measured, its study is not there, or by another plan: cdbench compare "
        "--study small --only iris wine\n"
    )
    assert line in answer.err
    shutil.copy(once, here.folder / "runs.db")
    first, again = here("audit"), here("audit")
    assert first.code == again.code == 0
    assert "2 parts" in first.out
    assert first.out == again.out
    assert ("judging" in first.err, "judging" in again.err) == (True, False)
    assert here("audit", "--replicate").code == 0  # a study has no second block
    with closing(sqlite3.connect(here.folder / "runs.db")) as connection:
        found = connection.execute("SELECT count(*), sum(run_id IS NULL) FROM observations")
        assert found.fetchone() == (2 * 4 * 4, 0)
