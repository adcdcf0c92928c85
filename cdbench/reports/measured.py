"""What was measured of a run after its last epoch: its layers' conditions, and its curvature."""

from collections.abc import Sequence
from statistics import median_low

from cdbench.config.diagnostics import KINDS
from cdbench.records.run import Run
from cdbench.records.spectra import Spectrum
from cdbench.reports.formats import Report
from cdbench.reports.kinds import notes_on_kinds
from cdbench.reports.statistics import format_kappa
from cdbench.statistics.numerals import minus

MOST_ROWS = 20
"""Conditions that are shown one by one; more, of many layers, are summarised by kind."""

SINGULAR = (
    "Singular layers have numbers at rounding level, which κ non-null leaves out. All layers are "
    "in the database."
)

TITLE = "Condition numbers after the last epoch"


def conditions(run: Run) -> Report:
    """Return the conditions, layer by layer, or by kind if there are more than MOST_ROWS."""
    last = _last(run)
    return _by_kind(run, last) if len(last) > MOST_ROWS else _one_by_one(run, last)


def has_summary(run: Run) -> bool:
    """Whether ``conditions`` leaves layers out."""
    return bool(run.spectra) and len(_last(run)) > MOST_ROWS


def _last(run: Run) -> list[Spectrum]:
    last = max(spectrum.epoch for spectrum in run.spectra)
    return [spectrum for spectrum in run.spectra if (spectrum.epoch, spectrum.step) == (last, 0)]


def _one_by_one(run: Run, last: Sequence[Spectrum]) -> Report:
    rows = [
        [
            f"layer {spectrum.layer}",
            spectrum.kind,
            f"{found.largest:.3e}",
            f"{found.smallest:.3e}",
            format_kappa(found.kappa),
            format_kappa(found.kappa_nonnull),
            f"{found.rank}/{found.size}",
        ]
        for spectrum in last
        for found in [spectrum.condition]
    ]
    return Report(
        title=TITLE,
        columns=("", "kind", "largest", "smallest", "κ", "κ non-null", "rank"),
        rows=rows,
        notes=notes_on_kinds([row[1] for row in rows], not_defined(run), run.config.layer),
        records=[],
    )


def _by_kind(run: Run, last: Sequence[Spectrum]) -> Report:
    """Return a row for each kind: of how many layers, how many singular, and their κ."""
    kinds = list(dict.fromkeys(spectrum.kind for spectrum in last))
    rows = []
    for kind in kinds:
        of_kind = [spectrum for spectrum in last if spectrum.kind == kind]
        worst = max(of_kind, key=lambda spectrum: spectrum.condition.kappa_nonnull)
        rows.append(
            [
                kind,
                str(len(of_kind)),
                str(sum(one.condition.rank < one.condition.size for one in of_kind)),
                format_kappa(median_low(one.condition.kappa_nonnull for one in of_kind)),
                format_kappa(worst.condition.kappa_nonnull),
                f"layer {worst.layer}",
            ]
        )
    return Report(
        title=TITLE,
        columns=("kind", "layers", "singular", "median κ non-null", "largest", "which is of"),
        rows=rows,
        notes=(SINGULAR, *notes_on_kinds(kinds, not_defined(run), run.config.layer)),
        records=[],
        text_columns=1,
    )


def not_defined(run: Run) -> list[str]:
    """Return the kinds that were asked for, but mean nothing for the run's layers."""
    measured = {spectrum.kind for spectrum in run.spectra}
    asked = run.diagnostics.kinds if run.diagnostics is not None else ()
    return [kind for kind in asked or KINDS if kind not in measured]


def curvature(run: Run) -> Report:
    """Return the whole network's curvature after the last epoch."""
    last = max(curvature.epoch for curvature in run.curvature)
    rows = [
        [
            found.matrix.replace("_", "-"),
            f"{found.coordinates}, {found.method}",
            f"{found.largest:.3e}",
            minus(f"{found.smallest:.3e}"),
            f"{found.trace:.3e}" + f" ± {found.trace_error:.0e}" * bool(found.trace_error),
            f"{found.effective_rank:.1f}",
            f"{'–' if found.rank is None else found.rank}/{found.size}",
            format_kappa(found.damped_kappa) if found.smallest + found.damping > 0 else "–",
        ]
        for found in run.curvature
        if found.epoch == last
    ]
    return Report(
        title="The whole network's curvature after the last epoch",
        columns=(
            *("matrix", "coordinates", "largest", "smallest", "trace"),
            *("effective rank", "rank", "damped κ"),
        ),
        rows=rows,
        notes=(
            f"Damped κ: (largest + d) / (smallest + d), d = {run.curvature[0].damping:g}. The "
            "matrices are singular or indefinite, and so have no κ of their own; – is indefinite "
            "even so. Lanczos cannot count a rank.",
        ),
        records=[],
    )
