"""From bytes to choices: how every strategy here draws.

A strategy draws one block of bytes and decodes it with a pure function. That is fast, and it keeps
Hypothesis from filling a run with mutants: it copies one of several draws of a kind over another,
which says little where each decides something else. Byte 0 always means the simplest choice, so
that examples shrink to plain ones. Every choice has its own place in a block of fixed length, and
an element's byte depends on its coordinates alone: shrinking one choice leaves all others as they
are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

Option = TypeVar("Option")
Value = TypeVar("Value")
Bytes = npt.NDArray[np.uint8]

# Bytes for the content of one array. The length is prime, and the step along each axis different:
# small arrays have a byte for each element, and in larger ones no axis falls in step with another.
CONTENT = 29
_STEPS = (1, 4, 16, 27, 38, 49, 11, 23)
MAX_RANK = len(_STEPS)


class Decoder(Generic[Value]):
    """How a block of bytes becomes a value; blocks of several decoders can be drawn as one."""

    def __init__(self, width: int, decode: Callable[[bytes], Value]) -> None:
        self.width, self.decode = width, decode


_DECODERS: WeakKeyDictionary[st.SearchStrategy[Any], Decoder[Any]] = WeakKeyDictionary()


def decoded(width: int, decode: Callable[[bytes], Value]) -> st.SearchStrategy[Value]:
    """What `decode` makes of a block of `width` bytes. The strategy's decoder is remembered."""
    strategy = block(width).map(decode)
    _DECODERS[strategy] = Decoder(width, decode)
    return strategy


def decoder_of(strategy: st.SearchStrategy[Value]) -> Decoder[Value] | None:
    """The decoder of a strategy that `decoded` made, None for any other."""
    return _DECODERS.get(strategy)


def block(size: int) -> st.SearchStrategy[bytes]:
    """Exactly `size` bytes."""
    return st.binary(min_size=size, max_size=size)


def pick(options: Sequence[Option], byte: int) -> Option:
    """The option that a byte stands for: 0 for the first."""
    return options[byte % len(options)]


def cut(choices: bytes, *widths: int) -> list[bytes]:
    """A block cut into parts of the given widths."""
    ends = [*accumulate(widths)]
    return [choices[end - width : end] for end, width in zip(ends, widths, strict=True)]


def scatter(content: bytes, shape: tuple[int, ...]) -> npt.NDArray[np.intp]:
    """A byte for each element of an array, from the last `CONTENT` bytes of a block.

    As platform integers: a remainder by the length of an axis need not fit a byte.
    """
    offset = len(content) - CONTENT
    elements = np.frombuffer(content, dtype=np.uint8, offset=offset)[_places(shape)]
    return elements.astype(np.intp)


@lru_cache(maxsize=4096)
def _places(shape: tuple[int, ...]) -> Bytes:
    """The place of each element's byte, the first element's last: bytes shrink to the end."""
    axes = np.ogrid[tuple(slice(side) for side in shape)]
    forward = sum((axis * step for axis, step in zip(axes, _STEPS)), np.zeros(shape, np.intp))  # noqa: B905
    return (CONTENT - 1 - forward % CONTENT).astype(np.uint8)
