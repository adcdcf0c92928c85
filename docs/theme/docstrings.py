"""Docstrings that are put together when a class is made, for the page of the Python API."""

import inspect
from importlib import import_module
from typing import Any

import griffe


class MadeDocstrings(griffe.Extension):
    """Reads the docstrings of classes that ``documented`` completes from the classes themselves."""

    def on_class(self, *, cls: griffe.Class, **_: Any) -> None:
        """Take a class's docstring as Python has it."""
        if cls.docstring and any(str(one.value) == "documented" for one in cls.decorators):
            made = getattr(import_module(cls.module.path), cls.name)
            cls.docstring.value = inspect.getdoc(made) or ""
