"""Arrays as Python source: short, exact, and readable as long as they are small."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from maskgate.case import AnyArray, array_from_dict

# Up to here an array is spelled out whatever it holds; beyond, a pattern is looked for.
_SMALL = 64
# Beyond this an array without a pattern is packed.
_LARGE = 512
_LONGEST_PERIOD = 16
_MOST_EXCEPTIONS = 8
_WIDTH = 96


def array_source(data: Mapping[str, Any] | None, *, indent: int) -> str:
    """A NumPy expression for an array of a case, or `None`.

    Args:
        data: `{"dtype", "shape", "data"}`, or None.
        indent: column at which the expression starts, for the lines that follow its first.
    """
    array = array_from_dict(data)
    if array is None:
        return "None"
    if array.size == 0:
        return f"np.zeros({array.shape}, {_name(array)})"
    return _large(array) if array.size > _SMALL else _spelled(array, indent)


def _spelled(array: AnyArray, indent: int) -> str:
    """Nested lists, on one line if they fit there."""
    prefix = " " * (indent + len("np.array("))
    text = np.array2string(
        array,
        separator=", ",
        threshold=array.size + 1,
        floatmode="unique",
        max_line_width=_WIDTH - len('"bfloat16"),'),
        prefix=prefix,
    )
    flat = re.sub(r"\s+", " ", text).replace("[ ", "[").replace(" ]", "]").replace(" ,", ",")
    short = f"np.array({flat}, {_name(array)})"
    return short if indent + len(short) < _WIDTH else f"np.array({text}, {_name(array)})"


def _name(array: AnyArray) -> str:
    return f'"{array.dtype.name}"'


def _large(array: AnyArray) -> str:
    return _mostly_one(array) or _periodic(array) or _plain(array)


def _mostly_one(array: AnyArray) -> str | None:
    """One value, and a few places that hold another."""
    flat = array.ravel()
    values, counts = np.unique(flat, return_counts=True)
    value = values[int(np.argmax(counts))]
    same = (flat == value) | ((flat != flat) & (value != value))
    others = np.flatnonzero(~same)
    if len(others) > _MOST_EXCEPTIONS:
        return None
    whole = f"np.full({array.shape}, {_number(value)}, {_name(array)})"
    if not len(others):
        return whole
    places = ", ".join(f"{int(i)}: {_number(flat[i])}" for i in others)
    return f"with_values({whole}, {{{places}}})"


def _periodic(array: AnyArray) -> str | None:
    flat = array.ravel()
    for period in range(2, _LONGEST_PERIOD + 1):
        pattern = flat[:period]
        if np.array_equal(np.resize(pattern, flat.shape), flat, equal_nan=flat.dtype.kind == "f"):
            numbers = ", ".join(_number(value) for value in pattern)
            return f"np.resize(np.array([{numbers}], {_name(array)}), {array.shape})"
    return None


def _plain(array: AnyArray) -> str:
    if array.size <= _LARGE:
        return _spelled(array, 16)
    little = array.astype(array.dtype.newbyteorder("<"))
    packed = base64.b85encode(zlib.compress(little.tobytes(), 9)).decode("ascii")
    return f'unpacked("{packed}", "{little.dtype.str}", {array.shape})'


def _number(value: Any) -> str:
    return str(value)


HELPERS = {
    "with_values(": '''\
def with_values(array, values):
    """The array with other values at a few flat positions."""
    array.flat[list(values)] = list(values.values())
    return array
''',
    "unpacked(": '''\
def unpacked(text, dtype, shape):
    """The array whose compressed bytes are the text."""
    import base64
    import zlib

    return np.frombuffer(zlib.decompress(base64.b85decode(text)), dtype).reshape(shape)
''',
}
