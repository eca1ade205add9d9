"""Sample weights: in which shape, with which values."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from maskgate.case import AnyArray
from maskgate.strategies import checks
from maskgate.strategies.blocks import CONTENT, decoded, pick
from maskgate.strategies.contents import DTYPES, WEIGHT_VALUES, values_of
from maskgate.strategies.shapes import Shape

WEIGHT_KINDS = ("none", "scalar", "(B,)", "(B,1)", "(B,T)", "(B,T,1)")


def weights(
    shape: Sequence[int],
    *,
    kinds: Sequence[str] = WEIGHT_KINDS,
    values: Sequence[str] = WEIGHT_VALUES,
    dtype: str = "float32",
) -> st.SearchStrategy[AnyArray | None]:
    """Sample weights for element losses of a shape `(batch, [time, ...])`; None for no weights.

    Kinds are named as shapes; `(B,T)` is the batch and the first axis after it (the batch alone
    where there is none). Values: `one` (all 1); `zero` (zeros among 1, 2, ...); `negative`
    (among others); `tiny`; `huge`; `all-zero`. Tiny and huge depend on the dtype.

    Shrinks to the first kind and values; then to weights of 1.

    Raises:
        ValueError: for an unknown kind, value or dtype, or a shape that is none.

    Example:
        >>> from hypothesis import find
        >>> find(weights((2, 3), kinds=["(B,1)"]), lambda weight: True).tolist()
        [[1.0], [1.0]]
    """
    shape = checks.dimensions("shape", shape)
    kinds = checks.subset("kinds", kinds, WEIGHT_KINDS)
    values = checks.subset("values", values, WEIGHT_VALUES)
    checks.one_of("dtype", dtype, DTYPES)

    def decode(choices: bytes) -> AnyArray | None:
        aligned = weight_shape(shape, pick(kinds, choices[0]))
        if aligned is None:
            return None
        return values_of(f"weights-{pick(values, choices[1])}", dtype, choices, aligned)

    return decoded(2 + CONTENT, decode)


def weight_shape(loss_shape: Shape, kind: str) -> Shape | None:
    """Shape of the weights of a kind, None for no weights."""
    return {
        "none": None,
        "scalar": (),
        "(B,)": loss_shape[:1],
        "(B,1)": (*loss_shape[:1], 1),
        "(B,T)": loss_shape[:2],
        "(B,T,1)": (*loss_shape[:2], 1),
    }[kind]
