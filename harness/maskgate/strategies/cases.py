"""Whole cases: a signature, and what fills its arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from hypothesis import strategies as st

from maskgate.case import REDUCTIONS, Case, LossSpec
from maskgate.strategies import checks
from maskgate.strategies.blocks import CONTENT, block, cut, decoder_of, pick
from maskgate.strategies.contents import (
    DTYPES,
    WEIGHT_VALUES,
    has_edges,
    labels_of,
    predictions_of,
    values_of,
)
from maskgate.strategies.losses import LOSS_NAMES, with_classes
from maskgate.strategies.losses import losses as all_losses
from maskgate.strategies.masks import (
    MASK_DTYPES,
    MASK_KINDS,
    MASK_RANKS,
    SOFT_MASK,
    mask_of,
    mask_shape,
)
from maskgate.strategies.shapes import Shape
from maskgate.strategies.shapes import shapes as all_shapes
from maskgate.strategies.signatures import Signature, reduced
from maskgate.strategies.weights import WEIGHT_KINDS, weight_shape

Value = TypeVar("Value")
# A byte each: reduction, dtype, mask kind, rank and dtype, weight kind and values, label coding.
_STRUCTURE = 8
_CONTENTS = [CONTENT] * 4  # predictions, labels, mask, weights


def cases(
    *,
    losses: Sequence[str] | st.SearchStrategy[LossSpec] | None = None,
    reductions: Sequence[str] | None = None,
    dtypes: Sequence[str] | None = None,
    shapes: st.SearchStrategy[Shape] | None = None,
    mask_kinds: Sequence[str] = MASK_KINDS,
    mask_ranks: Sequence[str] | None = None,
    mask_dtypes: Sequence[str] | None = None,
    weight_kinds: Sequence[str] | None = None,
    weight_values: Sequence[str] = WEIGHT_VALUES,
    edges: bool | None = None,
    bucketed: Sequence[Signature] | None = None,
) -> st.SearchStrategy[Case]:
    """Cases of a masked, weighted loss, with finite values.

    Drawn as one block of bytes, structure first, as long as `losses` and `shapes` come from this
    package unfiltered; other strategies are drawn beside it. Shrinks to the first choice
    of every kind, few elements, labels of 0 and predictions of 1 (0.5 where they are
    probabilities).

    Args:
        losses: names (drawn with their parameters), or a strategy; all by default.
        reductions: of `REDUCTIONS`; all by default.
        dtypes: of `float32`, `float64`, `float16`, `bfloat16`; all by default.
        shapes: of `y_pred`; by default `shapes(min_rank=2)`, from 3 on for lower masks alone.
            A loss over classes gets two of them where the shape has one.
        mask_kinds: see `masks`; `soft` only on request.
        mask_ranks: see `masks`; all by default, more than half of them as the first.
        mask_dtypes: see `masks`; all by default.
        weight_kinds: see `weights`; all by default.
        weight_values: see `weights`.
        edges: see `contents`.
        bucketed: signatures to draw from, in place of the choices above that make a framework
            compile anew; kinds of mask content and weight values are drawn as always.

    Raises:
        ValueError: for an unknown choice, or a choice that `bucketed` has made already.

    Example:
        >>> from hypothesis import find
        >>> case = find(cases(losses=["mse"]), lambda case: case.mask is not None)
        >>> case.y_pred.tolist(), case.y_true.tolist(), case.mask.tolist()
        ([[1.0]], [[0.0]], [True])
    """
    filling = Filling(
        checks.subset("mask_kinds", mask_kinds, (*MASK_KINDS, SOFT_MASK)),
        checks.subset("weight_values", weight_values, WEIGHT_VALUES),
        edges,
    )
    if bucketed is not None:
        _refuse_both(
            losses=losses,
            reductions=reductions,
            dtypes=dtypes,
            shapes=shapes,
            mask_ranks=mask_ranks,
            mask_dtypes=mask_dtypes,
            weight_kinds=weight_kinds,
        )
        return _bucketed(filling, _fitting(bucketed, filling))
    structure = Structure(
        reductions=_chosen("reductions", reductions, REDUCTIONS),
        dtypes=_chosen("dtypes", dtypes, DTYPES),
        mask_kinds=filling.mask_kinds,
        mask_ranks=_favouring_first(_chosen("mask_ranks", mask_ranks, MASK_RANKS)),
        mask_dtypes=_chosen("mask_dtypes", mask_dtypes, MASK_DTYPES),
        weight_kinds=_chosen("weight_kinds", weight_kinds, WEIGHT_KINDS),
    )
    if shapes is None:
        shapes = all_shapes(min_rank=3 if set(mask_ranks or ()) == {"lower"} else 2)
    if not isinstance(shapes, st.SearchStrategy):
        raise ValueError(f"shapes must be a strategy, such as shapes(); got {shapes!r}")
    return _free(filling, structure, Part(_losses(losses)), Part(shapes))


@dataclass(frozen=True)
class Structure:
    """Choices that make up a signature, beside its loss and shape."""

    reductions: tuple[str, ...]
    dtypes: tuple[str, ...]
    mask_kinds: tuple[str, ...]
    mask_ranks: tuple[str, ...]
    mask_dtypes: tuple[str, ...]
    weight_kinds: tuple[str, ...]

    def decode(self, loss: LossSpec, shape: Shape, choices: bytes) -> tuple[Signature, str]:
        """The signature and the kind of mask that a block of bytes stands for."""
        if len(shape) == 1 and loss.axis != -1:
            loss = _along_last_axis(loss)
        shape = with_classes(loss, shape)
        steps = reduced(shape, loss.axis)
        kind = pick(self.mask_kinds, choices[2])
        masked: tuple[Shape | None, str | None] = (None, None)
        if kind != "none":
            rank = pick(self.mask_ranks, choices[3])
            dtype = "float" if kind == SOFT_MASK else pick(self.mask_dtypes, choices[4])
            masked = (mask_shape(steps, rank, shape[loss.axis]), dtype)
        weighted = weight_shape(steps, pick(self.weight_kinds, choices[5]))
        reduction, dtype = pick(self.reductions, choices[0]), pick(self.dtypes, choices[1])
        return Signature(loss, reduction, dtype, shape, *masked, weighted), kind


@dataclass(frozen=True)
class Filling:
    """Choices that leave the signature as it is."""

    mask_kinds: tuple[str, ...]
    weight_values: tuple[str, ...]
    edges: bool | None

    def kinds_for(self, mask_dtype: str | None) -> tuple[str, ...]:
        """The kinds of mask that a signature can hold."""
        unmasked = mask_dtype is None
        kinds = tuple(kind for kind in self.mask_kinds if (kind == "none") == unmasked)
        return tuple(kind for kind in kinds if kind != SOFT_MASK or mask_dtype == "float")

    def case(
        self, signature: Signature, kind: str, choices: bytes, contents: Sequence[bytes]
    ) -> Case:
        """The case of a signature that the structure's block and the arrays' blocks stand for."""
        loss, dtype, shape = signature.loss, signature.dtype, signature.shape
        edges, coding = has_edges(dtype, self.edges), choices[7]
        y_pred = predictions_of(loss, dtype, contents[0], shape, edges=edges)
        y_true = labels_of(loss, dtype, contents[1], shape, coding=coding, edges=edges)
        mask = sample_weight = None
        if signature.mask_shape is not None and signature.mask_dtype is not None:
            rank, mask_dtype = len(shape) - 1, signature.mask_dtype
            mask = mask_of(kind, signature.mask_shape, rank, mask_dtype, contents[2])
        if signature.weight_shape is not None:
            values = f"weights-{pick(self.weight_values, choices[6])}"
            sample_weight = values_of(values, dtype, contents[3], signature.weight_shape)
        return Case(loss, signature.reduction, dtype, y_true, y_pred, mask, sample_weight)


class Part(Generic[Value]):
    """A part that a strategy decides: from the case's own block if it can, else drawn after it."""

    def __init__(self, strategy: st.SearchStrategy[Value]) -> None:
        self._strategy, self._decoder = strategy, decoder_of(strategy)
        self.width = 0 if self._decoder is None else self._decoder.width

    def value(self, draw: st.DrawFn, choices: bytes) -> Value:
        """The value, drawn or decoded from `width` bytes."""
        return draw(self._strategy) if self._decoder is None else self._decoder.decode(choices)


@st.composite
def _free(
    draw: st.DrawFn,
    filling: Filling,
    structure: Structure,
    losses: Part[LossSpec],
    shapes: Part[Shape],
) -> Case:
    widths = shapes.width, losses.width, _STRUCTURE, *_CONTENTS
    for_shape, for_loss, choices, *contents = cut(draw(block(sum(widths))), *widths)
    loss, shape = losses.value(draw, for_loss), shapes.value(draw, for_shape)
    signature, kind = structure.decode(loss, shape, choices)
    return filling.case(signature, kind, choices, contents)


@st.composite
def _bucketed(draw: st.DrawFn, filling: Filling, bucket: tuple[Signature, ...]) -> Case:
    signature = draw(st.sampled_from(bucket))
    widths = _STRUCTURE, *_CONTENTS
    choices, *contents = cut(draw(block(sum(widths))), *widths)
    kind = pick(filling.kinds_for(signature.mask_dtype), choices[2])
    return filling.case(signature, kind, choices, contents)


def _chosen(name: str, given: Sequence[str] | None, known: tuple[str, ...]) -> tuple[str, ...]:
    return known if given is None else checks.subset(name, given, known)


def _losses(
    given: Sequence[str] | st.SearchStrategy[LossSpec] | None,
) -> st.SearchStrategy[LossSpec]:
    if isinstance(given, st.SearchStrategy):
        return given
    return all_losses(names=_chosen("losses", given, LOSS_NAMES))


def _favouring_first(options: tuple[str, ...]) -> tuple[str, ...]:
    """Every option once, and then the first as often as all of them."""
    return options + options[:1] * len(options)


def _along_last_axis(loss: LossSpec) -> LossSpec:
    return LossSpec.of(loss.name, **{**dict(loss.parameters), "axis": -1})


def _refuse_both(**given: object) -> None:
    """Raise ValueError when a choice is given that the signatures contain."""
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"bucketed signatures contain {name}; got {name}={value!r} as well")


def _fitting(bucket: Sequence[Signature], filling: Filling) -> tuple[Signature, ...]:
    """The signatures that a kind of mask fits. Raises ValueError when there is none."""
    fitting = tuple(signature for signature in bucket if filling.kinds_for(signature.mask_dtype))
    if not fitting:
        raise ValueError(f"no signature fits mask_kinds={filling.mask_kinds!r}; got {bucket!r}")
    return fitting
