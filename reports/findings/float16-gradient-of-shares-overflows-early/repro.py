"""On JAX the float16 gradient of a categorical cross-entropy overflows early: the sum of the shares
is taken to the power -2 first, so that large weights make it infinite.

reports/findings/float16-gradient-of-shares-overflows-early

Seen with keras 3.15.1 on JAX 0.10.2, eager mode, stage: gradient.
Exit status: 1 while the behaviour is there, 0 once it is gone, 2 if this cannot run here.
Written by maskgate 0.1.0, property weight-homogeneity, finding weight-homogeneity-gradient-
weight-rank-lower-coincident-e22a43.
"""

import os
import sys

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["JAX_PLATFORMS"] = "cpu"
try:
    import numpy as np
    import jax
    import keras

    loss = keras.losses.CategoricalCrossentropy(reduction="sum_over_batch_size", dtype="float16")
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

def near(observed, expected, bound):
    """Within the bound; a NaN or an infinity only where one is expected."""
    same = (observed == expected) | (np.isnan(observed) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        return bool(np.all(same | (np.abs(observed - expected) <= bound)))


def attach(tensor, mask):
    """As a Masking layer leaves it."""
    if hasattr(keras.src.backend, "set_keras_mask"):
        keras.src.backend.set_keras_mask(tensor, mask)
    else:
        tensor._keras_mask = mask


def ask(loss, dtype, y_true, y_pred, mask, sample_weight):
    """Value and gradient of the loss, or the exception that it raised."""

    def array(given):
        if given is None or given.dtype.kind != "f":
            return None if given is None else jax.numpy.asarray(given)
        return jax.numpy.asarray(given, dtype)

    y_true, y_pred, mask, sample_weight = map(array, (y_true, y_pred, mask, sample_weight))

    def total(y_pred):
        if mask is not None:
            attach(y_pred, mask)
        value = jax.numpy.asarray(loss(y_true, y_pred, sample_weight=sample_weight))
        return value.sum(), value

    step = jax.value_and_grad(total, has_aux=True)
    try:
        (_, value), gradient = step(y_pred)
    except Exception as refusal:
        return refusal
    answer = {"value": value, "gradient": gradient}
    wide = "float64" if dtype == "float64" else "float32"  # NumPy has no bfloat16
    return {part: np.asarray(each.astype(wide), "float64") for part, each in answer.items()}


def shown(answer):
    """An answer as text."""
    if isinstance(answer, Exception):
        lines = str(answer).strip().splitlines() or ["no message"]
        return f"{type(answer).__name__}: {lines[0][:200]}"
    with np.printoptions(threshold=20):
        return ", ".join(f"{part} {' '.join(str(a).split())}" for part, a in answer.items())


case = {
    "dtype": "float16",
    "y_true": np.array([[[[1., 0.]]]], "float16"),
    "y_pred": np.array([[[[0.125, 0.01]]]], "float16"),
    "mask": None,
    "sample_weight": np.array([1.024e+03], "float16"),
}
altered = {
    **case,
    "sample_weight": np.array([2.048e+03], "float16"),
}

first, second = ask(loss, **case), ask(loss, **altered)
expected = "the batches agree: 2.0 times the first, within 353.3588713223817"
observed = f"{shown(first)} | {shown(second)}"
there = isinstance(first, Exception) != isinstance(second, Exception)
if isinstance(first, Exception):
    there = there and True  # whether a clear error counts as the behaviour
elif not there:
    one, other = first["gradient"][0, 0, 0, 0], second["gradient"][0, 0, 0, 0]
    observed = f"first gradient {one}, second gradient {other}"
    there = not near(other, 2.0 * one, 353.3588713223817)

print("expected:", expected)
print("observed:", observed)
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
