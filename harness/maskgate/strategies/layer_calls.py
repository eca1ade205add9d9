"""Masked batches for layers without recurrence, and the calls that a batch stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from maskgate.case import AnyArray, Case, LossSpec
from maskgate.case.layer_calls import LayerCall
from maskgate.strategies.cases import cases
from maskgate.strategies.masks import MASK_KINDS
from maskgate.strategies.pairs import Pair
from maskgate.strategies.signatures import Signature

LARGEST = 2.0  # of the inputs, and of what is drawn beside them
_SHAPE = (3, 4, 2)
_HEAD_SIZE, _QUERIES = 2, 2
_MOMENTUM, _EPSILON = 0.75, 1e-3

Make = Callable[[AnyArray, AnyArray, np.random.Generator], LayerCall]


def masked_batches() -> st.SearchStrategy[Pair]:
    """A batch of sequences with a mask: the predictions of its case; in the details the `seed` of
    everything else that a layer is given."""

    @st.composite
    def draw_pair(draw: st.DrawFn) -> Pair:
        signature = Signature(
            LossSpec.of("mse"), "sum_over_batch_size", "float32", _SHAPE, _SHAPE[:2], "bool"
        )
        kinds = tuple(kind for kind in MASK_KINDS if kind != "none")
        case = draw(cases(bucketed=[signature], mask_kinds=kinds, edges=False))
        return Pair(case, None, {"seed": draw(st.integers(0, 3))})

    return draw_pair()


def masked_corners() -> tuple[Pair, ...]:
    """Left and right padding, a hole, and a row with nothing valid; nothing valid at all."""
    mask = np.array([[0, 0, 1, 1], [1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]], bool)
    x = np.linspace(-2.0, 2.0, 32).reshape(4, 4, 2)
    zeros = np.zeros_like(x)
    case = Case(LossSpec.of("mse"), "sum_over_batch_size", "float32", zeros, x, mask)
    return Pair(case, None, {"seed": 0}), Pair(case.with_(mask=mask & False), None, {"seed": 0})


def layer_call(pair: Pair, name: str) -> LayerCall:
    """The call of one of `CALLS` that a pair stands for."""
    x = np.clip(np.asarray(pair.case.y_pred, np.float32), -LARGEST, LARGEST)
    mask = np.asarray(pair.case.mask, bool)
    random = np.random.default_rng([int(pair.details["seed"]), *name.encode()])
    return CALLS[name](x, mask, random)


def drawn(random: np.random.Generator, *shape: int) -> AnyArray:
    """Numbers of the size of the inputs."""
    return random.uniform(-LARGEST, LARGEST, shape).astype(np.float32)


def _attention(
    layer: str = "Attention",
    arguments: Mapping[str, Any] = {},
    *,
    causal: bool = False,
    shapes: Callable[[int], list[tuple[int, ...]]] = lambda _features: [],
    own_mask: bool = False,
    coincident: bool = False,
) -> Make:
    """A query of its own with a mask of its own looks at the masked batch.

    There are two queries; one less than keys where they are causal; as many as samples, where axes
    can be taken for each other.
    """

    def make(x: AnyArray, mask: AnyArray, random: np.random.Generator) -> LayerCall:
        batch, steps, features = x.shape
        queries = batch if coincident else steps - 1 if causal else _QUERIES
        inputs = drawn(random, batch, queries, features), x
        shown = random.random((batch, queries)) < 0.75
        shown[:, 0] = True
        weights = tuple(drawn(random, *shape) / 2.0 for shape in shapes(features))
        options = {"use_causal_mask": True} if causal else {}
        said = random.random((batch, queries, steps)) < 0.75 if own_mask else None
        return LayerCall(layer, arguments, inputs, (shown, mask), weights, options, said)

    return make


def _with_heads(heads: int, **more: Any) -> Make:
    arguments = {"num_heads": heads, "key_dim": _HEAD_SIZE}

    def shapes(features: int) -> list[tuple[int, ...]]:
        one = [(features, heads, _HEAD_SIZE), (heads, _HEAD_SIZE)]
        return [*one, *one, *one, (heads, _HEAD_SIZE, features), (features,)]

    return _attention("MultiHeadAttention", arguments, shapes=shapes, **more)


def _plain(layer: str, **arguments: Any) -> Make:
    def make(x: AnyArray, mask: AnyArray, _random: np.random.Generator) -> LayerCall:
        return LayerCall(layer, arguments, (x,), (mask,))

    return make


def _batch_normalization(x: AnyArray, mask: AnyArray, random: np.random.Generator) -> LayerCall:
    features = x.shape[2]
    gamma, beta, mean = (drawn(random, features) for _ in range(3))
    weights = gamma, beta, mean, np.abs(drawn(random, features))
    arguments = {"momentum": _MOMENTUM, "epsilon": _EPSILON}
    return LayerCall("BatchNormalization", arguments, (x,), (mask,), weights, training=True)


def _softmax(x: AnyArray, mask: AnyArray, random: np.random.Generator) -> LayerCall:
    """Its mask is as large as its input: masked steps, and one feature in three of the others."""
    each = mask[..., None] & (random.random(x.shape) < 0.67)
    return LayerCall("Softmax", {}, (x,), (each,))


def _merge(layer: str) -> Make:
    def make(x: AnyArray, mask: AnyArray, random: np.random.Generator) -> LayerCall:
        other = drawn(random, *x.shape), random.random(mask.shape) < 0.5
        return LayerCall(layer, {}, (x, other[0]), (mask, other[1]))

    return make


ATTENTION: Mapping[str, Make] = {
    "attention": _attention(),
    "attention-scaled": _attention(arguments={"use_scale": True}, shapes=lambda _: [()]),
    "attention-causal": _attention(causal=True),
    "attention-coincident": _attention(coincident=True),
    "additive-attention": _attention("AdditiveAttention", shapes=lambda features: [(features,)]),
    "multi-head-attention": _with_heads(1),
    "multi-head-attention-of-two": _with_heads(2),
    "multi-head-attention-causal": _with_heads(2, causal=True),
    "multi-head-attention-with-a-mask": _with_heads(2, own_mask=True),
}
MERGES: Mapping[str, Make] = {
    name: _merge(layer)
    for name, layer in {
        "add": "Add",
        "multiply": "Multiply",
        "average": "Average",
        "maximum": "Maximum",
        "concatenate": "Concatenate",
    }.items()
}
# What counts steps.
STATISTICS: Mapping[str, Make] = {
    "global-average-pooling1d": _plain("GlobalAveragePooling1D"),
    "batch-normalization": _batch_normalization,
    "layer-normalization": _plain("LayerNormalization"),
    "group-normalization": _plain("GroupNormalization", groups=1),
    "global-max-pooling1d": _plain("GlobalMaxPooling1D"),
    "max-pooling1d": _plain("MaxPooling1D", pool_size=2),
    "average-pooling1d": _plain("AveragePooling1D", pool_size=2),
}
CALLS: Mapping[str, Make] = {
    **STATISTICS,
    **ATTENTION,
    **MERGES,
    "softmax": _softmax,
}
