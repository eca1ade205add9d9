"""The formula of the original question, written in TensorFlow operations.

It is the masked, weighted reduction of Keras 2.2.5 (with epsilon) and of 0.3.3 to 2.2.4 (without),
over the element losses of the framework that runs it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .adapter import NotOfferedError
from .words import Ask


def with_epsilon(tf: Any, scores: Any, mask: Any, epsilon: Any) -> Any:
    """`score * mask / (mean(mask) + epsilon)`."""
    return scores * mask / (tf.reduce_mean(mask) + epsilon)


def without_epsilon(tf: Any, scores: Any, mask: Any, epsilon: Any) -> Any:
    """`score * mask / mean(mask)`."""
    del epsilon
    return scores * mask / tf.reduce_mean(mask)


def epsilon_on_count(tf: Any, scores: Any, mask: Any, epsilon: Any) -> Any:
    """`score * mask * size(mask) / (sum(mask) + epsilon)`: epsilon on the count of valid steps."""
    return scores * mask * tf.cast(tf.size(mask), mask.dtype) / (tf.reduce_sum(mask) + epsilon)


VARIANTS: dict[str, Callable[..., Any]] = {
    "with-epsilon": with_epsilon,
    "without-epsilon": without_epsilon,
    "epsilon-on-count": epsilon_on_count,
}


class Seed:
    """Builds `loss(y_true, y_pred, mask, sample_weight)` from the seed's formula.

    Args:
        variant: key of `VARIANTS`.
        api: where the element losses come from (asked without mask, weights and reduction).
        backend: the TensorFlow backend.
    """

    distribution = "seed"

    def __init__(self, variant: str, api: Any, backend: Any) -> None:
        self.version, self.api, self.tf = variant, api, backend.tf
        self.epsilon = api.epsilon
        self.extra = dict(api.extra, elementwise=[api.distribution, api.version])
        self.notes = (
            "the seed's formula over the element losses of " + api.distribution + " " + api.version,
            *api.notes,
        )

    def loss(self, ask: Ask) -> Callable[..., Any]:
        """A function of the seed's formula over new element losses."""
        if ask.reduction != "sum_over_batch_size":
            raise NotOfferedError("the seed's formula has one reduction, not " + ask.reduction)
        tf, apply_mask = self.tf, VARIANTS[self.version]
        elementwise = self.api.elementwise(ask)

        def call(y_true: Any, y_pred: Any, mask: Any, sample_weight: Any) -> Any:
            scores = elementwise(y_true, y_pred)
            if mask is not None:
                epsilon = tf.constant(self.epsilon, scores.dtype)
                scores = apply_mask(tf, scores, tf.cast(mask, scores.dtype), epsilon)
            return tf.reduce_mean(weigh(tf, scores, sample_weight))

        return call


def weigh(tf: Any, scores: Any, weights: Any) -> Any:
    """Mean over the axes that the weights lack, times weights, over the share of non-zero ones."""
    if weights is None:
        # Keras up to 2.3 fed ones, one a sample, where the user gave no weights.
        weights = tf.ones(tf.shape(scores)[:1], scores.dtype)
    rank = weights.shape.rank
    scores = tf.reduce_mean(scores, axis=list(range(rank, scores.shape.rank)))
    weights = tf.cast(weights, scores.dtype)
    share = tf.reduce_mean(tf.cast(tf.not_equal(weights, 0), scores.dtype))
    return scores * weights / share
