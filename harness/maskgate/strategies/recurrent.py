"""Masked batches for recurrent layers."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from maskgate.case import Case, LossSpec
from maskgate.strategies.cases import cases
from maskgate.strategies.masks import MASK_DTYPES, MASK_KINDS
from maskgate.strategies.pairs import Pair
from maskgate.strategies.signatures import Signature

_SHAPE = (3, 4, 2)


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
        }
        return Pair(case, None, {"flags": flags, "seed": draw(st.integers(0, 3))})

    return draw_pair()


def recurrent_corners() -> tuple[Pair, ...]:
    """Left and right padding, a hole, nothing valid: forwards and backwards, with zeros at masked
    steps, and by masks of numbers."""
    mask = np.array([[0, 0, 1, 1], [1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]], bool)
    x = np.linspace(-2.0, 2.0, 32).reshape(4, 4, 2)
    zeros = np.zeros_like(x)
    case = Case(LossSpec.of("mse"), "sum_over_batch_size", "float32", zeros, x, mask)
    flags = [
        (dtype, {"go_backwards": backwards, "zero_output_for_mask": zeroed})
        for dtype, backwards, zeroed in (
            ("bool", False, False),
            ("int32", False, False),
            ("float32", True, False),
            ("bool", True, True),
        )
    ]
    return tuple(
        Pair(
            case.with_(mask=mask.astype(dtype)),
            None,
            {"flags": {"return_sequences": True, **said}, "seed": 0},
        )
        for dtype, said in flags
    )
