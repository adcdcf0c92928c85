"""The benchmarks run, and measure what they say."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import conv_frequencies
import families
import interval_coverage
import layers
import measure
import tasks
from cdbench.config.families import FAMILIES
from cdbench.config.run_config import RunConfig
from cdbench.datasets import limits
from cdbench.records.judgement import Measurement
from cdbench.statistics.estimates import mean_ratio, median_ratio
from experiment import Task

FOLDER = Path(__file__).parent.parent / "benchmarks"


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [
        "layers",
        "families",
        "acdc_floor",
        "planner",
        "experiment",
        "loops",
        "memory",
        "tasks",
        "conv_frequencies",
        "side_by_side",
        "onnx_layers",
        "sklearn_estimators",
    ],
)
def test_benchmark_runs_without_rivals_and_leaves_nothing_behind(name: str, tmp_path: Path) -> None:
    # Experiment and loops end with an error where a rival trained another network.
    command = [sys.executable, "-W", "error", str(FOLDER / f"{name}.py")]
    done = subprocess.run(
        [*command, "--quick", "--without-rivals"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "1 BLAS thread ·" in done.stdout
    assert not any(tmp_path.iterdir())


@pytest.mark.long
def test_the_table_of_pytorchs_layers_is_made_and_says_what_is_unmeasured() -> None:
    pytest.importorskip("torch")
    done = subprocess.run(
        [sys.executable, str(FOLDER / "torch_layers.py"), "--quick"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "rfft   " in done.stdout
    assert "GPU: none here; CDLinear on a GPU is unmeasured" in done.stdout or "On " in done.stdout


def test_a_convolution_by_frequencies_is_the_one_with_its_matrix_formed() -> None:
    for n_in, n_out, side, B in ((4, 12, 5, 2), (8, 4, 6, 4), (5, 10, 4, 5), (16, 8, 3, 8)):
        both = conv_frequencies.rivals(n_in, n_out, side, B, 3, "float64")
        assert conv_frequencies.farthest(*both) < 1e-12


@pytest.mark.long
@pytest.mark.parametrize("knobs", [{"layer": "dense"}, {"B": 8}], ids=str)
def test_pytorch_trains_the_network_that_the_engine_trains(knobs: dict[str, object]) -> None:
    import with_torch  # takes seconds, and is needed nowhere else

    task = Task(RunConfig(epochs=2, seed=1, **knobs))  # type: ignore[arg-type]
    assert with_torch.train(*task.everything) == pytest.approx(task.by_engine(), rel=1e-8)


@pytest.mark.long
def test_pytorch_trains_on_a_large_sets_bytes_as_the_engine_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import with_torch

    monkeypatch.setattr(limits, "LARGE", 0)
    data = tasks.images(None, part=50)
    for model in tasks.MODELS:
        for share in (0.0, tasks.VALIDATION):
            one = tasks.task(data, model, 16, share)
            tasks.check(one)
            own = one.by_engine()
            assert with_torch.train(*one.everything) == pytest.approx(own, rel=tasks.TOLERANCE)
    monkeypatch.setattr(with_torch, "train", lambda *_: (1.001 * 2.3, 0.1))
    with pytest.raises(SystemExit, match=r"^cdlinear B=8, 5 steps: PyTorch came to loss 2\.302"):
        tasks.check(one)


@pytest.mark.long
@pytest.mark.parametrize("family", FAMILIES)
def test_pytorch_computes_the_layer_of_every_family(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = families.Own(families.build(family, 32, 5, 4)[0], 5)
    families.torch_pass(own)()
    y, dx = own.results()
    for what, wrong in (("output", (1.001 * y, dx)), ("dL/dx", (y, 1.001 * dx))):
        monkeypatch.setattr(own, "results", lambda wrong=wrong: wrong)
        with pytest.raises(SystemExit, match=f"^{family}, n = 32: PyTorch's {what} is off by"):
            families.torch_pass(own)


@pytest.mark.parametrize("n", families.WIDTHS)
@pytest.mark.parametrize("share", families.SHARES)
def test_families_are_compared_at_equal_weights(n: int, share: int) -> None:
    reached = {
        name: n**2 / families.Own(families.build(name, n, 1, share)[0], 1).n_weights
        for name in FAMILIES
    }
    assert reached.pop("dense") == 1
    assert reached.pop("circulant") == n
    # A rank more or less of blast's blocks is a ninth of its weights at 64.
    assert reached.pop("blast") == pytest.approx(share, rel=0.13)
    assert reached == pytest.approx(dict.fromkeys(reached, share), rel=0.01)


def test_rivals_alternate_and_each_warms_up_ahead_of_its_sample() -> None:
    calls: list[str] = []
    rivals = {name: lambda name=name: calls.append(name) for name in ("a", "b")}
    samples = measure.alternate(rivals, rounds=3, least_s=0.0)
    assert "".join(calls[-12:]) == "aabb" + "bbaa" + "aabb"
    assert {name: len(taken) for name, taken in samples.items()} == {"a": 3, "b": 3}


def test_ratios_are_of_samples_of_the_same_round() -> None:
    # A machine that is slower by the round: the medians' ratio would be 3.
    spread = measure.Spread.of_ratios([2.0, 30.0, 100.0], [1.0, 10.0, 100.0])
    assert spread.values == (1.5, 2.0, 2.5)


def test_evaluations_share_of_an_epoch_counts_the_steps_that_validation_takes_away() -> None:
    # Ten seconds of steps and one of testing; with a tenth held out nine and two.
    taken = {"cdbench dense": [11.0], "test dense": [1.0], "both dense": [2.0]}
    shares = [row.ratio for row in tasks.evaluation_rows("dense", taken)]
    assert [share and share.median for share in shares] == [100 / 11, 200 / 11]


def test_epochs_take_turns_in_reverse_order_every_other_round() -> None:
    calls: list[str] = []
    epochs = {name: lambda name=name: calls.append(name) for name in ("a", "b")}
    samples = tasks.take_turns(epochs, rounds=3)
    assert "".join(calls) == "ab" + "ba" + "ab"
    assert {name: len(taken) for name, taken in samples.items()} == {"a": 3, "b": 3}


def test_limits_by_operations_are_those_of_the_plan() -> None:
    limits = [round(layers.limit(B), 1) for B in (3, 4, 8, 16, 32, 64)]
    assert limits == [1.8, 2.7, 4.6, 8.5, 16.5, 32.5]


@pytest.mark.parametrize("statistic", [mean_ratio, median_ratio])
def test_an_interval_holds_the_true_ratio_or_does_not(
    statistic: Callable[..., Measurement],
) -> None:
    held = [interval_coverage.covers(statistic, 2.0, trial) for trial in (38, 39, 40)]
    assert held == [True, False, True]
    assert interval_coverage.covers(statistic, 0.0, 39)  # all numbers are 1
