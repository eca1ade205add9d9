"""Shapes of predictions: `(batch, [time, ...], features)`."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from maskgate.strategies import checks
from maskgate.strategies.blocks import MAX_RANK, decoded, pick

Shape = tuple[int, ...]

# Just past what counts exactly: int8 (127), bfloat16 (256), float16 (2,048, and 65,504 in all).
LONG_SIDES = (129, 257, 2049, 65505)
_EVERY_EIGHTH, _EVERY_FOURTH = 8, 4


def shapes(
    *,
    min_rank: int = 1,
    max_rank: int = 4,
    min_side: int = 1,
    max_side: int = 4,
    empty_batch: bool = False,
    long: bool = False,
) -> st.SearchStrategy[Shape]:
    """Shapes of `y_pred`: batch first, features last.

    Axes are distinct or coincide with the batch (where broadcasting along the wrong axis hides);
    ones are frequent. Shrinks to the lowest rank and the shortest sides.

    Args:
        min_rank: lowest rank; 1 is a single vector of features, whose loss is a scalar.
        max_rank: highest rank, at most 8.
        min_side: shortest axis.
        max_side: longest axis, `long` ones apart.
        empty_batch: whether a batch of no samples is drawn too.
        long: whether one axis is sometimes a length of `LONG_SIDES` (the others are then 1 or 2).

    Raises:
        ValueError: for bounds that contradict each other, or an empty range.

    Example:
        >>> from hypothesis import find
        >>> find(shapes(min_rank=2), lambda shape: shape[0] == shape[1] > 1)
        (2, 2)
    """
    options = ShapeOptions(min_rank, max_rank, min_side, max_side, empty_batch, long)
    return decoded(options.width, options.decode)


@dataclass(frozen=True)
class ShapeOptions:
    """The arguments of `shapes`, validated."""

    min_rank: int = 1
    max_rank: int = 4
    min_side: int = 1
    max_side: int = 4
    empty_batch: bool = False
    long: bool = False

    def __post_init__(self) -> None:
        checks.bounds("rank", 1, self.min_rank, self.max_rank)
        checks.bounds("side", 1, self.min_side, self.max_side)
        if self.max_rank > MAX_RANK:
            raise ValueError(f"max_rank must be at most {MAX_RANK}; got {self.max_rank!r}")

    @property
    def width(self) -> int:
        """Bytes that `decode` needs: rank, special kind, its length, and the sides."""
        return 3 + self.max_rank

    def decode(self, choices: bytes) -> Shape:
        """The shape that a block stands for."""
        rank = self.min_rank + choices[0] % (self.max_rank - self.min_rank + 1)
        if self.long and choices[1] % _EVERY_FOURTH == _EVERY_FOURTH - 1:
            return _long(rank, pick(LONG_SIDES, choices[2]), choices[3:])
        sides = self._sides(choices[3 : 3 + rank])
        if self.empty_batch and choices[1] % _EVERY_EIGHTH == _EVERY_EIGHTH - 2:
            return (0, *sides[1:])
        return sides

    def _sides(self, choices: bytes) -> Shape:
        """The batch, then sides of other lengths in range or, twice as likely, that of the batch.

        As long as the batch is a choice of its own, so that both shrink together.
        """
        lengths = range(self.min_side, self.max_side + 1)
        batch = pick(lengths, choices[0])
        if batch > self.min_side:
            later = (*(side for side in lengths if side != batch), batch, batch)
        else:
            later = tuple(lengths)
        return (batch, *(pick(later, choice) for choice in choices[1:]))


def _long(rank: int, length: int, choices: bytes) -> Shape:
    """One long axis: time where there is one, else the batch; else, in a vector, its features."""
    sides = [1 + choice % 2 for choice in choices[:rank]]
    sides[1 if rank >= 3 else 0] = length
    return tuple(sides)
