"""Element losses of real-valued predictions, each with its derivative by the predictions.

Functions take labels `y`, predictions `p` and the definition; derivatives take in front of them
`g`, the derivative of the whole by each element loss. They follow the order in which automatic
differentiation multiplies, since that decides what overflows.

Source of the formulas: Keras 3.15.1 `losses/losses.py`, TensorFlow 2.15 `keras/losses.py`.
"""

from __future__ import annotations

from maskgate.oracle.definition import Definition, repeat, spread
from maskgate.oracle.functions import (
    above,
    exp,
    gated,
    log,
    logarithm_gradient,
    rsqrt,
    sigmoid,
    sign,
    softplus,
    sqrt,
    step,
)
from maskgate.oracle.rounding import Rounded, constant
from maskgate.oracle.selection import maximum, minimum, where_at_most

LOG_2 = 0.6931471805599453


def mse(y: Rounded, p: Rounded, _: Definition) -> Rounded:
    """`mean((p - y)**2)`."""
    difference = p - y
    return (difference * difference).mean(-1)


def mse_gradient(g: Rounded, y: Rounded, p: Rounded, _: Definition) -> Rounded:
    """`2 (p - y) / n`."""
    return spread(g, p) * ((p - y) * 2.0)


def mae(y: Rounded, p: Rounded, _: Definition) -> Rounded:
    """`mean(|p - y|)`."""
    return abs(p - y).mean(-1)


def mae_gradient(g: Rounded, y: Rounded, p: Rounded, _: Definition) -> Rounded:
    """`sign(p - y) / n`, anything from -1 / n to 1 / n where they are equal."""
    return spread(g, p) * sign(p - y)


def mape(y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """`100 mean(|p - y| / max(|y|, epsilon))`."""
    share = abs((p - y) / _percentage_scale(y, d))
    return (100.0 * share).mean(-1) if d.folded else 100.0 * share.mean(-1)


def mape_gradient(g: Rounded, y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """`100 sign(p - y) / max(|y|, epsilon) / n`."""
    scale = _percentage_scale(y, d)
    return spread(g * 100.0, p) * sign((p - y) / scale) / scale


def _percentage_scale(y: Rounded, d: Definition) -> Rounded:
    if d.rules.typed_constants:
        return maximum(abs(y), d.epsilon)
    if y.arithmetic.format.unit_roundoff > d.floatx.format.unit_roundoff:
        d.check_constants(typed=d.rules.typed_constants)
    return maximum(abs(y), float(constant(d.epsilon, d.floatx).value))


def msle(y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """`mean((log(1 + max(p, epsilon)) - log(1 + max(y, epsilon)))**2)`."""
    y, p = _promoted(y, d), _promoted(p, d)
    difference = log(_floored(p, d) + 1.0) - log(_floored(y, d) + 1.0)
    return (difference * difference).mean(-1)


def msle_gradient(g: Rounded, y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """Twice the difference of the logarithms over `1 + p`, 0 below epsilon."""
    g, y, p = g.to(_promoted(p, d).arithmetic), _promoted(y, d), _promoted(p, d)
    argument = _floored(p, d) + 1.0
    slope = spread(g, p) * ((log(argument) - log(_floored(y, d) + 1.0)) * 2.0)
    return above(logarithm_gradient(slope, argument), p, _log_epsilon(d, p)).to(d.model)


def _promoted(x: Rounded, d: Definition) -> Rounded:
    """Keras 3 makes epsilon a tensor of the default dtype, which widens half predictions."""
    if (
        d.keras_2
        or d.semantics.weak_constants
        or d.floatx.format.unit_roundoff >= x.arithmetic.format.unit_roundoff
    ):
        return x
    return x.to(d.floatx)


def _log_epsilon(d: Definition, x: Rounded) -> Rounded:
    if d.keras_2 or d.semantics.weak_constants:
        return constant(d.epsilon, x.arithmetic)
    return constant(float(constant(d.epsilon, d.floatx).value), x.arithmetic)


def _floored(x: Rounded, d: Definition) -> Rounded:
    return maximum(x, _log_epsilon(d, x))


def huber(y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """The mean of half the squared error up to delta, linear beyond it."""
    d.check_constants(typed=d.rules.typed_constants)
    error, delta = _huber_error(y, p, d)
    if not d.rules.averages_huber:
        near = minimum(abs(error), delta)
        return 0.5 * (near * near) + delta * (abs(error) - near)
    quadratic = 0.5 * (error * error)
    linear = delta * abs(error) - 0.5 * (delta * delta)
    return where_at_most(abs(error), delta, quadratic, linear).mean(-1)


def huber_gradient(g: Rounded, y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """The error, held between -delta and delta, over n; an infinite one makes 0 * inf."""
    error, delta = _huber_error(y, p, d)
    g, none = g.to(error.arithmetic), constant(0.0, error.arithmetic)
    if not d.rules.averages_huber:
        far, near = g * delta, g * 0.5 * (minimum(abs(error), delta) * 2.0)
        return ((far + above(near - far, -abs(error), -delta)) * sign(error)).to(d.model)
    each = spread(g, p)
    near = where_at_most(abs(error), delta, each, none) * 0.5 * (error * 2.0)
    far = where_at_most(abs(error), delta, none, each) * delta * sign(error)
    return (near + far).to(d.model)


def _huber_error(y: Rounded, p: Rounded, d: Definition) -> tuple[Rounded, Rounded]:
    error = _in_floatx(p, d) - _in_floatx(y, d)
    return error, constant(d.number("delta"), error.arithmetic)


def _in_floatx(x: Rounded, d: Definition) -> Rounded:
    """TensorFlow's Keras 2 computes this loss in the default dtype, whatever predictions are."""
    return x.to(d.floatx) if d.keras_2 and d.rules.averages_huber else x


def log_cosh(y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """`mean(log(cosh(p - y)))`, by way of `x + softplus(-2 x) - log(2)`."""
    if d.rules.log_of_cosh:
        rising, falling = exp(p - y), exp(y - p)
        return log((rising + falling) / 2.0).mean(-1)
    d.check_constants(typed=d.rules.typed_zero)
    x = p - y
    log_2 = float(constant(LOG_2, d.floatx).value)
    return (x + softplus(x * -2.0) - log_2).mean(-1)


def log_cosh_gradient(g: Rounded, y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """`tanh(p - y) / n`, as `1 - 2 sigmoid(-2 x)`, or by the exponentials themselves."""
    each = spread(g, p)
    if d.rules.log_of_cosh:
        rising, falling = exp(p - y), exp(y - p)
        slope = logarithm_gradient(each, (rising + falling) / 2.0) / 2.0
        return slope * rising - slope * falling
    return each + each * sigmoid((p - y) * -2.0) * -2.0


def poisson(y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """`mean(p - y log(p + epsilon))`."""
    d.check_constants(typed=d.rules.typed_constants)
    return (p - y * log(p + d.epsilon)).mean(-1)


def poisson_gradient(g: Rounded, y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """`(1 - y / (p + epsilon)) / n`."""
    each = spread(g, p)
    return each + logarithm_gradient(-each * y, p + d.epsilon)


def cosine(y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """Less the inner product of labels and predictions of length 1."""
    inner = y * _inverse_norm(y, d) * (p * _inverse_norm(p, d))
    return -inner.sum(d.axis)


def cosine_gradient(g: Rounded, y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """`-(y / |y| - cos p / |p|) / |p|`, the direction of `p` taken out."""
    axis = d.axis
    upstream = repeat(-g, p, axis) * (y * _inverse_norm(y, d))
    along = (upstream * p).sum(axis, keepdims=True)
    return upstream * _inverse_norm(p, d) + _inverse_norm_gradient(p, along, d)


def _inverse_norm(x: Rounded, d: Definition) -> Rounded:
    squares = (x * x).sum(d.axis, keepdims=True)
    kind = d.rules.normalizing
    if kind == "norm-floored":
        return 1.0 / maximum(sqrt(squares), d.epsilon)
    if kind == "inverse-capped":
        return minimum(rsqrt(squares), 1.0 / d.epsilon)
    return rsqrt(maximum(squares, _squares_floor(d)))


def _squares_floor(d: Definition) -> float:
    return 1e-12 if d.rules.normalizing == "squares-floored-1e-12" else d.epsilon


def _inverse_norm_gradient(x: Rounded, along: Rounded, d: Definition) -> Rounded:
    """What flows through the inverse norm: `-along x / |x|**3`, 0 where the norm is held."""
    squares = (x * x).sum(d.axis, keepdims=True)
    kind = d.rules.normalizing
    if kind == "inverse-capped":
        inverse = rsqrt(squares)
        free = gated(along, 1.0 - step(inverse, 1.0 / d.epsilon))
        return -x * (free * inverse * (inverse * inverse))
    if kind == "norm-floored":
        norm = sqrt(squares)
        inverse = 1.0 / maximum(norm, d.epsilon)
        return -x * (above(along * inverse * inverse, norm, d.epsilon) / norm)
    inverse = rsqrt(maximum(squares, _squares_floor(d)))
    free = above(along * inverse * (inverse * inverse), squares, _squares_floor(d))
    return -x * free
