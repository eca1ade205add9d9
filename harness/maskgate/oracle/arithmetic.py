"""How a subject computes in one floating-point format, as numbers for running error analysis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from maskgate.case import FORMATS, Format, format_of

# The oracle itself computes in float64: its own rounding is part of every bound, and all of it
# where the subject computes in float64 too.
OWN_ROUNDOFF = 2.0**-53


@dataclass(frozen=True)
class Arithmetic:
    """The rounding model of one format.

    Attributes:
        format: the format that every operation rounds to.
        roundoff: relative error of one operation, the oracle's own included.
        sum_roundoff: relative error of one addition inside a sum. TensorFlow, JAX and torch add
            bfloat16 terms in float32 and round once; float16 sums stay in float16 (TensorFlow CPU).
        mean_roundoff: the same inside a mean, where TensorFlow 2.15 adds bfloat16 in bfloat16.
        underflow: largest absolute error of a result below the smallest normal value: all of it
            where subnormal numbers are flushed to zero, else half the subnormal spacing.
        flushes: whether subnormal inputs may be read as zero. float16 is computed by way of
            float32, where its subnormals are normal; the other formats are flushed by TensorFlow.
        limit: magnitudes from here on round to infinity.
        narrow: whether values of the format may be read in float32.
    """

    format: Format
    roundoff: float
    sum_roundoff: float
    mean_roundoff: float
    underflow: float
    flushes: bool
    limit: float
    narrow: bool = False


@cache
def arithmetic(dtype: str, *, wide: bool = False, narrow: bool = False) -> Arithmetic:
    """The rounding model of a dtype.

    Args:
        dtype: one of `FORMATS`.
        wide: intermediates keep the exponent range of float32, as in code that XLA compiles.
        narrow: float64 may be computed in float32, operation by operation.
    """
    if narrow and dtype == "float64":
        return replace(arithmetic("float32"), format=format_of(dtype), narrow=True)
    fmt = format_of(dtype)
    unit = fmt.unit_roundoff
    flushes = dtype != "float16"
    adding = FORMATS["float32"].unit_roundoff if dtype == "bfloat16" else unit
    return Arithmetic(
        format=fmt,
        roundoff=unit + OWN_ROUNDOFF,
        sum_roundoff=adding + OWN_ROUNDOFF,
        mean_roundoff=unit + OWN_ROUNDOFF,
        underflow=fmt.tiny if flushes else fmt.tiny * unit,
        flushes=flushes,
        limit=max(_limit(fmt), _limit(FORMATS["float32"])) if wide else _limit(fmt),
    )


def _limit(fmt: Format) -> float:
    """Largest finite value plus half its spacing: 2**emax * (2 - 2**-p)."""
    return fmt.largest * (1.0 + fmt.unit_roundoff / (2.0 - 2.0 * fmt.unit_roundoff))


# Accuracy of the subjects' elementary functions: how many roundings (units of roundoff, so half
# units in the last place) one evaluation may cost. Measured on TensorFlow's eager, graph and XLA
# kernels in every format against ball arithmetic, plus a margin; a test repeats the measurement.
ROUNDINGS: dict[str, float] = {
    "reciprocal": 3.0,
    "log": 4.0,
    "exp": 3.0,
    "log1p": 5.0,
    "softplus": 9.0,
    "sigmoid": 9.0,
    "sqrt": 1.5,
    "rsqrt": 4.0,
    "power": 4.0,
}
