"""The page that ``cdbench --help`` shows, printed before any large library is loaded."""

import os

from cdbench.cli.emphasis import bold
from cdbench.cli.exit_codes import EXIT_CODES

GROUPS = {
    "Train and look": {
        "train": "Train one run and store it.",
        "sweep": "Train a grid of values beside a dense baseline; store every run.",
        "report": "Print a table of what is stored, or write one page of all of it.",
        "plot": "Draw figures of any runs, the paper's, the audit's, a comparison's.",
    },
    "Judge": {
        "audit": "Judge the paper's claims: train, measure, and print the ledger.",
        "compare": "Compare families at equal size, each at its own best rate; studies.",
        "bench": "Measure from which size on a product beats dense, on this machine.",
        "reproduce": "Train stored runs again and compare: bit for bit, or as printed.",
    },
    "Keep and take along, each with commands of its own": {
        "runs": "Find, show, compare, export and tag runs; remove and restore them.",
        "db": "Ask the database in SQL; check, back up, merge and move it.",
        "model": "Take trained networks with you: export them, and predict.",
    },
    "Set up": {
        "init": "Write a cdbench.toml to begin with: every setting, commented out.",
        "doctor": "Look whether everything is as it should be; say what to do if not.",
    },
}
"""What each command does, in a few words, by what it is for; these are the commands that there are.

Each is in a module of its own name."""

SUMMARIES = {name: words for group in GROUPS.values() for name, words in group.items()}

OPTIONS = {
    "-h, --help": "Show this page; of a command: cdbench sweep --help.",
    "--version": "Print the version and exit.",
    "--install-completion": "Install completion for the current shell.",
    "--show-completion": "Show that completion, to change the installation.",
}

_ASKED: tuple[list[str], ...] = (
    [],
    ["--help"],
    ["-h"],
    ["help"],
    ["help", "--help"],
    ["help", "-h"],
)


def asks_for_front_page(arguments: list[str]) -> bool:
    """Return whether these arguments ask for the front page, and not for shell completion."""
    return arguments in _ASKED and "_CDBENCH_COMPLETE" not in os.environ


def front_page() -> str:
    """Return the page, at most 80 columns wide, with bold headings on a terminal."""
    return f"""\
{bold("Usage:")} cdbench COMMAND [OPTIONS]

Run, keep and judge the claims made for CDLinear (arXiv 2605.08171).

The paper's experiment, to the letter, and its claims, judged one by one:

    cdbench sweep --B 1 3 4 5 7 8 --seeds 0 1 2
    cdbench report --table1
    cdbench plot --fig1 --fig2
    cdbench audit

Every run is kept in a SQLite database, runs.db, that can be opened by hand:

    sqlite3 -box runs.db "select * from models"

{_commands()}

{bold("Options:")}
{_listed(OPTIONS)}

{bold("Exit codes:")}
{_listed({str(code): means for code, means in EXIT_CODES.items()})}
"""


def _commands() -> str:
    width = max(map(len, SUMMARIES))
    return "\n\n".join(
        f"{bold(f'{title}:')}\n{_listed(group, width)}" for title, group in GROUPS.items()
    )


def _listed(lines: dict[str, str], least: int = 0) -> str:
    width = max(least, *map(len, lines)) + 2
    return "\n".join(f"  {name:{width}}{words}" for name, words in lines.items())
