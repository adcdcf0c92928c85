"""Claim: the sodium doublet's splitting, and that α_CD = 0.0118 follows from it."""

from itertools import product
from math import sqrt

from cdbench.claims.base import Bench, Claim, Measurements
from cdbench.config.numbers import ALPHA_CD
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    NOT_SUPPORTED,
    REPRODUCED,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.records.published import comes_out
from cdbench.statistics.estimands import EXACT
from cdbench.statistics.estimates import Observations, mean
from cdbench.statistics.numerals import format_range

PRINTED_SPLITTING, PRINTED_ALPHA = "0.00207", "0.0118"
"""In eV, and the rate, as Sec. II prints them."""

RYDBERG, HC = 13.605693122990, 1.2398419843320026e-4
"""The Rydberg energy R∞hc in eV, and hc in eV·cm: CODATA 2022."""
FINE_STRUCTURE = 7.2973525643e-3
"""The fine-structure constant: CODATA 2022."""
LOWER, UPPER, IONIZATION = 16956.17025, 16973.36619, 41449.451
"""Na I in cm⁻¹: 3p ²P₁/₂, 3p ²P₃/₂ and the ionization energy (NIST Atomic Spectra Database)."""
MEASURED_SPLITTING = (UPPER - LOWER) * HC
N, L = 3, 1
DENOMINATOR = N**3 * L * (L + 0.5) * (L + 1)

SLATER = 11 - 8 * 0.85 - 2 * 1.0
"""By Slater's rules (1930), a 3p electron outside eight electrons with n = 2 and two with n = 1."""
CLEMENTI_RAIMONDI = 2.5074
"""For the 3s electron (Clementi and Raimondi 1963); 3p is empty in their ground state."""
QUANTUM_DEFECT = N * sqrt((IONIZATION - (LOWER + 2 * UPPER) / 3) * HC / RYDBERG)
"""The charge that binds an electron with n = 3 as strongly as 3p, its levels weighted, is bound."""
FROM_DOUBLET = sqrt(sqrt(MEASURED_SPLITTING * N**3 * L * (L + 1) / (RYDBERG * FINE_STRUCTURE**2)))
"""The charge whose hydrogen-like doublet is as wide as the measured one."""

CHARGES = {
    "quantum defect": QUANTUM_DEFECT,
    "Slater": SLATER,
    "Clementi–Raimondi": CLEMENTI_RAIMONDI,
    "doublet": FROM_DOUBLET,
}
CONSTANTS = {"R∞hc": RYDBERG, "(ℓ+½)R∞hc": (L + 0.5) * RYDBERG, "2R∞hc": 2 * RYDBERG}
"""Energies by which α²Z⁴/n³ℓ(ℓ+½)(ℓ+1) may be multiplied; the second makes it the splitting of a
hydrogen-like doublet, the last is the atomic unit."""

SPLITTING = "splitting of the sodium doublet, eV"
ALPHA = {"printed": "α from the printed splitting", "measured": "α from the measured splitting"}
CHARGE = "Z_eff at which the printed splitting gives 0.0118"
SCALED = "0.0118 × √(measured splitting / printed splitting)"


class SodiumSplitting(Claim):
    """The splitting against the measured one, and α from it by every usual choice."""

    name = "sodium-splitting"
    title = "α_CD = 0.0118 from the sodium doublet"
    statement = (
        "The Shannon noise constant α_CD = 0.0118 enters the energy correction ΔE ∝ α_CD² Z_eff⁴ / "
        "n³ℓ(ℓ+½)(ℓ+1) and is calibrated to the Na D-doublet experimental splitting of 0.00207 eV."
    )
    where = "Abstract (iii); Sec. I; Sec. II"
    published = "0.00207 eV, and α_CD = 0.0118 from it"
    method = (
        "The splitting is that of 3p, 16973.36619 - 16956.17025 cm⁻¹ (NIST), times hc (CODATA "
        "2022). Neither Z_eff nor the constant of the proportion is printed, and Paper I is cited "
        "without a number. So α is solved for with n = 3, ℓ = 1, four usual Z_eff and three "
        "constants. Z_eff: by the quantum defect of 3p (1.42), Slater's rules (2.20), Clementi and "
        "Raimondi's calculation (2.51, for 3s), and that of the hydrogen-like doublet itself "
        "(3.55). Constants: R∞hc; (ℓ+½)R∞hc, that of a hydrogen-like doublet; 2R∞hc."
    )
    rule = (
        "A number comes out if it rounds to the printed digits. reproduced if the measured "
        "splitting comes out as 0.00207 eV and α as 0.0118 by every choice: it then follows from "
        "what is stated. holds under a condition if α comes out by some choices, which are named, "
        "or by all while the splitting does not. If by none: contradicted if 0.0118 lies outside "
        "the range of the twelve; not supported if within, since a Z_eff can then be found that "
        "gives it, and others that do not. α is taken from the printed splitting; from the "
        "measured one it is told beside."
    )
    overturn = (
        "Z_eff and the constant of Paper I: with both printed, α_CD is one number that can be "
        "computed."
    )
    uses_seeds = False
    without_runs = EXACT

    def observe(self, bench: Bench) -> list[Observation]:
        """Return both splittings, and α of every choice."""
        del bench  # no run is needed
        splittings = {"printed": float(PRINTED_SPLITTING), "measured": MEASURED_SPLITTING}
        return [
            *(Observation(SPLITTING, name, 0, value) for name, value in splittings.items()),
            *(
                Observation(ALPHA[name], choice(*pair), 0, alpha(splitting, *pair))
                for name, splitting in splittings.items()
                for pair in product(CHARGES, CONSTANTS)
            ),
            *(
                Observation(CHARGE, constant, 0, charge_for(splittings["printed"], energy))
                for constant, energy in CONSTANTS.items()
            ),
            Observation(
                SCALED, "any choice", 0,
                ALPHA_CD * sqrt(splittings["measured"] / splittings["printed"]),
            ),
        ]  # fmt: skip

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return every number, each of which is exact."""
        return [
            mean(observations, quantity, subject)
            for quantity in (SPLITTING, *ALPHA.values(), CHARGE, SCALED)
            for subject in observations.subjects(quantity)
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        splitting = found.find(SPLITTING, "measured").estimate
        alphas = {m.subject: m.estimate for m in found.all if m.quantity == ALPHA["printed"]}
        giving = [name for name, value in alphas.items() if comes_out(value, PRINTED_ALPHA)]
        is_measured = comes_out(splitting, PRINTED_SPLITTING)
        low, high = min(alphas.values()), max(alphas.values())
        conditions = [] if is_measured else [f"the splitting is {PRINTED_SPLITTING} eV"]
        if len(giving) < len(alphas):
            conditions.insert(0, f"Z_eff and constant are {' or '.join(giving)}")
        if giving:
            verdict = CONDITIONAL if conditions else REPRODUCED
        else:
            verdict = NOT_SUPPORTED if low <= ALPHA_CD <= high else CONTRADICTED
        charges = [m.estimate for m in found.all if m.quantity == CHARGE]
        return Judgement(
            verdict,
            f"{splitting:.5f} eV; α {format_range(low, high)}, 0.0118 by {len(giving)} of "
            f"{len(alphas)} choices",
            f"The measured splitting is {splitting:.5f} eV, {'as' if is_measured else 'not'} "
            f"{PRINTED_SPLITTING}; {len(alphas)} usual choices of Z_eff and constant give α of "
            f"{format_range(low, high)}, {len(giving)} of them 0.0118, which takes a Z_eff of "
            f"{format_range(min(charges), max(charges))}; with the measured splitting 0.0118 would "
            f"be {found.find(SCALED, 'any choice').estimate:.4f}.",
            " and ".join(conditions) if verdict == CONDITIONAL else None,
        )


def choice(charge: str, constant: str) -> str:
    """Return what a choice of Z_eff and constant is called."""
    return f"Z_eff {CHARGES[charge]:.2f} ({charge}), {constant}"


def alpha(splitting: float, charge: str, constant: str) -> float:
    """Return α from ΔE = constant · α² Z⁴ / n³ℓ(ℓ+½)(ℓ+1)."""
    return sqrt(splitting * DENOMINATOR / CONSTANTS[constant]) / CHARGES[charge] ** 2


def charge_for(splitting: float, energy: float) -> float:
    """Return the Z_eff with which a splitting gives α_CD."""
    return sqrt(sqrt(splitting * DENOMINATOR / energy) / ALPHA_CD)
