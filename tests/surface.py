"""What ``import cdbench`` offers, name by name, with every signature.

``python -m tests.surface`` writes it to tests/assets/surface.txt.
"""

import inspect
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cdbench

LOOKED_UP = (property, cached_property)

FILE = Path(__file__).parent / "assets" / "surface.txt"


def public() -> Iterator[tuple[str, Any]]:
    """Yield every public name with what it is: those of cdbench, and the members of its classes."""
    for name in sorted((*cdbench.__all__, *cdbench._BESIDE_ALL)):
        found = getattr(cdbench, name)
        yield name, found
        if isinstance(found, type) and not issubclass(found, Exception):
            for member in sorted(own for own in dir(found) if not own.startswith("_")):
                value = inspect.getattr_static(found, member)
                if isinstance(value, LOOKED_UP) or callable(getattr(found, member)):
                    yield f"{name}.{member}", value


def lines() -> list[str]:
    """Return the surface, a line for each name, and for each field of a dataclass."""
    written = []
    for name, found in public():
        if isinstance(found, LOOKED_UP):
            written.append(f"{name}: property")
        elif isinstance(found, type) and issubclass(found, Exception):
            written.append(f"{name}({found.__base__.__name__})")  # type: ignore[union-attr]
        elif isinstance(found, type):
            written.append(f"{name}: class")
            written += [f"{name}.{own}" for own in _fields(found)] if is_dataclass(found) else []
        else:
            bound = found.__func__ if isinstance(found, classmethod | staticmethod) else found
            written.append(f"{name}{_plain(str(inspect.signature(bound)))}")
    return sorted(written)


def _fields(found: type) -> Iterator[str]:
    for own in fields(found):
        if not own.name.startswith("_"):
            default = "" if own.default is MISSING else f" = {own.default!r}"
            yield f"{own.name}: {_plain(inspect.formatannotation(own.type))}{default}"


def _plain(text: str) -> str:
    """Return annotations without modules, alike in all versions of Python and NumPy."""
    while (start := text.find("numpy.ndarray[")) >= 0:
        end = start + len("numpy.ndarray[")
        while text.count("[", start, end) > text.count("]", start, end):
            end += 1
        text = f"{text[:start]}NDArray{text[end:]}"
    text = re.sub(r"ForwardRef\('(\w+)'\)", r"\1", text)
    text = re.sub(r"\b(?:typing\.)?Optional\[(\w+)\]", r"\1 | None", text)
    return re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Z])", "", text)


if __name__ == "__main__":
    FILE.write_text("\n".join(lines()) + "\n", encoding="utf-8")
