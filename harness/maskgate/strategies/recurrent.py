"""Masked batches for recurrent layers."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from maskgate.case import Case, LossSpec
from maskgate.strategies.cases import cases
from maskgate.strategies.masks import MASK_DTYPES, MASK_KINDS
from maskgate.strategies.pairs import Pair
from maskgate.strategies.recurrent_calls import MERGE_MODES
from maskgate.strategies.signatures import Signature

_SHAPE = (3, 4, 2)
# Dtype of the mask, `go_backwards`, `zero_output_for_mask`, `unroll`, which is code of its own.
_CORNERS = (
    ("bool", False, False, False),
    ("int32", False, False, False),
    ("float32", True, False, False),
    ("bool", True, True, False),
    ("bool", False, True, False),
    ("bool", False, False, True),
    ("bool", True, True, True),
)


def recurrent_batches(*, sequences: bool = False) -> st.SearchStrategy[Pair]:
    """A batch of sequences with a mask; in the details the `flags` of the layers, and the `seed`
    of their weights.

    Args:
        sequences: whether every step's output is always asked for.
    """

    @st.composite
    def draw_pair(draw: st.DrawFn) -> Pair:
        dtype = draw(st.sampled_from(MASK_DTYPES))
        signature = Signature(
            LossSpec.of("mse"), "sum_over_batch_size", "float32", _SHAPE, _SHAPE[:2], dtype
        )
        kinds = tuple(kind for kind in MASK_KINDS if kind != "none")
        case = draw(cases(bucketed=[signature], mask_kinds=kinds, edges=False))
        flags = {
            "return_sequences": True if sequences else draw(st.booleans()),
            "go_backwards": draw(st.booleans()),
            "zero_output_for_mask": draw(st.booleans()),
            "unroll": draw(st.booleans()),
            "merge_mode": draw(st.sampled_from(MERGE_MODES)),
            "reset": draw(st.booleans()),
        }
        return Pair(case, None, {"flags": flags, "seed": draw(st.integers(0, 8))})

    return draw_pair()


def recurrent_corners(*, traced: bool = False) -> tuple[Pair, ...]:
    """Left and right padding, a hole, nothing valid, nothing masked: forwards and
    backwards, with zeros at masked steps, unrolled, by masks of numbers, with each way to merge.

    Args:
        traced: whether the first of them is asked once more, traced.
    """
    mask = np.array([[0, 0, 1, 1], [1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]], bool)
    x = np.linspace(-2.0, 2.0, 40).reshape(5, 4, 2)
    zeros = np.zeros_like(x)
    case = Case(LossSpec.of("mse"), "sum_over_batch_size", "float32", zeros, x, mask)
    pairs = []
    for number, (dtype, backwards, zeroed, unrolled) in enumerate(_CORNERS):
        flags = {
            "return_sequences": True,
            "go_backwards": backwards,
            "zero_output_for_mask": zeroed,
            "unroll": unrolled,
            "merge_mode": MERGE_MODES[number % len(MERGE_MODES)],
            "reset": number == 1,
        }
        of_dtype = case.with_(mask=mask.astype(dtype))
        pairs.append(Pair(of_dtype, None, {"flags": flags, "seed": number}))
    again = [Pair(case, None, {**pairs[0].details, "traced": True})] if traced else []
    return (*pairs, *again)
