"""Trained models as .npz files: arrays, and a JSON header that says what they are. No pickle.

The arrays are ``parameters``, and those of ``records.weights_parts``; ``header`` is a text. A file
is not trusted: its sizes are checked before it is read, its numbers afterwards, and Python objects
are refused.
"""

import io
import json
import zipfile
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import cdbench
from cdbench.config.run_config import RunConfig
from cdbench.datasets.limits import check_fits, open_regular
from cdbench.datasets.npz_file import UNREADABLE, Directory, member_array, member_header
from cdbench.errors import CdbenchError, DatasetError, ModelError, PluginError, meant_file
from cdbench.records.weights_parts import arrays_of, parts_of, weights_of
from cdbench.system.output_files import write_output
from cdbench.trained.model import TrainedModel

FORMAT = "cdbench model"
VERSION = 1
"""Of the format: a reader refuses a version that it does not know."""

EXPECTED = "expected a model as cdbench model export writes it"
HEADER, PARAMETERS = "header", "parameters"
PICKLE = b"\x80"
"""How a pickle begins, of any protocol that is still written."""

DAMAGED = (*UNREADABLE, KeyError, TypeError, AttributeError, RecursionError)
"""What a file raises that is no archive, or lacks something."""


def save(model: TrainedModel, path: str | Path) -> bool:
    """Write a model to a .npz file, replacing what is there; return False if it is a stream.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    content = io.BytesIO()
    header = np.array(json.dumps(header_of(model), ensure_ascii=False))
    arrays: dict[str, Any] = {HEADER: header, PARAMETERS: model.parameters} | arrays_of(model)
    np.savez_compressed(content, **arrays)
    return write_output(path, content.getvalue(), "OUTPUT")


def load(path: str | Path) -> TrainedModel:
    """Read a model from a .npz file.

    Raises
    ------
    ModelError
        If it cannot be read, is of an unknown version of the format, holds Python objects, or its
        parts do not fit each other.
    PluginError
        If it has plug-ins that are not here.
    """
    try:
        arrays = _arrays(Path(path))
        header = json.loads(str(arrays.pop(HEADER)))
        return _model(header, arrays)
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file{meant_file(Path(path))}; {EXPECTED}") from None
    except DatasetError as error:  # which names the file
        raise ModelError(str(error)) from None
    except PluginError:
        raise
    except CdbenchError as error:
        raise ModelError(f"{path}: {error}") from None
    except DAMAGED as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else error
        raise ModelError(f"{path}: cannot be read as a model ({reason}); {EXPECTED}") from None


def header_of(model: TrainedModel) -> dict[str, Any]:
    """Return what a model is besides its arrays, as plain values for JSON."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "cdbench_version": model.cdbench_version,
        "run_uuid": model.run_uuid,
        "config": json.loads(model.config.canonical_json()),
        "digest": model.digest,
        "layers": layers_of(model),
    } | parts_of(model)


def layers_of(model: TrainedModel) -> list[dict[str, Any]]:
    """Return where each layer's parameters are in the flat vector.

    A parameter of ``shape`` begins at ``offset``; ``axes`` are its axes in memory, slowest first.
    """
    found: list[dict[str, Any]] = []
    offset = 0
    for layer in model.network.layers:
        parameters = []
        for name, shape in layer.parameter_shapes().items():
            axes = list(layer.memory_order.get(name, range(len(shape))))
            own = {"name": name, "shape": list(shape), "offset": offset, "axes": axes}
            parameters.append(own)
            offset += prod(shape)
        sizes = {"n_in": layer.n_in, "n_out": layer.n_out}
        found.append({"layer": type(layer).__name__, **sizes, "parameters": parameters})
    return found


def _model(header: dict[str, Any], arrays: dict[str, Any]) -> TrainedModel:
    """Return the model of a header and its arrays, once they fit each other."""
    if header.get("format") != FORMAT or header.get("version") != VERSION:
        found = f"{header.get('format')!r} version {header.get('version')!r}"
        raise ModelError(
            f"is of the format {found}, expected {FORMAT!r} version {VERSION}, the only one that "
            f"cdbench {cdbench.__version__} reads"
        )
    weights = weights_of(header, arrays.pop(PARAMETERS), arrays)
    if weights.digest != header["digest"]:
        raise ModelError(
            f"its parameters have the digest {weights.digest[:12]}, but the header says "
            f"{header['digest'][:12]}; the file was changed since it was written"
        )
    config = RunConfig.from_mapping(header["config"])
    for name in ("cdbench_version", "run_uuid"):
        if not isinstance(header[name], str) and (name, header[name]) != ("run_uuid", None):
            raise ModelError(f"{name} is {header[name]!r}, expected a text")
    own = {"run_uuid": header["run_uuid"], "cdbench_version": header["cdbench_version"]}
    model = TrainedModel.of(weights, config, **own)
    if layers_of(model) != header["layers"]:
        raise ModelError(
            "its header has other layers than a network of its configuration, expected "
            f"{config.model} as cdbench {cdbench.__version__} builds it"
        )
    return model


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read all arrays of an archive once their sizes are known to fit into memory."""
    with open_regular(path) as raw, Directory(raw) as file:
        if file.peek(1)[:1] == PICKLE:
            raise DatasetError(
                f"{path}: is a pickle, which is refused: reading one runs whatever code it holds; "
                f"{EXPECTED}"
            )
        with zipfile.ZipFile(file) as archive:
            members = [member_header(path, archive, name, EXPECTED) for name in archive.namelist()]
            check_fits(path, "the model", 2 * sum(one.n_bytes for one in members))
            return {
                one.name.removesuffix(".npy"): member_array(path, archive, one, EXPECTED)
                for one in members
            }
