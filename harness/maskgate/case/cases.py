"""One input of a masked, weighted loss, as frozen data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from maskgate.case.dtypes import AnyArray, Format, format_of
from maskgate.case.losses import REDUCTIONS, LossSpec

_ARRAYS = ("y_true", "y_pred", "mask", "sample_weight")


@dataclass(frozen=True, eq=False)
class Case:
    """One call of a loss object: `loss(y_true, y_pred, sample_weight)` with a mask on `y_pred`.

    Values are what the subject sees: floats already rounded to `dtype`. Arrays are read-only.

    Attributes:
        loss: the loss and its parameters.
        reduction: one of `REDUCTIONS`.
        dtype: dtype of the predictions and of the loss computation.
        y_true: labels, shape of `y_pred`, or without its last axis for class ids (int32).
        y_pred: predictions, shape `(batch, ..., features)`.
        mask: True (or non-zero) where a step is valid; bool, int32 or a float dtype; None for none.
        sample_weight: weights; None for none.
    """

    loss: LossSpec
    reduction: str
    dtype: str
    y_true: AnyArray
    y_pred: AnyArray
    mask: AnyArray | None = None
    sample_weight: AnyArray | None = None

    def __post_init__(self) -> None:
        if self.reduction not in REDUCTIONS:
            allowed = ", ".join(REDUCTIONS)
            raise ValueError(f"reduction must be one of {allowed}; got {self.reduction!r}")
        fmt = format_of(self.dtype)
        for field in _ARRAYS:
            value = getattr(self, field)
            if value is None:
                continue
            array = _frozen(value, fmt)
            object.__setattr__(self, field, array)

    @property
    def format(self) -> Format:
        """The floating-point format of `dtype`."""
        return format_of(self.dtype)

    @property
    def loss_shape(self) -> tuple[int, ...]:
        """Shape of the element losses before the reduction: `y_pred` without its reduced axis."""
        shape = list(self.y_pred.shape)
        if shape:
            del shape[self.loss.axis]
        return tuple(shape)

    def with_(self, **changes: Any) -> Case:
        """A copy with some fields replaced."""
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: arrays as nested lists with dtype and shape, NaN as `"nan"`."""
        return {
            "loss": self.loss.to_dict(),
            "reduction": self.reduction,
            "dtype": self.dtype,
            **{field: array_to_dict(getattr(self, field)) for field in _ARRAYS},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Case:
        """The case that `to_dict` wrote.

        Raises:
            ValueError: when a field is missing or damaged; the message names it.
        """
        try:
            arrays = {field: array_from_dict(data[field]) for field in _ARRAYS}
            if arrays["y_true"] is None or arrays["y_pred"] is None:
                raise ValueError("not a case: y_true and y_pred must be arrays")
            return cls(
                loss=LossSpec.from_dict(data["loss"]),
                reduction=data["reduction"],
                dtype=data["dtype"],
                **arrays,  # type: ignore[arg-type]
            )
        except (KeyError, TypeError, AttributeError, OverflowError) as problem:
            raise ValueError(f"not a case: {type(problem).__name__}: {problem}") from problem

    def save(self, path: str | Path) -> None:
        """Write the case as one JSON document."""
        Path(path).write_text(json.dumps(self.to_dict(), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Case:
        """Read a case from a file.

        Raises:
            ValueError: when the file does not hold a case; the message names the file.
        """
        try:
            return cls.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
        except ValueError as problem:
            raise ValueError(f"{path}: {problem}") from problem

    def identical(self, other: Case) -> bool:
        """Whether both cases hold the same bits (NaN equal to NaN)."""
        return json.dumps(self.to_dict()) == json.dumps(other.to_dict())


def _frozen(value: npt.ArrayLike, fmt: Format) -> AnyArray:
    """A read-only copy as a subject holds it: floats in the case's format, integers as int32."""
    given = np.asarray(value)
    if given.dtype.kind == "f":
        array = fmt.round(given)
    elif given.dtype.kind in "iu":
        array = given.astype(np.int32, order="C")
        if given.dtype != np.int32 and not np.array_equal(array, given):
            raise ValueError(f"integers of a case must fit int32; got up to {np.abs(given).max()}")
    elif given.dtype.kind == "b":
        array = given.copy()
    else:
        raise ValueError(f"arrays of a case hold bool, integers or floats; got {given.dtype}")
    array.flags.writeable = False
    return array


_LONG = 1000


def array_to_dict(array: AnyArray | None) -> dict[str, Any] | None:
    """`{"dtype", "shape", "data"}` with nested lists; non-finite values as strings.

    The data of a long array with one value throughout is that value.
    """
    if array is None:
        return None
    data: Any = array.tolist()
    if array.size > _LONG and (array == array.flat[0]).all():
        data = array.flat[0].item()
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        data = _spell(data)
    return {"dtype": array.dtype.name, "shape": list(array.shape), "data": data}


def array_from_dict(data: Mapping[str, Any] | None) -> AnyArray | None:
    """The array that `array_to_dict` wrote.

    Raises:
        ValueError: when the data do not fit the dtype or the shape.
    """
    if data is None:
        return None
    dtype = np.dtype(data["dtype"])
    # By way of int64: NumPy 1 wraps integers that the dtype does not hold.
    wide = np.array(_unspell(data["data"]), dtype=np.int64 if dtype.kind == "i" else dtype)
    values = wide.astype(dtype)
    if dtype.kind == "i" and not np.array_equal(values, wide):
        raise ValueError(f"integers must fit {dtype}; got {wide.tolist()}")
    shape = [int(n) for n in data["shape"]]
    return np.full(shape, values) if values.ndim == 0 else values.reshape(shape)


def number_to_json(value: float) -> float | str:
    """A float for JSON: non-finite values as the strings `nan`, `inf`, `-inf`."""
    value = float(value)
    if np.isfinite(value):
        return value
    return "nan" if np.isnan(value) else ("inf" if value > 0 else "-inf")


def _spell(data: Any) -> Any:
    return [_spell(item) for item in data] if isinstance(data, list) else number_to_json(data)


def _unspell(data: Any) -> Any:
    if isinstance(data, list):
        return [_unspell(item) for item in data]
    return float(data) if isinstance(data, str) else data
