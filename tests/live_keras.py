"""The Keras of this process, asked directly: no adapter of maskgate's between it and a test."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import tensorflow as tf

from maskgate.case import Case
from maskgate.oracle import Ball


def tensor(array: Any, dtype: str) -> Any:
    """An array of a case as a tensor, floats in the case's dtype."""
    array = np.asarray(array)
    if array.dtype.kind != "f":
        return tf.constant(array)
    return tf.cast(tf.constant(array.astype(np.float64)), dtype)


def ask(case: Case, mode: str = "eager") -> tuple[Any, Any]:
    """Loss and gradient of its sum by the predictions, as float64 arrays."""
    loss = built(case, case.reduction)

    def call(y_true: Any, y_pred: Any, mask: Any, weight: Any) -> Any:
        if mask is not None:
            keras.src.backend.set_keras_mask(y_pred, mask)
        return loss(y_true, y_pred, weight)

    return _run(call, case, mode)


def ask_seed(case: Case, epsilon: float) -> tuple[Any, Any]:
    """The same of the seed's function in TensorFlow operations over Keras's element losses."""
    elements = built(case, "none")

    def call(y_true: Any, y_pred: Any, mask: Any, weight: Any) -> Any:
        score = elements(y_true, y_pred)
        if mask is not None:
            mask = tf.cast(mask, score.dtype)
            share = tf.reduce_mean(mask)
            score = score * mask / (share + epsilon if epsilon else share)
        weight = tf.ones(len(case.y_pred)) if weight is None else weight
        weight = tf.cast(weight, score.dtype)
        axes = list(range(weight.shape.rank, score.shape.rank))
        used = tf.reduce_mean(tf.cast(weight != 0, score.dtype))
        return tf.reduce_mean(tf.reduce_mean(score, axes) * weight / used)

    return _run(call, case, "eager")


def built(case: Case, reduction: str) -> Any:
    """The loss object of a case."""
    build = getattr(keras.losses, case.loss.kind.keras_class)
    return build(reduction=reduction, dtype=case.dtype, **dict(case.loss.parameters))


def _run(call: Any, case: Case, mode: str) -> tuple[Any, Any]:
    y_true, y_pred = tensor(case.y_true, case.dtype), tensor(case.y_pred, case.dtype)
    mask, weight = (
        None if array is None else tensor(array, case.dtype)
        for array in (case.mask, case.sample_weight)
    )

    def step(predictions: Any) -> Any:
        predictions = tf.identity(predictions)
        with tf.GradientTape() as tape:
            tape.watch(predictions)
            value = call(y_true, predictions, mask, weight)
        return value, tape.gradient(value, predictions)

    if mode != "eager":
        step = tf.function(step, jit_compile=mode == "xla", autograph=False)
    return tuple(np.asarray(tf.cast(part, tf.float64)) for part in step(y_pred))


def used(observed: Any, ball: Ball) -> float:
    """The largest share of the radius that an answer uses up; infinite where it is outside."""
    assert observed.shape == ball.value.shape, (observed.shape, ball.value.shape)
    with np.errstate(all="ignore"):
        same = (observed == ball.value) | (np.isnan(observed) & np.isnan(ball.value))
        away = np.where(same, 0.0, np.abs(observed - ball.value))
        away = np.where(np.isnan(away), np.inf, away)
        share = np.where(away == 0.0, 0.0, away / ball.radius)
        return float(np.where(np.isinf(ball.radius), 0.0, share).max(initial=0.0))
