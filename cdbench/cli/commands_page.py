"""docs/commands.md, from every command's help: ``python -m cdbench.cli.commands_page FILE``."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from cdbench.cli.exit_codes import EXIT_CODES
from cdbench.cli.help_page import meaning_and_default, name_of
from cdbench.config.run_config import KNOBS

HEADER = """\
# The commands

What `cdbench COMMAND --help` says, on one page. A knob, which decides a run's numbers, has the
same option in every command that trains: [knobs.md](knobs.md) has them all.

A list option takes several values, `--B 1 3 4`, and whole numbers as ranges too, `--seeds 0..29`.
Values that the command line does not give come from the environment (`CDBENCH_` and the option's
name, as in `CDBENCH_EPOCHS`) and then from `cdbench.toml`. Tables go to standard output, everything
else to standard error.

This page is made from the commands' own help by `make pages`.
"""

_ELSEWHERE = re.compile(r"(?<![\w`])docs/([\w-]+\.md)")


def commands_markdown() -> str:
    """Return the page: all commands in the order of the help, those of a group beneath it."""
    from cdbench.cli.app import app

    parts = [HEADER]
    for words, command in commands(typer.main.get_command(app)):
        parts.append(_section(words, command))
    parts += ["## Exit codes\n", table(("code", "means"), _exit_codes())]
    return "\n".join(parts).rstrip() + "\n"


def commands(root: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each command beneath one with its words, ``db info``; a group before its commands."""
    for name, command in root.commands.items():
        if command.hidden:
            continue
        words = f"{before}{name}"
        yield words, command
        if hasattr(command, "commands"):
            yield from commands(command, f"{words} ")


def plain(text: str) -> str:
    """Return a help's text as Markdown that shows it as it is."""
    return re.sub(r"([\\`*_|<\[])", r"\\\1", text)


def _section(words: str, command: Any) -> str:
    # A command keeps the --help of the first context that asks for it; so let it have -h too.
    ctx = command.context_class(command, info_name=words, help_option_names=["-h", "--help"])
    prose, _, examples = (command.help or "").partition("For example:")
    lines = [f"{'###' if ' ' in words else '##'} {words}\n"]
    lines += [f"{paragraph}\n" for paragraph in map(_prose, prose.split("\n\n")) if paragraph]
    typed = [line.strip() for line in examples.splitlines() if line.strip()]
    if typed:
        lines.append("```sh\n" + "\n".join(typed) + "\n```\n")
    params = [
        param
        for param in command.get_params(ctx)
        if param.name != "help" and not getattr(param, "hidden", False)
    ]
    arguments = [param for param in params if param.param_type_name == "argument"]
    if arguments:
        lines.append(table(("argument", "meaning"), [_argument(param, ctx) for param in arguments]))
    options = [param for param in params if param.param_type_name == "option"]
    knobs = [param for param in options if is_knob(param)]
    rows = [_option(param, ctx) for param in options if param not in knobs]
    if rows:
        lines.append(table(("option", "default", "meaning"), rows))
    if knobs:
        lines.append(_knobs(knobs))
    return "\n".join(lines)


def is_knob(param: Any) -> bool:
    """Return whether an option is a knob, and means here what it means everywhere."""
    name = "seed" if param.name == "seeds" else param.name
    if name not in KNOBS:
        return False
    meaning = str(KNOBS[name].metadata["help"]).partition(" [default: ")[0]
    said = str(getattr(param, "help", None))
    return said.startswith((meaning, meaning.replace("Seed of", "Seeds of", 1)))


def _knobs(params: list[Any]) -> str:
    if len(params) < len(KNOBS):
        names = ", ".join(f"`{param.opts[0]}`" for param in params)
        return f"And of the [knobs](knobs.md) {names}.\n"
    several = any(param.name == "seeds" for param in params)
    words = ", most of which take several values; `--seed` is `--seeds` here" if several else ""
    return f"And an option for each [knob](knobs.md){words}.\n"


def _prose(paragraph: str) -> str:
    text = plain(" ".join(paragraph.split()))
    return _ELSEWHERE.sub(r"[\1](\1)", text)


def _option(param: Any, ctx: Any) -> tuple[str, str, str]:
    text, default = meaning_and_default(param, ctx)
    return _code(name_of(param, ctx)), plain(default), _prose(text)


def _argument(param: Any, ctx: Any) -> tuple[str, str]:
    optional = "" if param.required else " Optional."
    text, _ = meaning_and_default(param, ctx)
    return _code(name_of(param, ctx)), f"{_prose(text)}{optional}"


def _code(words: str) -> str:
    """Return words as code in a table, where a bar has to be written out."""
    return f"<code>{words.replace('|', '&#124;')}</code>" if "|" in words else f"`{words}`"


def _exit_codes() -> list[tuple[str, str]]:
    return [(f"{code}", plain(means)) for code, means in EXIT_CODES.items()]


def table(heads: tuple[str, ...], rows: list[Any]) -> str:
    """Return a Markdown table."""
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(commands_markdown(), encoding="utf-8")
