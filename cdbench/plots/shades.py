"""Colours for a dark background: the same hues, with their lightness turned round.

Lightness and hue are those of OKLab (Björn Ottosson, 2020, "A perceptual color space for image
processing"), in which equal steps look equal. Colours that differ in a grey print therefore differ
on a dark background too, in the opposite order.
"""

import math

NEUTRAL = {
    "#ffffff": "#16191d",  # paper
    "#222222": "#e8e8e6",  # ink
    "#666666": "#a9adb1",  # quiet
    "#e4e4e4": "#31363c",  # grid
    "#e3e3e3": "#333940",  # shade
}
"""What is not a model's colour, by the colour on paper."""

BACKGROUND = NEUTRAL["#ffffff"]

DARKEST, STEP = 1.05, 0.56
"""Lightness of black after turning, and how much of a difference in lightness is left then."""

_TO_CONES = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_TO_LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
_FROM_LAB = (
    (1.0, 0.3963377774, 0.2158037573),
    (1.0, -0.1055613458, -0.0638541728),
    (1.0, -0.0894841775, -1.2914855480),
)
_FROM_CONES = (
    (4.0767416621, -3.3077115913, 0.2309699292),
    (-1.2684380046, 2.6097574011, -0.3413193965),
    (-0.0041960863, -0.7034186147, 1.7076147010),
)

Triple = tuple[float, float, float]


def turned(color: str) -> str:
    """Return the colour that stands for this one on a dark background.

    Parameters
    ----------
    color : str
        Six hexadecimal digits after ``#``.

    Examples
    --------
    >>> turned("#222222"), turned("#ffffff")
    ('#e8e8e6', '#16191d')
    >>> turned("#0072b2")
    '#5db7fb'
    """
    color = color.lower()
    if color in NEUTRAL:
        return NEUTRAL[color]
    lightness, a, b = _lab(color)
    lightness = min(0.97, DARKEST - STEP * lightness)
    share = 1.0
    # A light blue cannot be as strong as a dark one: it gets paler until there is such a colour.
    while not all(
        -1e-6 <= channel <= 1 + 1e-6 for channel in _linear(lightness, share * a, share * b)
    ):
        share -= 0.02
    channels = (_encoded(channel) for channel in _linear(lightness, share * a, share * b))
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in channels)


def _lab(color: str) -> Triple:
    cones = _product(_TO_CONES, _decoded(color))
    return _product(_TO_LAB, (math.cbrt(cones[0]), math.cbrt(cones[1]), math.cbrt(cones[2])))


def _linear(lightness: float, a: float, b: float) -> Triple:
    one, two, three = _product(_FROM_LAB, (lightness, a, b))
    return _product(_FROM_CONES, (one**3, two**3, three**3))


def _product(matrix: tuple[Triple, Triple, Triple], vector: Triple) -> Triple:
    one, two, three = (sum(x * y for x, y in zip(row, vector, strict=True)) for row in matrix)
    return one, two, three


def _decoded(color: str) -> Triple:
    one, two, three = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return _light(one), _light(two), _light(three)


def _light(channel: float) -> float:
    """Return the light of a channel, by the curve of sRGB."""
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _encoded(light: float) -> float:
    light = min(1.0, max(0.0, light))
    return 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055
