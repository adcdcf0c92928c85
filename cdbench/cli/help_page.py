"""The help of a command: its words filled to the terminal's width, its options by subject."""

import inspect
import re
import shutil
from typing import Any

import typer

from cdbench.cli.echo import filled
from cdbench.cli.emphasis import bold, coloured, faint

WIDEST = 120
"""Characters of a line at most: longer ones are hard to read."""

NAMES = 26
"""Characters of the column of names at most, or two fifths of the width: the words of a longer one
begin on the next line."""

_WORDS = {"int": "NUMBER", "int range": "NUMBER", "float": "NUMBER", "str": "TEXT", "path": "PATH"}

_NO_BREAK = "\xa0"

_DEFAULT = re.compile(r"\s*\[default: ([^]]*)\]")


def print_help(command: Any, ctx: Any) -> None:
    """Print the help of a command or a group."""
    width = min(shutil.get_terminal_size().columns, WIDEST)
    typer.echo(help_page(command, ctx, max(width, NAMES + 20)), nl=False)


def help_page(command: Any, ctx: Any, width: int) -> str:
    """Return the help of a command or a group, a line at most ``width`` wide but for examples."""
    usage = f"{bold('Usage:')} {ctx.command_path} {_usage(command, ctx)}\n"
    parts = [usage, f"{prose(command.help or '', width)}\n"]
    commands = [(name, _summary(one)) for name, one in getattr(command, "commands", {}).items()]
    sections = {"Arguments": [], "Commands": commands, "Options": []}
    for param in command.get_params(ctx):
        if not param.hidden:
            text, default = meaning_and_default(param, ctx)
            words = f"{text} {_kept_together(default)}" if default else text
            sections.setdefault(_section(param), []).append((name_of(param, ctx), words.strip()))
    column = min(
        NAMES, 2 * width // 5, max(len(name) for rows in sections.values() for name, _ in rows)
    )
    for title, rows in sections.items():
        if rows:
            lines = "".join(_row(name, text, column, width) for name, text in rows)
            parts.append(f"{bold(f'{title}:')}\n{lines}")
    return "\n".join(parts)


def prose(text: str, width: int) -> str:
    """Return a docstring with its paragraphs filled; the lines of its examples stay as they are."""
    parts = [
        f"  {part.strip()}" if part.startswith(" ") else filled(" ".join(part.split()), width)
        for part in inspect.cleandoc(text).split("\n\n")
    ]
    closed_up = re.sub(r"\n\n(?= )", "\n", "\n\n".join(parts))
    return re.sub(r"^For example:$", bold("For example:"), closed_up, flags=re.MULTILINE)


def name_of(param: Any, ctx: Any) -> str:
    """Return what is typed for an argument or option, with a word for its value."""
    word = _value(param, ctx)
    if param.param_type_name == "argument":
        return word
    flags = [", ".join(sorted(param.opts, key=len)), ", ".join(param.secondary_opts)]
    return " ".join(filter(None, (" / ".join(filter(None, flags)), word)))


def meaning_and_default(param: Any, ctx: Any) -> tuple[str, str]:
    """Return what an option does and its default, as its help has them."""
    said = " ".join(str(param.get_help_record(ctx)[1]).split())
    match = _DEFAULT.search(said)
    text = re.sub(r"\s*\[(required|x[^]]*|[\d.]+<=x[^]]*)\]", "", _DEFAULT.sub("", said))
    return text.strip(), re.sub(r"; [^;]*<?[<>]=?[^;]*$", "", match[1]) if match else ""


def _kept_together(default: str) -> str:
    words = f"[default: {default}]"
    return words.replace(" ", _NO_BREAK) if len(words) <= NAMES else words


def _value(param: Any, ctx: Any) -> str:
    """Return a plain word for a value, not Python's type; a flag takes none."""
    if param.param_type_name == "argument":
        word = (param.metavar or param.name.upper()).removesuffix(" ...")
        return f"{word} ..." if param.nargs != 1 else word
    if param.is_flag:
        return ""
    shown = param.display_type_rich(ctx) or ""
    if not shown.startswith("<"):
        return str(shown)
    kind = shown.strip("<>.")
    one = kind.removeprefix("list[").removesuffix("]")
    return _WORDS.get(one, one) + " ..." * (one != kind)


def _usage(command: Any, ctx: Any) -> str:
    if hasattr(command, "commands"):
        return "COMMAND [OPTIONS]"
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    names = [(name_of(param, ctx), param.required) for param in arguments]
    return " ".join([*(name if needed else f"[{name}]" for name, needed in names), "[OPTIONS]"])


def _section(param: Any) -> str:
    if param.param_type_name == "argument":
        return "Arguments"
    return param.rich_help_panel or "Options"


def _summary(command: Any) -> str:
    return " ".join(inspect.cleandoc(command.help or "").partition("\n\n")[0].split())


def _row(name: str, text: str, column: int, width: int) -> str:
    lines = filled(text, width, column + 4).replace(_NO_BREAK, " ")
    lines = _DEFAULT.sub(lambda default: faint(default[0]), lines)
    shown = re.sub(r"^[\w|]+|(?<!\S)--?[\w-]+", lambda typed: coloured(typed[0]), name)
    if len(name) > column:
        return f"  {shown}\n{lines}\n"
    return f"  {shown}{' ' * (column - len(name))}  {lines.lstrip()}\n"
