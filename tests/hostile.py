"""Names that would do harm where they were obeyed instead of shown."""

import pytest

HOSTILE = {
    "quotes": """a'b"c""",
    "SQL": "x'; DROP TABLE run; --",
    "format": "%s %(x)s {0} %n {config}",
    "newline": "a\nb\r\n- cdbench: done",
    "carriage return": "good\rbad",
    "tab": "\t=1+1",
    "emoji": "mine 😀 :dog:",
    "right to left": "invoice\u202efdp.csv",
    "escape": "\x1b[31mred\x1b]0;title\x07",
    "one-byte escape": "\x9b31mred",
    "10 kB": "x" * 10_000,
    "10 kB of emoji": "😀" * 2_500,
    "formula": "=cmd|' /C calc'!A0",
    "plus": "+1+1",
    "minus": "-1+1",
    "at": "@SUM(A1)",
    "HTML": "<script>alert(1)</script>",
    "image": "![x](http://evil.example/x.png) [y](javascript:z) www.evil.example",
    "entity": "&lt;b&gt; &#60;",
    "shell": "$(touch x) `touch y` ; touch z",
    "TeX": r"\input{/etc/passwd} \write18{touch x} $\immediate$ % ^^41 ~ # & _",
    "Rich": "[bold red]x[/] [link=http://evil.example]y[/link] \\",
    "mathematics": r"$\frac{1}{0}$ $x_$ \$",
    "table": "a | b | c",
    "XML": "]]> --> <!-- a--b <![CDATA[",
    "heading": "# heading",
    "list": "1. one",
    "rule": "---",
    "accents": "Größe Žluťoučký ħ Ω 中文",
    "line separators": "a\u2028b\u2029c\x85d\x0be",
}

MORE = {"NUL": "a\0b", "surrogate": "x\udcff", "high surrogate": "\ud800"}
"""Names that reports can show, and that nothing can be called."""

hostile = pytest.mark.parametrize("name", HOSTILE.values(), ids=list(HOSTILE))
hostile_or_none = pytest.mark.parametrize(
    "name", [*HOSTILE.values(), *MORE.values()], ids=[*HOSTILE, *MORE]
)

STEERING = "\x1b\x9b\x07\r\x0b\x85\u202e\u2028\u2029\0"
"""Characters that must not reach a terminal."""


def steers(text: str) -> bool:
    """Return whether a terminal would obey something in the text."""
    return any(character in STEERING or "\ud800" <= character <= "\udfff" for character in text)
