"""Table 1 of the paper: all 15 cells, digit for digit (3 seeds, mean ± deviation, ddof 0).

By whichever product the network's layers are computed.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from cdbench.config.run_config import RunConfig
from cdbench.engine.products import PRODUCTS
from cdbench.running.execution import execute

TABLE_1 = {
    "dense": ("64→64→64→10", "8,970", "0.0011 ± 0.0001", "98.15 % ± 0.47 %", "5.9e6"),
    "B=4": ("64→64→64→12", "2,380", "0.0007 ± 0.0002", "97.50 % ± 0.23 %", "1.9e4"),
    "B=8": ("64→64→64→16", "1,296", "0.0157 ± 0.0165", "96.39 % ± 1.13 %", "5.1e2"),
}
CONFIGS = {"dense": RunConfig(layer="dense"), "B=4": RunConfig(B=4), "B=8": RunConfig(B=8)}
COLUMNS = ("widths", "parameters", "training loss", "test accuracy", "published kappa")


CASES = [
    (model, product)
    for model, config in CONFIGS.items()
    for product in (["auto"] if config.layer == "dense" else ["auto", *PRODUCTS])
]


@cache
def measured(model, product):
    config = replace(CONFIGS[model], product=product)
    runs = [execute(replace(config, seed=seed)) for seed in (0, 1, 2)]
    if product != "auto":
        assert {run.product_used for run in runs} == {product}
    widths = {"→".join(map(str, run.widths)) for run in runs}
    counts = {f"{run.n_parameters:,}" for run in runs}
    loss = np.array([run.epochs[-1].training_loss for run in runs])
    accuracy = 100 * np.array([run.epochs[-1].test_accuracy for run in runs])
    kappas = [[s.condition.kappa for s in run.spectra if s.kind == "published"] for run in runs]
    assert np.shape(kappas) == (3, 3)
    return (
        " ".join(widths),
        " ".join(counts),
        f"{loss.mean():.4f} ± {loss.std():.4f}",
        f"{accuracy.mean():.2f} % ± {accuracy.std():.2f} %",
        f"{np.mean(kappas):.1e}".replace("e+0", "e"),
    )


@pytest.mark.parametrize(("model", "product"), CASES)
@pytest.mark.parametrize("column", range(5), ids=COLUMNS)
def test_cell_is_the_published_one(model, product, column):
    assert measured(model, product)[column] == TABLE_1[model][column]
