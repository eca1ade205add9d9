"""Signatures: what a framework compiles a case for."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from maskgate.case import REDUCTIONS, Case, LossSpec, format_of
from maskgate.strategies import checks
from maskgate.strategies.contents import DTYPES
from maskgate.strategies.losses import LOSS_NAMES, with_classes
from maskgate.strategies.masks import MASK_DTYPES, MASK_RANKS, mask_shape
from maskgate.strategies.shapes import Shape
from maskgate.strategies.weights import WEIGHT_KINDS, weight_shape

# Distinct and coincident axes, ones, and one more axis than time; simplest first.
SIGNATURE_SHAPES: tuple[Shape, ...] = ((2, 3, 2), (2, 2, 2), (3, 2), (1, 4, 1), (3, 2, 3, 2))
_CANDIDATES = 30
Row = tuple[int, ...]  # one level (index of a choice) for each factor


@dataclass(frozen=True)
class Signature:
    """Everything about a case that makes a framework trace or compile anew.

    Attributes:
        loss: with its parameters.
        reduction: one of `REDUCTIONS`.
        dtype: of predictions and loss.
        shape: of `y_pred`.
        mask_shape: None for no mask.
        mask_dtype: `bool`, `int32` or `float` (the case's dtype); None for no mask.
        weight_shape: None for no sample weights.

    Raises:
        ValueError: for an unknown reduction or dtype, or a mask's shape without its dtype.
    """

    loss: LossSpec
    reduction: str
    dtype: str
    shape: Shape
    mask_shape: Shape | None = None
    mask_dtype: str | None = None
    weight_shape: Shape | None = None

    def __post_init__(self) -> None:
        if self.reduction not in REDUCTIONS:
            checks.one_of("reduction", self.reduction, REDUCTIONS)
        format_of(self.dtype)
        if self.mask_dtype is not None and self.mask_dtype not in MASK_DTYPES:
            checks.one_of("mask_dtype", self.mask_dtype, MASK_DTYPES)
        if (self.mask_shape is None) != (self.mask_dtype is None):
            raise ValueError(
                "mask_shape and mask_dtype go together; "
                f"got {self.mask_shape!r} and {self.mask_dtype!r}"
            )

    @classmethod
    def of(cls, case: Case) -> Signature:
        """The signature of a case."""
        mask, weight = case.mask, case.sample_weight
        return cls(
            case.loss,
            case.reduction,
            case.dtype,
            case.y_pred.shape,
            None if mask is None else mask.shape,
            None if mask is None else "float" if mask.dtype.kind == "f" else mask.dtype.name,
            None if weight is None else weight.shape,
        )

    @property
    def loss_shape(self) -> Shape:
        """Shape of the element losses."""
        return reduced(self.shape, self.loss.axis)


def reduced(shape: Shape, axis: int) -> Shape:
    """The shape without one of its axes."""
    return shape[:axis] + shape[axis:][1:]


def signatures(
    count: int,
    *,
    seed: int = 0,
    losses: Sequence[str | LossSpec] = LOSS_NAMES,
    reductions: Sequence[str] = REDUCTIONS,
    dtypes: Sequence[str] = DTYPES,
    mask_ranks: Sequence[str] = MASK_RANKS,
    mask_dtypes: Sequence[str] = MASK_DTYPES,
    weight_kinds: Sequence[str] = WEIGHT_KINDS,
    shapes: Sequence[Shape] = SIGNATURE_SHAPES,
) -> tuple[Signature, ...]:
    """A short list of different signatures that covers many pairs of choices.

    Each choice alone appears once `count` reaches the number of choices of its kind. The list
    depends on the arguments alone and starts with the simplest signature: the first of each.

    Args:
        count: how many; fewer come back where fewer exist.
        seed: which of many such lists.
        losses: names, or losses with parameters.
        reductions: of the loss.
        dtypes: of predictions and loss.
        mask_ranks: see `masks`; no mask is always a choice as well.
        mask_dtypes: see `masks`.
        weight_kinds: see `weights`.
        shapes: of `y_pred`, rank 2 or more; see `cases` for losses over classes.

    Raises:
        ValueError: for a count below 1, or an unknown choice.

    Example:
        >>> [str(signature.loss) for signature in signatures(2, losses=["mse", "bce"])]
        ['mse', 'bce']
    """
    checks.bounds("count", 1, count, count)
    factors = _factors(losses, reductions, dtypes, mask_ranks, mask_dtypes, weight_kinds, shapes)
    chosen = _covering(factors, count, random.Random(seed))
    return tuple(sorted(chosen, key=lambda signature: (sum(chosen[signature]), chosen[signature])))


def _covering(
    factors: list[tuple[Any, ...]], count: int, rng: random.Random
) -> dict[Signature, Row]:
    """Greedy: of some random rows of seldom used levels, the one with the most new pairs."""
    simplest = (0,) * len(factors)
    chosen = {_of_row(factors, simplest): simplest}
    while len(chosen) < count:
        rows = [_seldom_used(factors, chosen, rng) for _ in range(_CANDIDATES)]
        new = {signature: row for row in rows if (signature := _of_row(factors, row)) not in chosen}
        if not new:
            break
        covered = {pair for row in chosen.values() for pair in _pairs(row)}
        best = max(new, key=lambda signature: len(_pairs(new[signature]) - covered))
        chosen[best] = new[best]
    return chosen


def _seldom_used(
    factors: list[tuple[Any, ...]], chosen: dict[Signature, Row], rng: random.Random
) -> Row:
    """A level for each factor; one that few rows have, unless chance (one in four) has it else."""
    return tuple(
        rng.randrange(len(factor))
        if rng.random() < 0.25
        else _least(Counter(row[at] for row in chosen.values()), len(factor), rng)
        for at, factor in enumerate(factors)
    )


def _least(used: Counter[int], levels: int, rng: random.Random) -> int:
    return min(range(levels), key=lambda level: (used[level], rng.random()))


def _pairs(row: Row) -> set[tuple[tuple[int, int], ...]]:
    return set(combinations(enumerate(row), 2))


def _of_row(factors: list[tuple[Any, ...]], row: Row) -> Signature:
    return _signature(*(factor[level] for factor, level in zip(factors, row, strict=True)))


def _factors(
    losses: Sequence[str | LossSpec],
    reductions: Sequence[str],
    dtypes: Sequence[str],
    mask_ranks: Sequence[str],
    mask_dtypes: Sequence[str],
    weight_kinds: Sequence[str],
    shapes: Sequence[Shape],
) -> list[tuple[Any, ...]]:
    """What `_signature` takes, argument by argument, validated; simplest first."""
    specs = tuple(loss if isinstance(loss, LossSpec) else LossSpec(loss) for loss in losses)
    ranks = checks.subset("mask_ranks", mask_ranks, MASK_RANKS)
    kinds = checks.subset("mask_dtypes", mask_dtypes, MASK_DTYPES)
    variants = [(rank, kind) for rank in ranks for kind in kinds]
    return [
        checks.subset("losses", specs, specs),
        checks.subset("reductions", reductions, REDUCTIONS),
        checks.subset("dtypes", dtypes, DTYPES),
        (*variants[:1], None, *variants[1:]),
        checks.subset("weight_kinds", weight_kinds, WEIGHT_KINDS),
        tuple(checks.dimensions("shapes", shape) for shape in shapes),
    ]


def _signature(
    loss: LossSpec,
    reduction: str,
    dtype: str,
    mask: tuple[str, str] | None,
    weight_kind: str,
    shape: Shape,
) -> Signature:
    shape = with_classes(loss, shape)
    steps = reduced(shape, loss.axis)
    rank, mask_dtype = mask or ("equal", None)
    aligned = mask_shape(steps, rank, shape[loss.axis]) if mask else None
    weights = weight_shape(steps, weight_kind)
    return Signature(loss, reduction, dtype, shape, aligned, mask_dtype, weights)
