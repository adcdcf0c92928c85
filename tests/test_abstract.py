"""Classes that leave something to their subclasses refuse those that do not do it."""

import ast
import inspect
import textwrap
from abc import ABC

import pytest

from cdbench import claims, sklearn
from cdbench.engine import layers, optimizers, products
from cdbench.store import postgresql, sqlite

FAMILIES = (claims, layers, optimizers, products, postgresql, sklearn, sqlite)
"""With these modules imported, all of the subclasses are there."""

MAY_DO_NOTHING = {"Layer.initialize"}
"""Methods without code that subclasses may inherit: a layer without parameters draws none."""


def below(cls):
    """All subclasses, of the package, of a class."""
    for each in cls.__subclasses__():
        yield each
        yield from below(each)


def is_of_the_package(cls):
    return cls.__module__.startswith("cdbench.") and not getattr(cls, "_is_protocol", False)


def has_no_code(method):
    """Whether a function has no more than a docstring."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(method))).body
    assert isinstance(tree, ast.FunctionDef)
    return len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr)


def left_open():
    """Each class that can be completed, a complete subclass, and a method that has no code."""
    found = []
    for cls in sorted(set(filter(is_of_the_package, below(ABC))), key=lambda cls: cls.__name__):
        complete = [
            each for each in below(cls) if is_of_the_package(each) and not inspect.isabstract(each)
        ]
        for name, method in vars(cls).items():
            function = inspect.unwrap(getattr(method, "__func__", method))
            is_new = not any(name in vars(base) for base in cls.__mro__[1:])
            if not inspect.isfunction(function) or f"{cls.__name__}.{name}" in MAY_DO_NOTHING:
                continue
            if is_new and has_no_code(function):
                found.append(pytest.param(complete[0], name, method, id=f"{cls.__name__}.{name}"))
    return found


@pytest.mark.parametrize(("complete", "name", "method"), left_open())
def test_a_subclass_without_a_method_that_has_no_code_cannot_be_made(complete, name, method):
    assert object.__new__(complete) is not None
    incomplete = type("Incomplete", (complete,), {name: method})
    with pytest.raises(TypeError, match=f"abstract.* {name}"):
        object.__new__(incomplete)


def test_every_family_of_the_package_leaves_something_open():
    families = {str(each.id).partition(".")[0] for each in left_open()}
    layers = {"Layer", "Normalization", "WeightLayer"}
    assert families == layers | {
        "CDEstimator",
        "Claim",
        "Location",
        "Loss",
        "Optimizer",
        "Product",
        "Task",
        "Smooth",
    }
