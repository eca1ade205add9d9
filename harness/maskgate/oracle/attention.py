"""Attention under masks, from the published definitions.

Luong, Pham and Manning, Effective Approaches to Attention-based Neural Machine Translation (2015):
the dot product as score (`Attention`); Bahdanau, Cho and Bengio, Neural Machine Translation by
Jointly Learning to Align and Translate (2015): `sum(tanh(q + k))` (`AdditiveAttention`); Vaswani
et al., Attention Is All You Need (2017): several heads, scaled scores (`MultiHeadAttention`). What
a mask means is Keras's documented rule: a masked key is given no weight; a masked query gives zeros
in the first two, and in the last one sees no key.

A query that sees no key has no defined output: anything is accepted there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from maskgate.case import AnyArray
from maskgate.case.layer_calls import LayerCall
from maskgate.oracle.arithmetic import arithmetic
from maskgate.oracle.ball import Ball
from maskgate.oracle.pooling import undefined
from maskgate.oracle.recurrent import tanh
from maskgate.oracle.rounding import EXACT, Rounded, held
from maskgate.oracle.selection import where
from maskgate.oracle.softmax import softmax

HEADS = "MultiHeadAttention"


def seen(call: LayerCall) -> AnyArray:
    """Which query sees which key, bool `(batch, queries, keys)`.

    Of `MultiHeadAttention` a masked query sees none; of the others it gives zeros.
    """
    queries, keys = call.inputs[0].shape[1], call.inputs[1].shape[1]
    let = np.broadcast_to(call.valid(1)[:, None, :], (len(call.inputs[0]), queries, keys))
    if call.options.get("use_causal_mask"):
        let = let & np.tri(queries, keys, dtype=bool)
    if call.attention_mask is not None:
        let = let & call.attention_mask
    if call.layer == HEADS:
        let = let & call.valid(0)[:, :, None]
    return let


def attended(call: LayerCall) -> Ball:
    """What an attention layer gives: `(batch, queries, features of the values)`.

    Inputs are query and value, and a key of its own where there is a third one.
    """
    model = arithmetic("float32")
    query, value = (held(each, model) for each in call.inputs[:2])
    weights = [held(each, model) for each in call.weights]
    let = seen(call)
    blind = np.asarray(~let.any(axis=2, keepdims=True))
    with np.errstate(all="ignore"):
        if call.layer == HEADS:
            return undefined(_with_heads(query, value, weights, let), blind)
        score = _additive if call.layer == "AdditiveAttention" else _dot
        found = _weighed(softmax(score(query, value, weights), let), value)
        shown = call.valid(0)[..., None]
        return undefined(where(shown, found, 0.0), blind & shown)


def _dot(query: Rounded, key: Rounded, weights: list[Rounded]) -> Rounded:
    found = _scores(query, key)
    return found * weights[0] if weights else found


def _additive(query: Rounded, key: Rounded, weights: list[Rounded]) -> Rounded:
    both = tanh(_at(query, (slice(None), slice(None), None)) + _at(key, (slice(None), None)))
    return (both * weights[0] if weights else both).narrow_sum(axis=3)


def _with_heads(query: Rounded, value: Rounded, weights: list[Rounded], let: AnyArray) -> Rounded:
    """Projections of query, key and value, attention in each head, and the output projection."""
    projected = [
        _projected(each, *weights[2 * number : 2 * number + 2])
        for number, each in enumerate((query, value, value))
    ]
    size = projected[0].shape[-1]
    # Before the product, where one rounding more is the most; the factor itself may be off by two.
    factor = 1.0 / np.sqrt(float(size))
    scale = Rounded(np.array(factor), np.array(factor * 2.0**-23), query.arithmetic)
    kernel, bias = weights[6:8]
    terms = []
    for head in range(projected[0].shape[2]):
        one, key, content = (_at(each, (..., head, slice(None))) for each in projected)
        found = _weighed(softmax(_scores(one * scale, key), let), content)
        terms.append(_at(found, (..., None)) * _at(kernel, (head,)))
    value_of = np.concatenate([each.value for each in terms], axis=2)
    errors = np.concatenate([each.errors for each in terms], axis=2)
    return _plus_bias(Rounded(value_of, errors, query.arithmetic), bias)


def _projected(x: Rounded, kernel: Rounded, bias: Rounded) -> Rounded:
    """`(batch, steps, features)` by `(features, heads, size)`."""
    terms = _at(x, (..., None, None)) * kernel
    return _plus_bias(terms, bias)


def _plus_bias(terms: Rounded, bias: Rounded) -> Rounded:
    """The sum of products along axis 2, and the bias, added in whatever order."""
    last = np.broadcast_to(bias.value, terms.shape[:2] + bias.shape)[:, :, None]
    value = np.concatenate([terms.value, last], axis=2)
    errors = np.concatenate([terms.errors, np.zeros(last.shape)], axis=2)
    return Rounded(value, errors, terms.arithmetic).narrow_sum(axis=2)


def _scores(query: Rounded, key: Rounded) -> Rounded:
    products = _at(query, (slice(None), slice(None), None)) * _at(key, (slice(None), None))
    return products.narrow_sum(axis=3)


def _weighed(shares: Rounded, value: Rounded) -> Rounded:
    """`sum_s shares[t, s] value[s]`."""
    return (_at(shares, (..., None)) * _at(value, (slice(None), None))).narrow_sum(axis=2)


def _at(x: Rounded, index: Any) -> Rounded:
    """The values at an index, which may bring new axes."""
    error = EXACT if x.error is EXACT else x.errors[index]
    return Rounded(x.value[index], error, x.arithmetic)
