"""From bytes to choices: how every strategy here draws.

Hypothesis takes as long for 500 random bytes as for two small integers, so a strategy draws blocks
of bytes and decodes them with pure functions. Byte 0 always means the simplest choice, which makes
the shrunk example plain. Every choice has its own place in a block of fixed length, and every array
its own block, in which an element's byte depends on its coordinates alone: shrinking one choice
leaves all others as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

Option = TypeVar("Option")
Bytes = npt.NDArray[np.uint8]

# Bytes for the content of one array. The length is prime, and the step along each axis different:
# small arrays have a byte for each element, and in larger ones no axis falls in step with another.
CONTENT = 61
_STEPS = (1, 4, 16, 27, 38, 49, 11, 23)
MAX_RANK = len(_STEPS)


def block(size: int) -> st.SearchStrategy[bytes]:
    """Exactly `size` bytes."""
    return st.binary(min_size=size, max_size=size)


def pick(options: Sequence[Option], byte: int) -> Option:
    """The option that a byte stands for: 0 for the first."""
    return options[byte % len(options)]


def scatter(content: bytes, shape: tuple[int, ...]) -> Bytes:
    """A byte for each element of an array, from the last `CONTENT` bytes of a block."""
    offset = len(content) - CONTENT
    elements: Bytes = np.frombuffer(content, dtype=np.uint8, offset=offset)[_places(shape)]
    return elements


@lru_cache(maxsize=4096)
def _places(shape: tuple[int, ...]) -> Bytes:
    """The place of each element's byte, the first element's last: bytes shrink to the end."""
    axes = np.ogrid[tuple(slice(side) for side in shape)]
    forward = sum((axis * step for axis, step in zip(axes, _STEPS)), np.zeros(shape, np.intp))  # noqa: B905
    return (CONTENT - 1 - forward % CONTENT).astype(np.uint8)
