"""The user's text escaped for Markdown, LaTeX, CSV and JSON: printed as it is, not interpreted."""

import json
import re
import unicodedata
from collections.abc import Mapping
from math import isfinite, isnan
from typing import Any

from cdbench.system.printable import printable

_MARKDOWN = re.compile(
    r"[\\`*_<\[&~$]"  # emphasis, code, HTML, links, entities, strikethrough, GitHub's formulas
    r"|:(?=//)|(?<=www)\.|@",  # and what GitHub turns into links
    re.IGNORECASE,
)
_BLOCK = re.compile(r"^([#+=>-]|\d+(?=[.)]))", re.ASCII)
"""What makes a line a heading, a list or a quotation unless it is escaped."""


def markdown_text(text: str) -> str:
    """Return one line of Markdown that shows the text; HTML and links in it have no effect."""
    text = _MARKDOWN.sub(r"\\\g<0>", printable(text).strip())
    return _BLOCK.sub(_escaped_start, text)


def markdown_cell(text: str) -> str:
    """Return a cell of a Markdown table that shows the text."""
    # In a cell only inline Markdown is read, so its start has no special meaning.
    return _MARKDOWN.sub(r"\\\g<0>", printable(text).strip()).replace("|", r"\|")


def _escaped_start(match: "re.Match[str]") -> str:
    start = match[0]
    return f"{start}\\" if start.isdigit() else f"\\{start}"


_LATEX = {
    "\\": r"\textbackslash{}",
    **{character: "\\" + character for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "`": r"\textasciigrave{}",
    "±": r"$\pm$",
    "→": r"$\to$",
    "κ": r"$\kappa$",
    "σ": r"$\sigma$",
    "ĉ": r"$\hat{c}$",
    "²": r"$^2$",
    "∞": r"$\infty$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "λ": r"$\lambda$",
    "ε": r"$\varepsilon$",
    "µ": r"$\mu$",
    "μ": r"$\mu$",
    "Δ": r"$\Delta$",
    "Θ": r"$\Theta$",
    "η": r"$\eta$",
    "α": r"$\alpha$",
    "∝": r"$\propto$",
    "√": r"$\surd$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "≈": r"$\approx$",
    "−": r"$-$",
    "✓": r"$\surd$",
    "✗": r"$\neq$",
    "|": r"\textbar{}",
    "[": "{[}",  # at the start of a row it would begin the line break's optional argument
    "*": "{*}",  # and this would be its star
    "–": "--",
    "—": "---",
    "…": r"\dots{}",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}

_NOT_IN_T1 = frozenset("ĦħĸĿŀŉŦŧſ÷×")
"""Characters from À to ž that T1 fonts lack."""


def latex_escape(text: str) -> str:
    """Return text that LaTeX prints as it is, with only T1 fonts and the base packages.

    A character that they cannot print, such as an emoji, becomes its number: U+1F600.
    """
    words = printable(text).split("--")  # which TeX would make one dash of
    text = "-{}-".join("".join(map(_latex_character, word)) for word in words)
    parts = text.split('"')  # straight quotes, in pairs
    return "".join(
        part if i == 0 else ("``" if i % 2 else "''") + part for i, part in enumerate(parts)
    )


_EXPONENT = re.compile(r"(?<![\w.])(\d(?:\.\d+)?)e(-?\d+)(?![\w.])")


def latex_numbers(text: str) -> str:
    """Escape our own text like ``latex_escape``, but write 5.9e6 in it as 5.9×10⁶."""
    words = _EXPONENT.split(text)  # words alternate with mantissas and exponents
    powers = [rf"${m}\times10^{{{e}}}$" for m, e in zip(words[1::3], words[2::3], strict=True)]
    return "".join(
        latex_escape(word) + power for word, power in zip(words[::3], [*powers, ""], strict=True)
    )


def _latex_character(character: str) -> str:
    if character in _LATEX:
        return _LATEX[character]
    if " " <= character <= "~" or ("À" <= character <= "ž" and character not in _NOT_IN_T1):
        return character
    if character.isspace():
        return " "
    return rf"\texttt{{U+{ord(character):04X}}}"


FORMULA_STARTS = "=+-@"
"""First characters by which a spreadsheet takes a CSV cell for a formula."""

UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Me", "Mn", "Zl", "Zp", "Zs"})
"""Categories of blanks and of characters invisible on their own: some spreadsheets drop them."""

FILLERS = "\u115f\u1160\u2800\u3164\uffa0"
"""Blank letters and a blank Braille pattern."""


def csv_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record as CSV values: numbers unchanged, and no text that is a formula.

    Such text gets a leading apostrophe, which spreadsheets do not show.
    """
    return {name: csv_cell(value) for name, value in record.items()}


def csv_cell(value: Any) -> Any:
    """Return a value of a CSV record, as ``csv_record`` does."""
    if not isinstance(value, str):
        return value
    guarded = _is_formula(value) or value.startswith(("\t", "\r", "\n"))
    return "'" * guarded + printable(value)


def _is_formula(text: str) -> bool:
    """Return whether the first visible character begins a formula, even if full-width."""
    for character in text:
        if unicodedata.category(character) not in UNSEEN and character not in FILLERS:
            return unicodedata.normalize("NFKC", character)[0] in FORMULA_STARTS
    return False


def json_text(value: Any, indent: int | None = None) -> str:
    """Return a value as JSON that gives every number back exactly, and controls no terminal.

    JSON has no infinity, and null would be no value: it is the text "Infinity", which pandas, jq's
    ``tonumber``, Python's ``float``, JavaScript's ``Number`` and PostgreSQL read as the number.

    Examples
    --------
    >>> json_text({"kappa": [1.5, float("inf"), None]})
    '{"kappa": [1.5, "Infinity", null]}'
    """
    text = json.dumps(_finite(value), indent=indent, ensure_ascii=False, allow_nan=False)
    return "\n".join(map(_json_line, text.split("\n")))


def _finite(value: Any) -> Any:
    """Return a value with texts in place of the numbers that JSON does not have."""
    if isinstance(value, float):
        if isfinite(value):
            return value
        return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value


def _json_line(line: str) -> str:
    return line if line.isprintable() else "".join(map(_json_character, line))


def _json_character(character: str) -> str:
    if printable(character) == character:
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
