"""Folding a cell to a width: texts between words, numbers before their deviation or interval.

Where that is not enough, specifications such as ``gaussian:classes=5,kappa=10`` after their commas.
"""

import re

INDENT = "  "
"""Before the lines of a text that goes on."""

_WORDS = re.compile(r"(?<= )(?=\S)")
_SPECIFICATIONS = re.compile(r"(?<= )(?=\S)|(?<=,)(?=[^\s\d])")
_NUMBERS = re.compile(r"(?<= )(?=[±(])|(?<=→)")
_FINELY = re.compile(r"(?<= )(?=[±(…])|(?<=→)")


def pieces_of(cell: str, is_text: bool, *, finely: bool = True) -> list[str]:
    """Split a cell into the pieces that may go on separate lines."""
    if is_text:
        return (_SPECIFICATIONS if finely else _WORDS).split(cell)
    return (_FINELY if finely or "(" not in cell else _NUMBERS).split(cell)


def fold(cell: str, is_text: bool, width: int, *, hang: bool = False) -> str:
    """Return the cell in lines no longer than the width, as far as its pieces allow."""
    from rich.cells import cell_len

    if cell_len(cell) <= width:
        return cell
    pieces = pieces_of(cell, is_text, finely=False)
    if any(cell_len(piece.rstrip()) > width for piece in pieces):
        pieces = pieces_of(cell, is_text)
    indent = INDENT if hang and is_text else ""
    if any(cell_len(indent + piece.rstrip()) > width for piece in pieces[1:]):
        indent = ""
    lines = [""]
    for piece in pieces:
        if not lines[-1].strip() or cell_len(lines[-1] + piece.rstrip()) <= width:
            lines[-1] += piece
        else:
            lines.append(indent + piece)
    # Blanks at the end of a cell stay.
    return "\n".join([*(line.rstrip() for line in lines[:-1]), lines[-1]])
