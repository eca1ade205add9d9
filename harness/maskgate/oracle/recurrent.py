"""Masked forward passes of recurrent layers, written from the published definitions of the cells.

Elman's network (SimpleRNN), the long short-term memory with a forget gate (LSTM), and the gated
recurrent unit, with the reset gate before or after the recurrent product (GRU). What a mask means
is Keras's documented rule: a masked step leaves the state alone and repeats the output before it,
which is zero before the first valid step; `zero_output_for_mask` puts zeros in its place.

Every value is a `Rounded`: the bound on a subject's error comes from the same computation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from maskgate.case.layers import LayerCase
from maskgate.oracle.arithmetic import arithmetic
from maskgate.oracle.ball import Ball
from maskgate.oracle.functions import sigmoid
from maskgate.oracle.rounding import EXACT, Rounded, finish, held
from maskgate.oracle.selection import where

# How many roundings one hyperbolic tangent may cost: TensorFlow's float32 kernel was measured at
# 5.5 against float64 on a grid of all exponents. A test repeats the measurement.
TANH_ROUNDINGS = 7.0
GATES = {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}

States = tuple[Rounded, ...]
# Output, last output and states of one call.
Called = tuple[Rounded, Rounded, States]
Cell = Callable[[Rounded, States, Sequence[Rounded]], States]


@dataclass(frozen=True)
class Forward:
    """What a layer must give for a case.

    Attributes:
        output: `(batch, units)`, or `(batch, steps, units)` with `return_sequences`.
        states: each `(batch, units)`, the last ones.
    """

    output: Ball
    states: tuple[Ball, ...]


def weight_shapes(case: LayerCase) -> tuple[tuple[int, ...], ...]:
    """Shapes of kernel, recurrent kernel and bias, as `get_weights` orders them."""
    units, wide = _units(case), GATES[case.layer] * _units(case)
    bias = (2, wide) if _resets_after(case) else (wide,)
    return (case.x.shape[2], wide), (units, wide), bias


def forward(case: LayerCase) -> Forward:
    """Output and last states of a recurrent layer, with the bound on a float32 subject's error.

    Raises:
        ValueError: for a layer that is none of `GATES`, or weights of other shapes.
    """
    if case.layer not in CELLS:
        raise ValueError(f"no recurrent layer {case.layer!r}; there are {', '.join(CELLS)}")
    if tuple(each.shape for each in case.weights) != weight_shapes(case):
        raise ValueError(f"{case.layer} has weights of shapes {weight_shapes(case)}")
    with np.errstate(all="ignore"):
        output, _, states = called(case)
    return Forward(ball(output), tuple(ball(each) for each in states))


def called(case: LayerCase, before: Called | None = None) -> Called:
    """One call of a recurrent layer, from zeros or from where the call before it ended.

    `numpy.errstate` is the caller's.
    """
    model = arithmetic("float32")
    weights = [held(each, model) for each in case.weights]
    batch, steps, _ = case.x.shape
    zeros = Rounded(np.zeros((batch, _units(case))), EXACT, model)
    states: States = (zeros,) * (2 if case.layer == "LSTM" else 1)
    output, outputs = zeros, []
    if before is not None:
        _, output, states = before
    cell = _gru_reset_after if _resets_after(case) else CELLS[case.layer]
    order = range(steps)[::-1] if case.parameters.get("go_backwards") else range(steps)
    for time in order:
        valid = case.valid[:, time, None]
        after = cell(held(case.x[:, time], model), states, weights)
        states = tuple(where(valid, new, old) for new, old in zip(after, states, strict=True))
        output = where(valid, after[0], output)
        zeroed = bool(case.parameters.get("zero_output_for_mask"))
        outputs.append(where(valid, output, zeros) if zeroed else output)
    given = outputs[-1]
    if case.parameters.get("return_sequences"):
        values = np.stack([each.value for each in outputs], axis=1)
        given = Rounded(values, np.stack([each.errors for each in outputs], axis=1), model)
    return given, output, states


def _simple(x: Rounded, states: States, weights: Sequence[Rounded]) -> States:
    kernel, recurrent, bias = weights
    return (tanh(affine([(x, kernel), (states[0], recurrent)], bias)),)


def _lstm(x: Rounded, states: States, weights: Sequence[Rounded]) -> States:
    hidden, carry = states
    kernel, recurrent, bias = weights
    gates = affine([(x, kernel), (hidden, recurrent)], bias)
    entering, forgetting, candidate, leaving = _split(gates, 4)
    carry = sigmoid(forgetting) * carry + sigmoid(entering) * tanh(candidate)
    return sigmoid(leaving) * tanh(carry), carry


def _gru(x: Rounded, states: States, weights: Sequence[Rounded]) -> States:
    """The candidate sees the state times the reset gate."""
    (hidden,) = states
    (wz, wr, wh), (uz, ur, uh), (bz, br, bh) = (_split(each, 3) for each in weights)
    update = sigmoid(affine([(x, wz), (hidden, uz)], bz))
    reset = sigmoid(affine([(x, wr), (hidden, ur)], br))
    candidate = tanh(affine([(x, wh), (reset * hidden, uh)], bh))
    return (update * hidden + (1.0 - update) * candidate,)


def _gru_reset_after(x: Rounded, states: States, weights: Sequence[Rounded]) -> States:
    """The reset gate multiplies the recurrent product, which has a bias of its own."""
    (hidden,) = states
    kernel, recurrent, bias = weights
    own, other = (Rounded(bias.value[i], EXACT, bias.arithmetic) for i in (0, 1))
    from_x = _split(affine([(x, kernel)], own), 3)
    from_state = _split(affine([(hidden, recurrent)], other), 3)
    update = sigmoid(from_x[0] + from_state[0])
    reset = sigmoid(from_x[1] + from_state[1])
    candidate = tanh(from_x[2] + reset * from_state[2])
    return (update * hidden + (1.0 - update) * candidate,)


CELLS: dict[str, Cell] = {"SimpleRNN": _simple, "GRU": _gru, "LSTM": _lstm}


def tanh(x: Rounded) -> Rounded:
    """The hyperbolic tangent: its slope is at most 1, and it stays within 1."""
    error = EXACT if x.error is EXACT else np.minimum(x.error, 2.0)
    return finish(np.tanh, (x,), np.tanh(x.value), error, TANH_ROUNDINGS)


def affine(products: Sequence[tuple[Rounded, Rounded]], bias: Rounded) -> Rounded:
    """The sum of matrix products and a bias, its terms added in whatever order.

    Args:
        products: pairs of `(batch, n)` and `(n, m)`.
        bias: `(m,)`.
    """
    terms = [a.reshape((*a.shape, 1)) * b.reshape((1, *b.shape)) for a, b in products]
    batch, _, wide = terms[0].shape
    terms.append(bias.reshape((1, 1, wide)).broadcast_to((batch, 1, wide)))
    value = np.concatenate([each.value for each in terms], axis=1)
    error = np.concatenate([each.errors for each in terms], axis=1)
    return Rounded(value, error, bias.arithmetic).narrow_sum(axis=1)


def _split(x: Rounded, parts: int) -> list[Rounded]:
    values = np.split(x.value, parts, axis=-1)
    errors = np.split(x.errors, parts, axis=-1)
    return [Rounded(v, e, x.arithmetic) for v, e in zip(values, errors, strict=True)]


def ball(x: Rounded) -> Ball:
    """Values and errors as they are judged."""
    return Ball(x.value, np.array(x.errors))


def _units(case: LayerCase) -> int:
    return int(case.parameters["units"] or 0)


def _resets_after(case: LayerCase) -> bool:
    return case.layer == "GRU" and bool(case.parameters.get("reset_after"))
