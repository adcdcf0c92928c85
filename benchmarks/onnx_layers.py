"""Layers that keep their structure in an ONNX graph, against their whole matrices, in onnxruntime.

Three weight layers of equal widths, float32, one thread. Both graphs take turns, and must give the
same logits. Seconds are the processor's, whose ratios repeat on a machine that others use too.
"""

import time
from collections.abc import Callable
from unittest import mock

import numpy as np
import onnxruntime  # type: ignore[import-untyped]

from cdbench.config.run_config import RunConfig
from cdbench.engine.building import build_network
from cdbench.trained import onnx_weights
from cdbench.trained.model import TrainedModel
from cdbench.trained.onnx_graph import onnx_model
from measure import Row, Spread, alternate, arguments, one_thread, print_footer, print_rows

LAYERS = (
    "cdlinear:4",
    "cdlinear:8",
    "cdlinear:16",
    "low-rank:16",
    "block-diagonal:8",
    "monarch:16",
    "kronecker:4",
)
WIDTHS, SAMPLES, ROUNDS = (64, 256, 512, 1024), (1, 16, 256), 11
WHOLE = "whole matrix"


def session(model: TrainedModel, fewest: int) -> onnxruntime.InferenceSession:
    """Return the graph whose layers of so many entries keep their structure, ready to run."""
    with mock.patch.object(onnx_weights, "FEWEST_ENTRIES", fewest):
        content = onnx_model(model)[0].SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def compare(n: int, N: int, layers: tuple[str, ...], rounds: int) -> None:
    """Let structure and whole matrix take turns for each family, and print."""
    rows = []
    for layer in layers:
        config = RunConfig(layer=layer, hidden=(n, n), dtype="float32")
        network = build_network(config, n, n)
        parameters = network.initial_parameters(np.random.default_rng(0), "float32")
        classes = tuple(map(str, range(n)))
        model = TrainedModel(
            config=config, parameters=parameters, n_features=n, n_outputs=n, classes=classes
        )
        X = np.random.default_rng(1).normal(size=(N, n)).astype("float32")
        both = {layer: session(model, 0), WHOLE: session(model, 2 * n**2)}
        first, second = (own.run(["logits"], {"features": X})[0] for own in both.values())
        if np.abs(first - second).max() > 1e-5 * np.abs(first).max():
            raise SystemExit(f"{layer}: the graphs give different logits")

        def call(own: onnxruntime.InferenceSession, X: np.ndarray = X) -> Callable[[], object]:
            return lambda: own.run(["logits"], {"features": X})

        calls = {name: call(own) for name, own in both.items()}
        taken = alternate(calls, rounds, clock=time.process_time)
        ratio = Spread.of_ratios(taken[WHOLE], taken[layer])
        rows.append(Row(layer, Spread.of(taken[layer]), ratio, WHOLE))
    print_rows(f"{n} wide, {N} samples", rows, "µs")


def main() -> None:
    """Measure and print."""
    asked = arguments(__doc__).parse_args()
    one_thread()
    layers, rounds = (LAYERS[:1], 1) if asked.quick else (LAYERS, ROUNDS)
    for n in WIDTHS[:1] if asked.quick else WIDTHS:
        for N in SAMPLES[:1] if asked.quick else SAMPLES:
            compare(n, N, layers, rounds)
    print_footer([])


if __name__ == "__main__":
    main()
