"""Cells of text, as numbers of the texts that their column has."""

import math
from pathlib import Path

import numpy as np

from cdbench.datasets.encoding import Texts
from cdbench.datasets.table import MOST_TEXTS
from cdbench.engine.products.base import Array
from cdbench.errors import DatasetError


class Cells:
    """Reads rows in which columns may hold text, and cells may be blank or ``nan``.

    Parameters
    ----------
    path : Path
        The file, for messages.
    texts : Texts
        Texts of each column, if they are known; otherwise ``survey`` must see all rows first.

    Attributes
    ----------
    names : tuple of str
        Names of the columns, for messages, once they are known.
    """

    def __init__(self, path: Path, texts: Texts = ()) -> None:
        self._path = path
        self.names: tuple[str, ...] = ()
        self._is_text = [bool(own) for own in texts]
        self._known = bool(texts)
        self._places = [{text: float(i) for i, text in enumerate(own)} for own in texts]

    def survey(self, cells: list[str]) -> None:
        """Learn which columns hold text: those in which a cell is neither a number nor blank."""
        if not self._is_text:
            self._is_text = [False] * len(cells)
            self._places = [{} for _ in cells]
        for i, cell in enumerate(cells):
            if not self._is_text[i] and cell.strip():
                self._is_text[i] = not is_number(cell)

    def numbers(self, line: int, cells: list[str]) -> list[float]:
        """Return a row's numbers; of a text its place, −1 if it is not known; NaN for a blank.

        Raises
        ------
        DatasetError
            If a number is infinite or a text, or a column has too many texts.
        """
        if not self._is_text:
            self._is_text, self._places = [False] * len(cells), [{} for _ in cells]
        row = []
        for i, cell in enumerate(map(str.strip, cells)):
            if not cell:
                row.append(math.nan)
            elif self._is_text[i]:
                places = self._places[i]
                found = places.get(cell)
                if found is None:
                    found = -1.0 if self._known else places.setdefault(cell, float(len(places)))
                    self._check(i, len(places))
                row.append(found)
            else:
                row.append(self._number(line, i, cell))
        return row

    def sorted_texts(self, X: Array) -> Texts:
        """Return the texts of each column, sorted, and write their places into X (N, n_columns).

        Nothing is returned if no column has any.
        """
        for i, places in enumerate(self._places):
            if places and not self._known:
                names = sorted(places)
                rank = np.empty(len(names))
                rank[[int(places[name]) for name in names]] = np.arange(len(names))
                there = ~np.isnan(X[:, i])
                X[there, i] = rank[X[there, i].astype(np.int64)]
                self._places[i] = {name: float(place) for place, name in enumerate(names)}
        return tuple(tuple(places) for places in self._places) if any(self._is_text) else ()

    def _number(self, line: int, i: int, cell: str) -> float:
        if not is_number(cell) or math.isinf(float(cell)):
            raise DatasetError(
                f"{self._path}, line {line}, {self._called(i)}: got {cell!r}, expected a finite "
                "number, or an empty cell for a blank"
            )
        return float(cell)

    def _called(self, i: int) -> str:
        return f"column {self.names[i]!r}" if self.names else f"feature {i + 1}"

    def _check(self, i: int, n: int) -> None:
        if n > MOST_TEXTS:
            raise DatasetError(
                f"{self._path}: {self._called(i)} has more than {MOST_TEXTS:,} different texts, "
                "too many to encode; where it holds numbers and a word for blanks, leave those "
                "cells empty, else leave the column out"
            )


def is_number(cell: str) -> bool:
    """Return whether a cell is one."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
