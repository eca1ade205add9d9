"""With the reduction mean_with_sample_weight a scalar weight of 1 turns the mean into a sum.

reports/findings/scalar-weight-in-a-weighted-mean-unit

Seen with keras 3.15.1 on TensorFlow 2.21.0, eager mode, stage: formula.
Exit status: 1 while the behaviour is there, 0 once it is gone, 2 if this cannot run here.
Written by maskgate 0.1.0, property unit-weights, finding scalar-weight-in-a-weighted-mean-unit.
"""

import os
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
stderr, _ = os.dup(2), os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # while it imports
try:
    import numpy as np
    import tensorflow as tf
    import keras
    os.dup2(stderr, 2)

    loss = keras.losses.MeanSquaredError(reduction="mean_with_sample_weight")
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

def near(observed, expected, bound):
    """Within the bound; a NaN or an infinity only where one is expected."""
    same = (observed == expected) | (np.isnan(observed) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        return bool(np.all(same | (np.abs(observed - expected) <= bound)))


def ask(loss, dtype, y_true, y_pred, mask, sample_weight):
    """Value and gradient of the loss, or the exception that it raised."""

    def step(y_true, y_pred, mask, sample_weight):
        with tf.GradientTape() as tape:
            tape.watch(y_pred)
            if mask is not None:
                y_pred._keras_mask = mask  # as a Masking layer leaves it
            value = loss(y_true, y_pred, sample_weight=sample_weight)
        return value, tape.gradient(value, y_pred, unconnected_gradients="zero")

    def tensor(array):
        if array is None or array.dtype.kind != "f":
            return None if array is None else tf.constant(array)
        return tf.cast(array, dtype)

    try:
        value, gradient = step(*map(tensor, (y_true, y_pred, mask, sample_weight)))
    except Exception as refusal:
        return refusal
    answer = {"value": value, "gradient": gradient}
    return {part: tf.cast(array, "float64").numpy() for part, array in answer.items()}


def shown(answer):
    """An answer as text."""
    if isinstance(answer, Exception):
        lines = str(answer).strip().splitlines() or ["no message"]
        return f"{type(answer).__name__}: {lines[0][:200]}"
    with np.printoptions(threshold=20):
        return ", ".join(f"{part} {' '.join(str(a).split())}" for part, a in answer.items())


case = {
    "dtype": "float32",
    "y_true": np.array([[0.], [0.]], "float32"),
    "y_pred": np.array([[1.], [1.]], "float32"),
    "mask": None,
    "sample_weight": np.array(1., "float32"),
}
altered = {
    **case,
    "sample_weight": None,
}

first, second = ask(loss, **case), ask(loss, **altered)
expected = "the batches agree: 1.0 times the first, within 1.0132791058437122e-06"
observed = f"{shown(first)} | {shown(second)}"
there = isinstance(first, Exception) != isinstance(second, Exception)
if isinstance(first, Exception):
    there = True and there
elif not there:
    one, other = first["value"][()], second["value"][()]
    observed = f"first value {one}, second value {other}"
    there = not near(other, 1.0 * one, 1.0132791058437122e-06)

print("expected:", expected)
print("observed:", observed)
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
