"""The floating-point dtypes of a loss computation, as numbers.

Sources: IEEE 754-2019 for float16, float32 and float64; bfloat16 is the upper half of a float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
AnyArray = npt.NDArray[Any]

# A float64 has 52 bits after the point, a bfloat16 seven.
_ONE = np.uint64(1)
_DROPPED = np.uint64(45)
_HALF_LESS_ONE = np.uint64(2**44 - 1)
_LOWER_HALF = np.uint32(0xFFFF)
_KEPT = np.uint64(2**64 - 2**45)


@dataclass(frozen=True)
class Format:
    """One binary floating-point format.

    Attributes:
        name: the dtype's name as frameworks spell it.
        unit_roundoff: largest relative error of one rounding to nearest, `2**-p`.
        largest: largest finite value.
        tiny: smallest *normal* value; results below it may be flushed to zero.
        storage: the NumPy dtype that holds values of this format exactly. NumPy has no
            bfloat16, so bfloat16 values are kept as float32 arrays whose lower half is zero.
    """

    name: str
    unit_roundoff: float
    largest: float
    tiny: float
    storage: np.dtype[Any]

    def round(self, values: npt.ArrayLike) -> AnyArray:
        """Round to nearest, ties to even, into a new array of this format (held in `storage`)."""
        array = np.asarray(values)
        if self.name == "bfloat16":
            return self._bfloat16(array)
        if array.dtype == self.storage:
            return np.array(array)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return np.asarray(array.astype(self.storage, order="C"))

    def _bfloat16(self, array: AnyArray) -> AnyArray:
        """Round the bits of the float64, once: by way of float32 a tie could be rounded twice."""
        if array.dtype == np.float32 and not (array.view(np.uint32) & _LOWER_HALF).any():
            return np.array(array)
        wide = array.astype(np.float64, order="C")
        bits = wide.view(np.uint64)
        # Half a unit less one bit, and that bit where the last bit kept is odd; the carry moves
        # into the exponent as it should, for the largest values to infinity.
        up = ((bits >> _DROPPED) & _ONE) + _HALF_LESS_ONE
        rounded = ((bits + up) & _KEPT).view(np.float64)
        magnitude = np.abs(wide)
        if not (magnitude >= self.tiny).all():  # zeros, subnormals, NaN
            step = self.tiny * 2.0**-7
            with np.errstate(over="ignore", invalid="ignore"):
                rounded = np.where(magnitude < self.tiny, np.rint(wide / step) * step, rounded)
            rounded = np.where(np.isnan(wide), wide, rounded)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return np.asarray(rounded.astype(self.storage))

    def holds(self, values: AnyArray) -> bool:
        """Whether every value is one of this format's."""
        return bool(np.array_equal(self.round(values), values, equal_nan=True))


FORMATS: dict[str, Format] = {
    "float16": Format("float16", 2.0**-11, 65504.0, 2.0**-14, np.dtype(np.float16)),
    "bfloat16": Format(
        "bfloat16", 2.0**-8, (2.0 - 2.0**-7) * 2.0**127, 2.0**-126, np.dtype(np.float32)
    ),
    "float32": Format(
        "float32", 2.0**-24, (2.0 - 2.0**-23) * 2.0**127, 2.0**-126, np.dtype(np.float32)
    ),
    "float64": Format(
        "float64", 2.0**-53, float(np.finfo(np.float64).max), 2.0**-1022, np.dtype(np.float64)
    ),
}


def format_of(dtype: str) -> Format:
    """The format of a dtype name.

    Raises:
        ValueError: for a name that is no floating-point dtype of a loss.
    """
    try:
        return FORMATS[dtype]
    except KeyError:
        known = ", ".join(FORMATS)
        raise ValueError(f"dtype must be one of {known}; got {dtype!r}") from None
