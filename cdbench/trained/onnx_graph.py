"""A trained network as an ONNX model (extra ``onnx``), from raw features to predictions.

In evaluation, of ONNX's default operations only, with a free number of samples.
"""

import json
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from cdbench.engine.graph import INPUT
from cdbench.engine.layers import BatchNorm
from cdbench.engine.products.base import Array
from cdbench.errors import ConfigurationError, ModelError
from cdbench.system.output_files import write_output
from cdbench.trained.model import TrainedModel
from cdbench.trained.onnx_inputs import add_inputs
from cdbench.trained.onnx_layers import add_layer
from cdbench.trained.onnx_nodes import Nodes, Rows
from cdbench.trained.onnx_weights import add_weights
from cdbench.trained.properties import properties

OPSET, IR_VERSION = 18, 8
"""Of ONNX 1.13, of December 2022, which runtimes have read since 2023."""

MOST_BYTES = 2_000_000_000
"""Of constants: a file of protocol buffers has at most 2 GiB."""

SAMPLES = "N"
"""Name of the free length."""


def export_onnx(model: TrainedModel, path: str | Path) -> str | None:
    """Write a model as ONNX; return in a line how its layers are computed, or None of a stream.

    The inputs are raw features, (N, n_columns) of the configuration's type, or of a text the
    symbols, (N, context) int64. The outputs are ``logits`` and ``probabilities``, (N, n_classes),
    of a text (N, context, n_symbols); or of a regression ``value`` (N, 1), in the target's unit.

    Parameters
    ----------
    model : TrainedModel
    path : str or Path
        Where to; a file that is there is replaced.

    Raises
    ------
    ConfigurationError
        If onnx is not installed.
    ModelError
        If the network has a layer that is not known here, or too many parameters.
    """
    proto, line = onnx_model(model)
    return line if write_output(path, proto.SerializeToString(deterministic=True)) else None


def onnx_model(model: TrainedModel) -> tuple[Any, str]:
    """Return the ModelProto of a trained network, and how its layers are computed, in a line."""
    try:
        from onnx import TensorProto, helper, numpy_helper
    except ImportError:
        raise ConfigurationError(
            "--format onnx needs onnx, which is not installed; type: pip install 'cdbench[onnx]'"
        ) from None
    nodes = Nodes(model.config.dtype)
    is_text = model.config.task == "language"
    given = "symbols" if is_text else "features"
    ways = _add_network(model, given, nodes)
    outputs = _add_outputs(model, nodes)
    if sum(one.nbytes for one in nodes.constants.values()) > MOST_BYTES:
        raise ModelError("the model has more than 2 GB, expected --format npz or torch")
    number = TensorProto.FLOAT if nodes.dtype == np.float32 else TensorProto.DOUBLE
    graph = helper.make_graph(
        [
            helper.make_node(one.operator, one.inputs, [one.output], one.output, **one.attributes)
            for one in nodes.nodes
        ],
        "cdbench",
        [
            helper.make_tensor_value_info(
                given, TensorProto.INT64 if is_text else number, (SAMPLES, model.n_columns)
            )
        ],
        [helper.make_tensor_value_info(name, number, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in nodes.constants.items()],
    )
    proto = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="cdbench",
        producer_version=model.cdbench_version,
    )
    said = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in properties(model).items()
    }
    helper.set_model_props(proto, said)
    return proto, f"ONNX opset {OPSET} in {nodes.dtype}; {_line(ways)}"


def _add_network(model: TrainedModel, given: str, nodes: Nodes) -> list[str]:
    """Append everything up to the logits, the last node; return how each weight layer is done."""
    network = model.network
    places = {place.position: place for place in network.weight_layers}
    statistics = model.context.statistics or {}
    x = given if given == "symbols" else add_inputs(model.inputs, given, nodes)
    rows = {INPUT: Rows(x, network.n_in)}
    ways = []
    for position, (layer, views) in enumerate(zip(network.layers, model.views(), strict=True)):
        nodes.scope = f"{position}.{type(layer).__name__}"
        params: dict[str, Array] = {name: own.astype(np.float64) for name, own in views.items()}
        into = tuple(rows[source] for source in network.sources[position])
        if position in places:
            rows[position], way = add_weights(places[position], params, into[0], nodes)
            ways.append(way)
        else:
            moments = statistics.get(layer) if isinstance(layer, BatchNorm) else None
            rows[position] = add_layer(layer, into, nodes, params, moments)
    return ways


def _add_outputs(model: TrainedModel, nodes: Nodes) -> dict[str, tuple[str | int, ...]]:
    """Append what is made of the last node's logits; return the shapes of outputs by name."""
    nodes.scope = "outputs"
    last = nodes.nodes[-1].output
    if model.target is not None:
        scaled = nodes.add("Mul", last, nodes.numbers(model.target.unit))
        last = nodes.add("Add", scaled, nodes.numbers(model.target.mean))
        nodes.call(last, "value")
        return {"value": (SAMPLES, 1)}
    shape: tuple[str | int, ...] = (SAMPLES, model.n_outputs)
    if model.config.task == "language":
        last = nodes.reshaped(last, -1, model.n_features, model.n_outputs)
        shape = (SAMPLES, model.n_features, model.n_outputs)
    nodes.call(last, "logits")
    nodes.call(nodes.add("Softmax", "logits", axis=-1), "probabilities")
    return {"logits": shape, "probabilities": shape}


def _line(ways: Sequence[str]) -> str:
    """Return which weight layers are computed how."""
    parts, first = [], 1
    for way, same in groupby(ways):
        last = first + len(list(same)) - 1
        parts.append(f"{first if first == last else f'{first} to {last}'} {way}")
        first = last + 1
    return f"weight layer{'s' * (len(ways) > 1)} {', '.join(parts)}"
