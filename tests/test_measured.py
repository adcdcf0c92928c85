"""What ``train`` prints: conditions of few layers one by one, of many by kind; a text's bits."""

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cdbench.config.run_config import RunConfig
from cdbench.diagnostics.spectra.base import Numbers, condition
from cdbench.records.run import Run
from cdbench.records.spectra import Spectrum
from cdbench.reports.formats import render
from cdbench.reports.measured import MOST_ROWS, conditions, has_summary
from cdbench.running.execution import execute
from tests.cli_tools import Here


def spectrum(layer, kind, numbers, epoch=2, step=0):
    found = condition(Numbers(np.array(numbers), 1e-9))
    return Spectrum(layer, kind, epoch, (), found, None, step)


@pytest.fixture(scope="module")
def a_run() -> Run:
    return execute(RunConfig(dataset="iris", hidden=(4,), epochs=2, layer="dense"))


def deep(run: Run, n_layers: int) -> Run:
    """κ of weight is the layer's number, but of 3 the largest; every third layer is singular."""
    spectra = [
        spectrum(layer, "weight", [99.0 if layer == 3 else layer, 1.0, layer % 3 and 1.0])
        for layer in range(1, n_layers + 1)
    ]
    spectra += [spectrum(layer, "theorem1", [2.0, 1.0]) for layer in range(1, n_layers + 1)]
    others = [spectrum(1, "weight", [1e6, 1.0], 1), spectrum(1, "theorem1", [1e6, 1.0], 2, 7)]
    return replace(run, spectra=(*spectra, *others))


def test_many_layers_are_a_row_for_each_kind(a_run):
    report = conditions(deep(a_run, 13))
    assert [list(row) for row in report.rows] == [
        ["weight", "13", "4", "8.0e0", "9.9e1", "layer 3"],
        ["theorem1", "13", "0", "2.0e0", "2.0e0", "layer 1"],
    ]
    assert max(map(len, render(report, "table", 80).splitlines())) <= 80
    many = render(conditions(deep(a_run, 10**4)), "table", 80)
    assert len(many.splitlines()) < MOST_ROWS


def test_few_layers_are_a_row_each(a_run):
    few, more = deep(a_run, MOST_ROWS // 2), deep(a_run, MOST_ROWS // 2 + 1)
    assert (has_summary(few), has_summary(more)) == (False, True)
    assert len(conditions(few).rows) == MOST_ROWS
    assert not has_summary(replace(a_run, spectra=()))


@pytest.mark.long
def test_a_texts_loss_is_told_in_bits_too(here: Here, tmp_path: Path):
    (tmp_path / "abc.txt").write_text("abcd" * 500)
    quick = ("--epochs", "2", "--context", "8", "--width", "8", "--heads", "2")
    answer = here(
        "train", "--dataset", f"text:{tmp_path / 'abc.txt'}", "--architecture", "attention", *quick
    )
    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    (at,) = [place for place, line in enumerate(lines) if line.startswith("epoch ")]
    assert lines[at] == (
        "epoch   training loss   test loss   bits/character   test accuracy   seconds"
    )
    for line in lines[at + 1 : at + 3]:
        _, _, loss, bits = re.split(" {2,}", line.strip())[:4]
        assert float(bits) == pytest.approx(float(loss) / math.log(2), abs=1e-4)
        assert len(line) <= len(lines[at]) + 2
    assert "layer_hessian       13 " in answer.out
    assert len(lines) < 30
