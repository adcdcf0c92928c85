"""A text as a data set: its characters are symbols, and each is foretold from those before it.

The last 20 % of the characters are the test part, by position: a random split would test on what
stands between samples that were trained on. Samples are windows of ``context`` characters, one
after the other; the targets of a window are the characters that follow each of its own.
"""

import hashlib
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from cdbench.config.text_sets import file_of
from cdbench.datasets.base import Dataset
from cdbench.datasets.limits import COPIES, check_fits, open_regular
from cdbench.datasets.stratified import Indices
from cdbench.errors import DatasetError, meant_file
from cdbench.records.guessing import guessing_level
from cdbench.records.published import TEST_SHARE
from cdbench.system.home_folders import expanded

EXPECTED = "expected text:FILE, a text in UTF-8"
BYTES_A_CHARACTER = 8 * COPIES + 16
"""Most bytes that a character takes: as an input of COPIES arrays, and as symbol and target."""


@dataclass(frozen=True)
class Text(Dataset):
    """Windows of a text.

    Attributes
    ----------
    name : str
        As in a configuration, for messages.
    X : (N, context) uint8, uint16 or uint32
        Symbols, as places in ``classes``.
    y : (N, context) int64
        The symbol after each.
    classes : tuple of str
        The characters of the training part, sorted.
    X_test, y_test : (N_test, context)
        Those of the test part.
    digest : str
        SHA-256 of the whole text in UTF-8: the fingerprint, whatever the context.
    """

    digest: str = ""

    task: ClassVar[str] = "language"

    def __post_init__(self) -> None:
        """Check nothing: ``read_text`` did."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the text."""
        return self.digest

    @property
    def is_large(self) -> bool:
        """No: a text takes little memory."""
        return False

    @property
    def guessing_level(self) -> float:
        """Accuracy up to which a run is no better than always guessing the most frequent character.

        With two standard errors, as if the characters of the test part were independent.
        """
        assert self.y_test is not None
        most = np.bincount(self.y.ravel()).argmax()
        p, n = float(np.mean(self.y_test == most)), self.y_test.size
        return guessing_level(p, n)

    def _held_out(self, train: Indices, share: float, seed: int) -> tuple[Indices, Indices]:
        """Return the windows of the training part without its last ones, and these."""
        del seed
        n = ceil(share * len(train))
        if n == len(train):
            raise DatasetError(
                f"{self.name}: validation = {share:g} holds out {n} of {len(train)} training "
                "samples; expected at least one left, or a smaller --context"
            )
        return train[: len(train) - n], train[len(train) - n :]


def read_text(name: str, context: int) -> Text:
    """Read a text as windows of so many characters.

    Parameters
    ----------
    name : str
        ``text:FILE``.
    context : int
        Characters of a sample.

    Raises
    ------
    DatasetError
        If the file cannot be read, is no UTF-8, is too short, or its test part has a character
        that its training part lacks.
    """
    path, text = _characters(name)
    if len(text) <= context / TEST_SHARE:
        least = int(context / TEST_SHARE) + 1
        raise DatasetError(
            f"{path}: has {len(text):,} characters, expected at least {least:,}: the test part, "
            f"the last {TEST_SHARE:.0%}, needs {context} and the one after them; or a smaller "
            "--context"
        )
    codes = np.frombuffer(text.encode("utf-32-le"), "<u4")
    n_train = len(codes) - ceil(TEST_SHARE * len(codes))
    alphabet = np.unique(codes[:n_train])
    if len(alphabet) < 2:
        raise DatasetError(f"{path}: has only one character, {text[0]!r}, expected at least two")
    symbols = np.searchsorted(alphabet, codes)
    lost = alphabet[np.minimum(symbols, len(alphabet) - 1)] != codes
    if lost.any():
        at = int(lost.argmax())
        n_others = len(np.unique(codes[lost])) - 1
        others = f" and {n_others} other{'s' * (n_others > 1)}" if n_others else ""
        raise DatasetError(
            f"{path}: the test part, the last {TEST_SHARE:.0%}, has the character "
            f"{named(text[at])}{others}, at {at + 1:,}, which the part before it lacks; expected "
            "only characters of that: replace such ones, or move a passage with them to the front"
        )
    X, y = _windows(symbols[:n_train], len(alphabet), context)
    X_test, y_test = _windows(symbols[n_train:], len(alphabet), context)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Text(name, X, y, tuple(map(chr, alphabet)), X_test, y_test, digest=digest)


def named(character: str) -> str:
    """Return a character for messages, such as ``'é' (U+00E9)``."""
    return f"{character!r} (U+{ord(character):04X})"


def _characters(name: str) -> tuple[Path, str]:
    file = file_of(name)
    if not file:
        raise DatasetError(f"{name}: names no file, {EXPECTED}")
    path = Path(expanded(file, DatasetError))
    try:
        if path.is_dir():
            raise DatasetError(f"{path}: is a folder, {EXPECTED}")
        with open_regular(path) as raw:
            check_fits(path, "its text", BYTES_A_CHARACTER * path.stat().st_size)
            content = raw.readall()
    except FileNotFoundError:
        raise DatasetError(f"{path}: no such file{meant_file(path)}, {EXPECTED}") from None
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}), {EXPECTED}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{path}: byte {error.start + 1:,} is 0x{content[error.start]:02x}, which is no UTF-8; "
            "expected a text in UTF-8: iconv -t utf-8 makes one"
        ) from None
    if not text:
        raise DatasetError(f"{path}: is empty, {EXPECTED}")
    return path, text


def _windows(
    symbols: NDArray[np.int64], n_symbols: int, context: int
) -> tuple[NDArray[np.unsignedinteger], NDArray[np.int64]]:
    """Return inputs and targets (N, context); what fills no window is left out at the end."""
    n = (len(symbols) - 1) // context * context
    kind = np.min_scalar_type(n_symbols - 1)
    X = symbols[:n].reshape(-1, context).astype(kind)
    return X, symbols[1 : n + 1].reshape(-1, context).astype(np.int64)
