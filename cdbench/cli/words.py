"""Names for options' values in the help: plain words, not Python's types."""

from typing import Any

_WORDS = {"int": "NUMBER", "int range": "NUMBER", "float": "NUMBER", "str": "TEXT", "path": "PATH"}


def with_words(params: list[Any], ctx: Any) -> list[Any]:
    """Return the parameters, changed so that the help shows what to type; a flag takes no value."""
    for param in params:
        shown = param.display_type_rich(ctx) or ""
        if shown.startswith("<"):
            kind = shown.strip("<>.")
            several = kind.startswith("list[")
            kind = kind.removeprefix("list[").removesuffix("]")
            word = "" if kind == "bool" else _WORDS.get(kind, kind)
            word += " ..." * several
            if param.param_type_name == "argument":  # its metavar would replace its name
                param.display_type_rich = lambda ctx, word=word: word
            else:
                param.metavar = word
        elif "|" in shown:  # a narrow help is then broken between choices, not inside one
            apart = " | ".join(choice.strip() for choice in shown.split("|"))
            param.display_type_rich = lambda ctx, apart=apart: apart
    return params
