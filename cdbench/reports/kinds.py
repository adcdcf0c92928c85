"""What a table of condition numbers says about its kinds of spectrum."""

from collections.abc import Collection, Sequence

COMPARABLE = ("weight", "layer_hessian")
"""Kinds that compare layer families, as in ``cdbench.diagnostics.spectra.COMPARABLE_KINDS``."""


def notes_on_kinds(
    measured: Collection[str], not_defined: Sequence[str], family: str
) -> tuple[str, ...]:
    """Return which of the measured kinds compare layer families, and which a family lacks.

    Parameters
    ----------
    measured : collection of str
        The kinds in the table; no other is named as if it were there.
    not_defined : sequence of str
        The kinds that mean nothing for the family's layers.
    family : str
        The family.
    """
    notes = []
    if measured:
        comparable = [kind for kind in COMPARABLE if kind in measured]
        only = "" if set(measured) <= set(comparable) else "only "
        said = f"{only}{in_words(comparable)}" if comparable else "none of these kinds"
        note = f"{said} can be compared between layer families"
        if "theorem1" in measured:
            note += "; theorem1 is the diagonal of the layer's Hessian, not its spectrum"
        notes.append(f"{note[0].upper() if only or not comparable else note[0]}{note[1:]}.")
    if not_defined:
        are = "is" if len(not_defined) == 1 else "are"
        notes.append(f"{in_words(not_defined)} {are} not defined for {family} layers.")
    return tuple(notes)


def in_words(names: Sequence[str]) -> str:
    """Return ``a, b and c``.

    Examples
    --------
    >>> in_words(["weight"]), in_words(["weight", "theorem1", "published"])
    ('weight', 'weight, theorem1 and published')
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
