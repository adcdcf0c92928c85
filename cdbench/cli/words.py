"""What the help calls an option's values: words for people, not types of Python's."""

from typing import Any

_WORDS = {"int": "NUMBER", "int range": "NUMBER", "float": "NUMBER", "str": "TEXT", "path": "PATH"}


def with_words(params: list[Any], ctx: Any) -> list[Any]:
    """Return the parameters, each of which shows what to type; a flag takes nothing."""
    for param in params:
        shown = param.display_type_rich(ctx) or ""
        if shown.startswith("<"):
            kind = shown.strip("<>.")
            several = kind.startswith("list[")
            kind = kind.removeprefix("list[").removesuffix("]")
            word = "" if kind == "bool" else _WORDS.get(kind, kind)
            word += " ..." * several
            if param.param_type_name == "argument":  # whose metavar would take its name's place
                param.display_type_rich = lambda ctx, word=word: word
            else:
                param.metavar = word
    return params
