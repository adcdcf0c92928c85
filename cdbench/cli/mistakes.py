"""Common typing mistakes, and what was probably meant."""

import re
import shlex
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from cdbench.config.checks import ENCODINGS
from cdbench.errors import NAMES_ELSEWHERE

PARSERS_WORDS = {
    r"Input should be a valid integer, .*": "expected a whole number",
    r"Input should be a valid number, .*": "expected a number",
    r"Input should be greater than or equal to (\S+)": r"expected \1 or more",
    r"Input should be less than or equal to (\S+)": r"expected \1 or less",
}
"""What Typer's parser says, and what we do."""

MOVED = {"study": ("cdbench", "compare", "--study")}
"""Commands that there were, and what to type instead."""

DATABASES = (".db", ".sqlite", ".sqlite3")
"""Endings by which a word that has no option in front is known for a database."""


def no_such_command(typed: Sequence[str], group: str, known: Iterable[str]) -> str:
    """Return the error message for a command that a group does not have.

    Parameters
    ----------
    typed : sequence of str
        The words from that of the command on.
    group : str
        The group as it is typed, such as ``cdbench db``.
    known : iterable of str
        All commands of cdbench, as they are typed.
    """
    word = typed[0]
    if group == "cdbench" and word in MOVED:
        return f"{word} is an option now: {shlex.join([*MOVED[word], *typed[1:]])}"
    by_name: dict[str, list[str]] = {}
    for command in known:
        by_name.setdefault(command.rpartition(" ")[2], []).append(command)
    near = [own for name in get_close_matches(word, by_name, n=1) for own in by_name[name]]
    near = [own for own in near if own.rpartition(" ")[0] == group] or near
    meant = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"{group} has no command {word}{meant} (all: {group} --help)"


def meant_option(option: str, known: list[str]) -> str | None:
    """Return the one of the command's options that was probably meant, or None."""
    word = option.lstrip("-").lower().replace("_", "-")
    by_word = {name.lstrip("-").lower(): name for name in known if name.startswith("--")}
    elsewhere = NAMES_ELSEWHERE.get(word.replace("-", "_"), "").replace("_", "-")
    for candidate in (word, elsewhere, f"{word}s", word.removesuffix("s")):
        if candidate.lower() in by_word:
            return by_word[candidate.lower()]
    near = get_close_matches(word, by_word, n=1, cutoff=0.7)
    return by_word[near[0]] if near else None


def no_such_option(option: str, command: str, known: list[str]) -> str:
    """Return the error message for an option that the command does not have."""
    line = f"{command.removeprefix('cdbench ')} has no option {option}"
    if option == "--seeds" and "--seed" in known:
        return f"{line}; several seeds are a sweep: cdbench sweep --seeds 0 1 2; one is --seed 0"
    meant = meant_option(option, known)
    return line + (f"; did you mean {meant}?" if meant else "") + f" (all: {command} --help)"


def extra_words(
    typed: list[str], extra: list[str], command: str, single: list[str], options_only: bool
) -> str | None:
    """Return the error message for too many values of an option of ``train``, or for words.

    It is None if the words are none of the first, and the command takes words of some kind.
    """
    if command.endswith("train") and extra and extra[0] in typed:
        line = _too_many_values(typed, extra, single)
        if line is not None:
            return line
    if not options_only:
        return None
    words, short = " ".join(extra), command.removeprefix("cdbench ")
    is_database = len(extra) == 1 and (words.endswith(DATABASES) or "://" in words)
    if is_database and "--db" in single:
        return f"{short} takes its database by an option; type: {command} --db {words}"
    return f"{short} takes options only, and was given {words} beside them (all: {command} --help)"


def _too_many_values(typed: list[str], extra: list[str], single: list[str]) -> str | None:
    before = typed[: typed.index(extra[0])]
    option = next((word for word in reversed(before) if word.startswith("--")), None)
    if option not in single:
        return None
    values = " ".join([before[-1], *extra])
    listed = option if option != "--seed" else "--seeds"
    return f"train takes one {option}; several are a sweep: cdbench sweep {listed} {values}"


def no_encoding(command: str) -> str:
    """Return the error message for ``--encode`` without a value, which looks like a switch."""
    known = " or ".join(ENCODINGS)
    return (
        f"{command.removeprefix('cdbench ')} --encode has no value; expected {known}, which "
        f"encodes text and fills blanks: --encode {ENCODINGS[0]}"
    )


def hint_for_numbers(word: str) -> str:
    """Return how to type a list or range if the word looks like one, else an empty text."""
    found = re.fullmatch(r"(\d+)\s*(?:-|–|:|\.\.\.|to)\s*(\d+)", word)
    if found:
        return f"; a range is typed {found[1]}..{found[2]}"
    if "," in word or ";" in word:
        return f"; several are typed with blanks between: {' '.join(re.split(r'[,;]+', word))}"
    return ""


def in_our_words(message: str) -> str:
    """Return a message of Typer's parser without its jargon, and with the nearest choice."""
    # For an unknown choice, it puts its own name for the error into the sentence.
    message = message.replace(": Value error, ", ": ")
    for said, ours in PARSERS_WORDS.items():
        message = re.sub(said, ours, message)
    choice = re.fullmatch(r"(.*'(.*)' is not one of (.*))\.", message, re.DOTALL)
    if choice is None:
        return message
    near = get_close_matches(choice[2].lower(), re.findall(r"'([^']*)'", choice[3]), n=1)
    return f"{choice[1]}; did you mean {near[0]}?" if near else message


def options_of(ctx: Any) -> list[str]:
    """Return all options of a command as they are typed."""
    params = ctx.command.get_params(ctx)
    return [option for param in params for option in (*param.opts, *param.secondary_opts)]
