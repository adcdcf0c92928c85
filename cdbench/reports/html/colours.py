"""The colours of figures on a dark page: lighter, in the opposite order, of the same hue.

Lightness is that of Oklab (B. Ottosson, 2020), in which equal steps look equal.
"""

NEUTRAL = 0.03
"""Chroma below which a colour is a grey."""

HALF, STEEP = 0.04045, 12.92
"""Where sRGB's curve begins to be a power, and its slope before."""

Triple = tuple[float, float, float]

_TO_CONES: tuple[Triple, ...] = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_TO_LAB: tuple[Triple, ...] = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
_FROM_LAB: tuple[Triple, ...] = (
    (1.0, 0.3963377774, 0.2158037573),
    (1.0, -0.1055613458, -0.0638541728),
    (1.0, -0.0894841775, -1.2914855480),
)
_FROM_CONES: tuple[Triple, ...] = (
    (4.0767416621, -3.3077115913, 0.2309699292),
    (-1.2684380046, 2.6097574011, -0.3413193965),
    (-0.0041960863, -0.7034186147, 1.7076147010),
)


def on_dark(color: str) -> str:
    """Return the colour that stands for one of a figure on white, where the page is dark.

    Greys change places, so that ink is light and a grid is hardly seen; all others become light
    enough to be told from the page.

    Parameters
    ----------
    color : str
        Red, green and blue in hexadecimal, such as ``#0072b2``.

    Examples
    --------
    >>> on_dark("#222222"), on_dark("#0072b2")
    ('#dddddd', '#5bb4f9')
    """
    lightness, green_red, blue_yellow = _oklab(color)
    if (green_red**2 + blue_yellow**2) ** 0.5 < NEUTRAL:
        return _hexadecimal((1.1 - 0.8 * lightness, green_red, blue_yellow))
    return _hexadecimal((0.65 + 0.2 * (1 - lightness), green_red, blue_yellow))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours by WCAG 2, from 1 to 21.

    Examples
    --------
    >>> round(contrast("#000000", "#ffffff"), 1)
    21.0
    """
    low, high = sorted(_luminance(color) for color in (one, other))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    red, green, blue = _linear(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(color: str) -> Triple:
    shares = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (x / STEEP if x <= HALF else ((x + 0.055) / 1.055) ** 2.4 for x in shares)
    return red, green, blue


def _oklab(color: str) -> Triple:
    return _times(_TO_LAB, _powers(_times(_TO_CONES, _linear(color)), 1 / 3))


def _hexadecimal(lab: Triple) -> str:
    linear = _times(_FROM_CONES, _powers(_times(_FROM_LAB, lab), 3))
    shares = (min(max(x, 0.0), 1.0) for x in linear)
    bent = (STEEP * x if x <= HALF / STEEP else 1.055 * x ** (1 / 2.4) - 0.055 for x in shares)
    return "#" + "".join(f"{round(255 * x):02x}" for x in bent)


def _powers(triple: Triple, power: float) -> Triple:
    first, second, third = (abs(x) ** power * (1 if x >= 0 else -1) for x in triple)
    return first, second, third


def _times(matrix: tuple[Triple, ...], triple: Triple) -> Triple:
    first, second, third = (sum(a * x for a, x in zip(row, triple, strict=True)) for row in matrix)
    return first, second, third
