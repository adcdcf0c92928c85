"""The laws that what a plug-in brings must obey, checked before any run, in milliseconds.

A layer that broke one would train nonsense, or fail in the middle of a sweep. They are tried on
small layers with random parameters. What costs more (the variance at the start, the rank of W) is
in ``tests/layer_laws.py``.
"""

import inspect
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from cdbench.config.plugin_source import described
from cdbench.config.structure import StructureParameter
from cdbench.engine.layers.base import EVALUATION, Layer, Params
from cdbench.engine.layers.weight_layer import WeightLayer
from cdbench.engine.products.base import Array
from cdbench.errors import CdbenchError, PluginError, ShapeError

SIZES = ((8, 12), (12, 8), (8, 8))
"""Widths that are tried, rounded up to the family's multiple."""

N = 3
"""Samples."""

STEP = 1e-6
"""Of central differences."""

COMPLEX_STEP = 1e-20j
"""Which are exact: nothing cancels."""

TOLERANCE = {"matrix": 1e-9, "gradient": 1e-5}

NAME = re.compile(r"[A-Za-z][\w-]*")

WORDS_OF_A_CLAIM = (
    *("title", "statement", "where", "published", "method", "rule", "overturn"),
)  # fmt: skip


def checked(found: Any) -> Any:
    """Return what a plug-in brings, ready for use, if it obeys the laws of its kind.

    Raises
    ------
    PluginError
        If it does not, in one line with the law.
    """
    if not isinstance(found.name, str) or NAME.fullmatch(found.name) is None:
        raise PluginError(f"{found}: expected a name of letters, digits, - and _ only")
    value = found.value
    if found.kind == "dataset":
        _expect(found, callable(value), f"is {value!r}", "a function that returns a Dataset")
        return found
    _expect(found, isinstance(value, type), f"is {value!r}", "a class")
    lacks = ", ".join(sorted(getattr(value, "__abstractmethods__", ())))
    _expect(found, not inspect.isabstract(value), f"lacks {lacks}", "them defined")
    if found.kind == "claim":
        _expect(found, getattr(value, "name", None) == found.name, "has another name", found.name)
        for word in WORDS_OF_A_CLAIM:
            _expect(found, bool(getattr(value, word, "")), f"has no {word}", "a text")
        with _named(found, "__init__"):
            return replace(found, value=value())
    _check_family(found)
    return found


def _check_family(found: Any) -> None:
    family = found.value
    _expect(found, issubclass(family, WeightLayer), "is no WeightLayer", "one")
    _expect(found, family.family == found.name, f"has family {family.family!r}", found.name)
    parts = family.structure
    ours = isinstance(parts, tuple | list) and all(isinstance(p, StructureParameter) for p in parts)
    _expect(found, ours, f"has structure {parts!r}", "a tuple of StructureParameter")
    with _named(found, "width_multiple"):
        structure = {own.name: own.default for own in parts if own.default is not None}
        multiple = family.width_multiple(structure)
    whole = isinstance(multiple, int | np.integer) and multiple >= 1
    _expect(found, whole, f"width_multiple gave {multiple!r}", "a whole number of at least 1")
    layers, fault = [], ""
    for sizes in SIZES:
        widths = [-(-size // multiple) * multiple for size in sizes]
        with _named(found, "build"):
            try:
                layers.append((family.build(*widths, structure), *widths))
            except ShapeError as error:  # there is none of these widths
                fault = str(error)
    _expect(found, bool(layers), f"cannot be built: {fault}", "a layer of 8 to 12 entries")
    for layer, n_in, n_out in layers:
        own = (getattr(layer, "n_in", None), getattr(layer, "n_out", None))
        _expect(found, own == (n_in, n_out), f"has widths {own}", str((n_in, n_out)))
        _expect(found, layer.vertices is None, "takes vertices", "rows, (N, n_in)")
        params = _check_parameters(found, layer)
        _check_maps(found, layer, params)
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            with _named(found, "hessian_spectrum"):
                layer.hessian_spectrum(params, np.ones((N, n_in)))
            _check_complex_steps(found, layer, params)
        for count in ("multiply_adds", "expected_rank", "n_null_directions"):
            with _named(found, count):
                n = getattr(layer, count)()
            whole = isinstance(n, int | np.integer) and n >= 0
            _expect(found, whole, f"{count} gave {n!r}", "a whole number")


def _check_parameters(found: Any, layer: Layer) -> Params:
    """Return random parameters, if the shapes and the initial values are what they should be."""
    with _named(found, "parameter_shapes"):
        shapes = layer.parameter_shapes()
        bias = dict(shapes).get("bias")
    _expect(found, bias == (layer.n_out,), f"bias has shape {bias}", str((layer.n_out,)))
    for name, shape in shapes.items():
        whole = isinstance(shape, tuple) and all(
            isinstance(n, int | np.integer) and n >= 0 for n in shape
        )
        _expect(found, whole, f"{name} has shape {shape!r}", "a tuple of whole numbers")
    for name, order in layer.memory_order.items():
        axes = tuple(range(len(shapes.get(name, ()))))
        _expect(found, tuple(sorted(order)) == axes, f"memory_order of {name}", f"axes {axes}")
    params = _unset(layer)
    with _named(found, "initialize"):
        layer.initialize(params, np.random.default_rng(0))
    for name, array in params.items():
        _expect(found, np.isfinite(array).all(), f"initialize leaves {name} unset", "all set")
        array[...] = np.random.default_rng(1).normal(size=array.shape)
    return params


def _check_maps(found: Any, layer: WeightLayer, params: Params) -> None:
    """Check matrix, forward and pullback against each other."""
    rng = np.random.default_rng(2)
    x, dy = rng.normal(size=(N, layer.n_in)), rng.normal(size=(N, layer.n_out))
    with _named(found, "matrix"):
        W = layer.matrix(params)
    _expect_shape(found, "matrix gave", W, (layer.n_out, layer.n_in))
    with _named(found, "bind"):
        y, run, pullback = layer.bind(params, x, EVALUATION)
        run()
    _expect_shape(found, f"forward of {x.shape} gave", y, dy.shape)
    _expect_close(found, "forward", y, x @ W.T + params["bias"], "x Wᵀ + bias")
    grads = _unset(layer)
    with _named(found, "the pullback"):
        dx = pullback(dy, grads)
    _expect_shape(found, f"the pullback of {dy.shape} gave", dx, x.shape)
    _expect_close(found, "the pullback", dx, dy @ W, "dy W")
    for name, grad in grads.items():
        lost = f"the pullback leaves the gradient of {name} unset"
        _expect(found, np.isfinite(grad).all(), lost, "all of it written")
    with _named(found, "the pullback with wanted=False"):
        pullback(dy, _unset(layer), wanted=False)  # type: ignore[call-arg]
    for name, array in params.items():
        slope = _slope(array, rng.normal(size=array.shape), lambda: _loss(layer, params, x, dy))
        got = np.sum(grads[name] * slope[0])
        law = f"the gradient of {name} is {got:.4g} along a direction"
        near = abs(got - slope[1]) <= TOLERANCE["gradient"] * (1 + abs(slope[1]))
        _expect(found, near, law, f"{slope[1]:.4g}, by differences of forward")
    for array in params.values():
        array[...] = 2 * array
    run()
    again = layer.forward(params, x, EVALUATION)[0]
    _expect_close(found, "a second run", y, again, "what the parameters are then")


def _check_complex_steps(found: Any, layer: WeightLayer, params: Params) -> None:
    """Check that complex steps are derivatives, as spectra and curvature take them to be."""
    rng = np.random.default_rng(3)
    x, dy = rng.normal(size=(N, layer.n_in)), rng.normal(size=(N, layer.n_out))
    start = {**params, "x": x, "dy": dy}
    v = {name: rng.normal(size=array.shape) for name, array in start.items()}

    def after(step: complex) -> dict[str, Array]:
        at = {name: array + step * v[name] for name, array in start.items()}
        moved, grads = (_unset(layer, type(step)) for _ in range(2))
        for name, array in moved.items():
            array[...] = at[name]
        with _named(found, "forward or the pullback of complex arrays"):
            y, pullback = layer.forward(moved, at["x"], EVALUATION)
            dx = pullback(at["dy"], grads)
        of_weights = {f"the gradient of {name}": grad for name, grad in grads.items()}
        return {"forward": y, "the pullback": dx, **of_weights}

    stepped, above, below = after(COMPLEX_STEP), after(STEP), after(-STEP)
    for what, array in stepped.items():
        slope, wanted = array.imag / abs(COMPLEX_STEP), (above[what] - below[what]) / (2 * STEP)
        off = float(np.max(np.abs(slope - wanted), initial=0.0))
        near = off <= TOLERANCE["gradient"] * (1 + float(np.max(np.abs(wanted), initial=0.0)))
        law = f"a complex step's slope of {what} is off by {off:.2g}"
        _expect(found, near, law, "complex arrays to pass through")


def _loss(layer: WeightLayer, params: Params, x: Array, dy: Array) -> float:
    return float(np.sum(layer.forward(params, x, EVALUATION)[0] * dy))


def _slope(array: Array, v: Array, loss: Callable[[], float]) -> tuple[Array, float]:
    """Return a direction, and how the loss rises along it, by central differences."""
    kept, sides = array.copy(), []
    for step in (STEP, -STEP):
        array[...] = kept + step * v
        sides.append(loss())
    array[...] = kept
    return v, (sides[0] - sides[1]) / (2 * STEP)


def _unset(layer: Layer, dtype: type = float) -> Params:
    """Return arrays for the parameters, in their memory order, that hold no numbers yet."""
    arrays = {}
    for name, shape in layer.parameter_shapes().items():
        order = layer.memory_order.get(name, tuple(range(len(shape))))
        memory: Array = np.full([shape[axis] for axis in order], np.nan, dtype)
        arrays[name] = memory.transpose(np.argsort(order))
    return arrays


@contextmanager
def _named(found: Any, method: str) -> Iterator[None]:
    """Turn whatever a method raises into one line that names it."""
    try:
        yield
    except CdbenchError as error:
        raise PluginError(f"{found}: {method}: {error}") from error
    except Exception as error:
        words = described(error, found.path or "")
        raise PluginError(f"{found}: {method} raised {words}") from error


def _expect(found: Any, holds: object, what: str, expected: str) -> None:
    if not holds:
        raise PluginError(f"{found}: {what}, expected {expected}")


def _expect_shape(found: Any, what: str, array: object, shape: tuple[int, ...]) -> None:
    got = getattr(array, "shape", None)
    _expect(
        found, got == shape, f"{what} {type(array).__name__ if got is None else got}", str(shape)
    )


def _expect_close(found: Any, what: str, got: Array, wanted: Array, law: str) -> None:
    off = float(np.max(np.abs(got - wanted))) if np.isfinite(got).all() else np.inf
    near = off <= TOLERANCE["matrix"] * (1 + float(np.max(np.abs(wanted))))
    _expect(found, near, f"{what} is off by {off:.2g}", law)
