"""All figures as a table, and as a page: ``python -m cdbench.api.figures.listed docs/plots.md``."""

import sys
from pathlib import Path

from cdbench.plots.catalogue import CATALOGUE, CLAIM, COMPARISON, COMPARISONS, NOTHING, RUNS, STUDY
from cdbench.plots.themes import THEMES
from cdbench.reports.formats import Report

WORDS = {
    NOTHING: "",
    RUNS: "RUN ...",
    CLAIM: "CLAIM ...",
    COMPARISON: "[COMPARISON]",
    COMPARISONS: "COMPARISON COMPARISON ...",
    STUDY: "STUDY [PART ...]",
}
"""What follows the name of a figure, by what it is of."""

HEADER = """\
# Figures

`cdbench plot FIGURE` draws a figure from the database, whose name alone decides what else may
follow: runs, a claim, a comparison, a study and parts of it. Several figures can be named at once.

```
cdbench plot curves --where "changes = ''"
cdbench plot seeds --where "dataset = iris and validation = 0"
cdbench plot fig1 fig2 kappa-epochs
cdbench plot --list
```

The first draws all models with the paper's settings (`changes` is what a run has that they do not
have), the second those that no samples were held out for. After a sweep of your own,
`cdbench plot curves latest best` is the shortest; of the released results the newest kept no
epochs. Three of those kept their spectra: `cdbench plot spectra 1960 1963 1967`.

A RUN is what it is for all commands: a run_id, the beginning of a uuid, `latest`, `best`, or a
tag. `--where` takes the filters of `cdbench runs list`, and of what it finds the newest completed
run of each configuration; with both, the runs that are named come first. Runs that differ in their
seeds only are one line from four seeds on: their median, in a band between their quartiles. Up to
12 lines can be told apart, by colour, dashes and markers, also in grey and by colour-blind people;
each is named by what tells it from the others. What a run lacks is said in one line, with the
option that records it.

```
cdbench plot curves seeds --where "dataset = digits and changes = '' and seed < 30 \\
  and (B in (1, 3, 4, 5, 7, 8) or family = dense)"
```

![Losses and accuracy of dense and of six block sizes over 25 epochs, medians of 30 seeds with \
quartiles](figures/curves.png)

![Test accuracies of 30 seeds of dense and of six block sizes, with the means and their \
intervals](figures/seeds.png)

## Files, themes and screens

`--output` is a folder (`figures`), or the file of one figure: png, pdf or svg by its ending or by
`--format`. The same runs give the same bytes. SVGs have a title and a description, for those who
cannot see them.

| `--theme` | what it is |
| --- | --- |
"""

AFTER_THEMES = """
`--open` opens the files with the system's viewer. `--show` shows figures in the terminal, if it is
one that shows pictures (kitty, Ghostty, WezTerm, Konsole, iTerm2; not inside tmux or screen), and
writes only what `--output` names.

From Python: `cdbench.open("runs.db").figure("curves", of=["latest", 12], theme="dark")`
([python.md](python.md)).

## All figures

This table is made from the figures' own descriptions by `make docs`; `cdbench plot --list` prints
it.

| figure | of | shows | needs | for example |
| --- | --- | --- | --- | --- |
"""


def figure_list() -> Report:
    """Return every figure with what it shows and needs."""
    return Report(
        "Figures: cdbench plot FIGURE [OF ...]",
        ("figure", "shows", "needs"),
        [
            (f"{name} {WORDS[one.of]}".strip(), one.shows, one.needs)
            for name, one in CATALOGUE.items()
        ],
        ("RUN is a run_id, a uuid's beginning, latest, best, or a tag; --where chooses runs too.",),
        [
            {"figure": name, "of": one.of, "shows": one.shows, "needs": one.needs}
            for name, one in CATALOGUE.items()
        ],
        text_columns=3,
    )


def figures_markdown() -> str:
    """Return the page of all figures."""
    themes = [f"| `{name}` | {theme.words} |" for name, theme in THEMES.items()]
    rows = [
        f"| `{name}` | {f'`{WORDS[one.of]}`' if one.of else '–'} | {one.shows} | {one.needs} "
        f"| `cdbench plot {one.example}` |"
        for name, one in CATALOGUE.items()
    ]
    return HEADER + "\n".join(themes) + "\n" + AFTER_THEMES + "\n".join(rows) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(figures_markdown(), encoding="utf-8")
