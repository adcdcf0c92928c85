"""The linear layers of a model, replaced by structured ones in place."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from cdbench.config import families
from cdbench.config.structure import Structure, Value
from cdbench.errors import (
    CdbenchError,
    ConfigurationError,
    NotDefinedError,
    UnknownNameError,
)
from cdbench.torch.arrays import to_numpy
from cdbench.torch.base import StructuredLinear
from cdbench.torch.by_family import parsed
from cdbench.torch.replacement import Replacement, Report

Where = Callable[[str, nn.Linear], bool]

INITS = ("nearest", "fresh")


def replace_linear(
    model: nn.Module,
    layer: str | type[StructuredLinear] = "cdlinear:4",
    where: Where | None = None,
    *,
    init: str = "nearest",
    moments: Mapping[str, torch.Tensor] | None = None,
    **structure: Value,
) -> Report:
    """Replace the ``nn.Linear`` layers of a model by structured ones, in place.

    All or none: if one cannot be replaced, the model stays as it was. A module that has several
    names is replaced once, under all of them. Widths, biases, dtypes, devices, ``requires_grad``
    and modes are kept. Make optimisers afterwards: the parameters are new ones.

    Left as they are, and named in the report: layers that ``where`` refuses, that share their
    weight with another module, that have hooks or are of a subclass (whose owner may read their
    weight, as ``nn.MultiheadAttention`` does), and those to which the structure would give no fewer
    weights.

    Parameters
    ----------
    model : nn.Module
        Any model but a single ``nn.Linear``.
    layer : str or class
        A specification, such as ``cdlinear:4`` or ``monarch:8,inner=16``, or a class of
        cdbench.torch.
    where : callable of (name, module), optional
        Whether to replace a layer. By default all are.
    init : str
        ``"nearest"``: the nearest members of the family. ``"fresh"``: new values, with zero biases,
        to train from scratch.
    moments : mapping of str to (in_features, in_features) tensor, optional
        Second moments of the layers' inputs (``input_moments``), for the least mean square error of
        outputs.
    **structure
        Structure parameters, beside those of a specification.

    Returns
    -------
    Report
        Relative error, parameters and multiply-adds of each layer.

    Raises
    ------
    ConfigurationError
        If no layer is left to replace, or one has no moment.
    NotDefinedError
        If nearest members of the family are not to be found.
    ShapeError
        If a weight is not finite.

    Examples
    --------
    >>> from torch import nn
    >>> from cdbench.torch import replace_linear
    >>> model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    >>> report = replace_linear(model, "low-rank:2", where=lambda name, module: name != "2")
    >>> model[0]
    LowRank(in_features=64, out_features=32, rank=2, bias=True, weights=192 (10.7 times fewer))
    >>> report.skipped
    {'2': 'not chosen'}
    """
    _check(model, where, init, moments)
    own, given = _wanted(layer, structure)
    replaced, skipped, made = [], {}, {}
    for name, linear, why in _candidates(model, where):
        if why:
            skipped[name] = why
            continue
        try:
            moment = _moment(moments, name)
            found = _made(own, given, linear, init, moment)
        except CdbenchError as error:
            hint = '; expected another family, or init="fresh"'
            error.args = (f"layer {name}: {error}{hint * isinstance(error, NotDefinedError)}",)
            raise
        if found.n_weights() < linear.in_features * linear.out_features:
            made[id(linear)] = found
            replaced.append(_replacement(name, linear, found, init, moment))
        else:
            skipped[name] = f"{own.__name__} would have {found.n_weights():,} weights, no fewer"
    if not made:
        listed = "; ".join(f"{name}: {why}" for name, why in skipped.items())
        raise ConfigurationError(
            f"no layer was replaced ({listed or 'the model has no nn.Linear'}); expected at least "
            "one, see where"
        )
    for path, module in list(model.named_modules(remove_duplicate=False)):
        if id(module) in made:
            model.set_submodule(path, made[id(module)])
    return Report(tuple(replaced), skipped)


def _check(model: object, where: object, init: object, moments: object) -> None:
    if isinstance(model, nn.Linear):
        raise ConfigurationError(
            "the model is a single Linear, which cannot be replaced in place; expected a model "
            "that has it as a part, or from_linear of the class"
        )
    if init not in INITS:
        raise UnknownNameError("init", str(init), INITS)
    for name, value, fits, expected in (
        ("model", model, isinstance(model, nn.Module), "an nn.Module"),
        ("where", where, where is None or callable(where), "a function of (name, module)"),
        (
            "moments",
            moments,
            moments is None or isinstance(moments, Mapping),
            "matrices by layers' names, as input_moments gives",
        ),
    ):
        if not fits:
            raise ConfigurationError(
                f"replace_linear got {name} of type {type(value).__name__}, expected {expected}"
            )


def _wanted(layer: object, structure: Structure) -> tuple[type[StructuredLinear], Structure]:
    """Return the class, and what it is made with besides widths."""
    if isinstance(layer, str):
        own, given = parsed(layer)
        structure = {**given, **structure}
    elif isinstance(layer, type) and issubclass(layer, StructuredLinear):
        own = layer
    else:
        raise ConfigurationError(
            f"replace_linear got layer = {layer!r}, expected a specification, such as cdlinear:4, "
            "or a class of cdbench.torch"
        )
    try:
        inspect.signature(own).bind(1, 1, **structure)
    except TypeError as error:
        raise ConfigurationError(
            f"{own.__name__} {error}; expected what its constructor takes: see help({own.__name__})"
        ) from None
    return own, structure


def _candidates(model: nn.Module, where: Where | None) -> Iterator[tuple[str, Any, str]]:
    """Yield each linear layer once, by its first name, and why it stays, if it does."""
    owners: dict[int, dict[int, str]] = {}
    for name, module in model.named_modules():
        for parameter in module.parameters(recurse=False):
            owners.setdefault(id(parameter), {})[id(module)] = name
    for name, module in model.named_modules():
        if isinstance(module, nn.MultiheadAttention):
            yield f"{name}.in_proj_weight", module, "not an nn.Linear, but a part of its module"
        if not isinstance(module, nn.Linear):
            continue
        others = [
            other for key, other in owners.get(id(module.weight), {}).items() if key != id(module)
        ]
        why = ""
        if type(module) is not nn.Linear:
            why = f"a {type(module).__name__}, whose owner may read its weight"
        elif others:
            why = f"shares its weight with {others[0]}"
        elif module._forward_hooks or module._forward_pre_hooks or module._backward_hooks:
            why = "has hooks"
        elif where is not None and not where(name, module):
            why = "not chosen"
        yield name, module, why


def _moment(moments: Mapping[str, torch.Tensor] | None, name: str) -> torch.Tensor | None:
    if moments is None:
        return None
    if name not in moments:
        raise ConfigurationError(
            f"there is no moment of its inputs (known: {', '.join(moments)}); expected one for "
            "each layer, as input_moments gives"
        )
    return moments[name]


def _made(
    own: type[StructuredLinear],
    structure: Structure,
    linear: nn.Linear,
    init: str,
    moment: torch.Tensor | None,
) -> StructuredLinear:
    if not linear.weight.is_floating_point():
        raise ConfigurationError(f"holds {linear.weight.dtype}; expected real numbers")
    if init == "nearest":
        if linear.weight.is_meta:
            raise ConfigurationError("has no values, on the device meta; expected init='fresh'")
        return own.from_linear(linear, moment=moment, **structure)
    weight, bias = linear.weight, linear.bias
    made = own.build(
        linear.in_features,
        linear.out_features,
        structure,
        bias is not None,
        weight.device,
        weight.dtype,
    )
    for name, parameter in made.named_parameters():
        parameter.requires_grad_((bias if name == "bias" else weight).requires_grad)
    return made.train(linear.training)


def _replacement(
    name: str, linear: nn.Linear, made: StructuredLinear, init: str, moment: torch.Tensor | None
) -> Replacement:
    text = families.canonical(made.family, made.structure)
    return Replacement(
        name,
        families.model_name(made.family, text, None),
        linear.in_features,
        linear.out_features,
        _relative_error(linear, made, moment) if init == "nearest" else None,
        sum(parameter.numel() for parameter in linear.parameters()),
        sum(parameter.numel() for parameter in made.parameters()),
        linear.in_features * linear.out_features,
        made.engine_layer().multiply_adds(),
    )


def _relative_error(
    linear: nn.Linear, made: StructuredLinear, moment: torch.Tensor | None
) -> float:
    """Return the root of tr(E M Eᵀ) / tr(W M Wᵀ), E = W − Ŵ; 0 for W = 0, M = I by default."""
    W = to_numpy(linear.weight, np.float64)
    E = W - to_numpy(made.to_linear().weight, np.float64)
    M = np.eye(W.shape[1]) if moment is None else to_numpy(moment, np.float64)
    size = float(np.sum(W @ M * W))
    return float(np.sqrt(max(np.sum(E @ M * E), 0.0) / size)) if size else 0.0
