"""The values that arrays are filled with, by domain.

The first value is the plainest: an array shrinks to it. Labels and predictions start from
different ones, so that the plainest case of a loss is not one in which the loss is zero.
Values are moderate: squares of them, summed over a few hundred elements, stay finite in float16.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from maskgate.case import AnyArray, format_of

_SMALL = (3.0, -2.0, 1.5, -0.5, 0.1, -0.25, 4.0, -1.7, 0.7, 2.6, -3.3, 0.3, 1.25, -0.9)
_SHARES = (0.25, 0.75, 0.125, 0.1, 0.9, 0.3, 0.6, 0.01, 0.99)

PALETTES: dict[str, tuple[float, ...]] = {
    "real": (1.0, 0.0, 2.0, -1.0, 0.5, *_SMALL),
    "real-labels": (0.0, 1.0, 2.0, -1.0, 0.5, *_SMALL),
    "nonzero": (1.0, 2.0, -1.0, 0.5, *_SMALL),
    "positive": (1.0, 2.0, 0.5, 3.0, 0.25, 1.5, 0.1, 0.75, 4.0, 2.6, 0.7),
    "counts": (0.0, 1.0, 2.0, 3.0, 0.5, 4.0, 0.1, 1.7),
    "probability": (0.5, *_SHARES),
    "shares": (0.5, *_SHARES),
    "mass": (1.0, 0.5, *_SHARES),
    "probability-labels": (0.0, 1.0, 0.5, *_SHARES),
    "bits": (0.0, 1.0),
    "signs": (1.0, -1.0),
    "finite": (1.0, 0.0, -1.0, 2.0, 0.5, 7.3, -4.0),
    "non-finite": (np.nan, np.inf, -np.inf, 1e20),
    "weights-one": (1.0,),
    "weights-zero": (1.0, 0.0, 2.0, 0.5, 0.0, 3.0, 0.7),
    "weights-negative": (1.0, -1.0, 0.0, -2.0, 2.0, -0.5),
    "weights-all-zero": (0.0,),
}

# Only in dtypes as wide as float32 in the exponent: their squares and logarithms leave float16.
_WIDE: dict[str, tuple[float, ...]] = {
    "real": (100.0, -55.5, 1e-3, -1e-5),
    "real-labels": (100.0, -55.5, 1e-3, -1e-5),
    "nonzero": (100.0, -55.5, 1e-3),
    "positive": (100.0, 1e-3),
    "counts": (100.0, 1e-3),
    "probability": (1e-3, 1e-6),
    "shares": (1e-3,),
    "mass": (1e-3,),
    "finite": (100.0, -100.0, 1e6, -1e6, 12345.678),
}

# Where a clipped logarithm, a norm or a quotient meets its epsilon. A half-precision dtype cannot
# tell 1 - 1e-7 from 1 (nor bfloat16 0.999), and some of them 1e-7 from 0: losses are not finite
# there.
_EDGES: dict[str, tuple[float, ...]] = {
    "positive": (0.0,),
    "probability": (0.0, 1.0, 0.999),
    "mass": (0.0,),
    "shares": (1.0, 0.999),
}

_TINY = {"float16": 2.0**-12, "bfloat16": 1e-20, "float32": 1e-20, "float64": 1e-150}
_HUGE = {"float16": 1024.0, "bfloat16": 1e20, "float32": 1e20, "float64": 1e150}


def palette(name: str, dtype: str, edges: bool) -> tuple[float, ...]:
    """The values of one palette, simplest first."""
    if name == "weights-tiny":
        return (1.0, _TINY[dtype], 3 * _TINY[dtype], 0.5)
    if name == "weights-huge":
        return (1.0, _HUGE[dtype], _HUGE[dtype] / 3, 2.0)
    wide = () if dtype == "float16" else _WIDE.get(name, ())
    return PALETTES[name] + wide + (_EDGES.get(name, ()) if edges else ())


@lru_cache(maxsize=1024)
def table(name: str, dtype: str, edges: bool) -> AnyArray:
    """What each of the 256 bytes stands for: the palette over and over, rounded to the dtype."""
    values = np.resize(np.array(palette(name, dtype, edges)), 256)
    return format_of(dtype).round(values)
