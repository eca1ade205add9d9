"""On torch, from Keras 3.14 on, the gradient of SparseCategoricalCrossentropy of probabilities with
four axes fails ("grad_input must be contiguous").

reports/findings/torch-sparse-gradient-of-four-axes

Seen with keras 3.15.1 on PyTorch 2.13.0+cpu, eager mode, stage: elementwise.
Exit status: 1 while the behaviour is there, 0 once it is gone, 2 if this cannot run here.
Written by maskgate 0.1.0, property loss-gradient, finding torch-sparse-gradient-of-four-
axes.
"""

import os
import sys

os.environ["KERAS_BACKEND"] = "torch"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
try:
    import numpy as np
    import torch
    import keras

    loss = keras.losses.SparseCategoricalCrossentropy(reduction="sum_over_batch_size")
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

def attach(tensor, mask):
    """As a Masking layer leaves it."""
    if hasattr(keras.src.backend, "set_keras_mask"):
        keras.src.backend.set_keras_mask(tensor, mask)
    else:
        tensor._keras_mask = mask


def ask(loss, dtype, y_true, y_pred, mask, sample_weight):
    """Value and gradient of the loss, or the exception that it raised."""

    def tensor(given):
        if given is None or given.dtype.kind != "f":
            return None if given is None else torch.tensor(given)
        return torch.tensor(given).to(getattr(torch, dtype))

    y_true, y_pred, mask, sample_weight = map(tensor, (y_true, y_pred, mask, sample_weight))
    y_pred.requires_grad_(True)

    def step(y_true, y_pred, sample_weight):
        if mask is not None:
            attach(y_pred, mask)
        return loss(y_true, y_pred, sample_weight=sample_weight)

    try:
        value = torch.as_tensor(step(y_true, y_pred, sample_weight))
        gradient = torch.zeros_like(y_pred)
        if value.requires_grad:
            (found,) = torch.autograd.grad(value.sum(), y_pred, allow_unused=True)
            gradient = gradient if found is None else found
    except Exception as refusal:
        return refusal
    answer = {"value": value, "gradient": gradient}
    return {part: each.detach().double().numpy() for part, each in answer.items()}


def shown(answer):
    """An answer as text."""
    if isinstance(answer, Exception):
        lines = str(answer).strip().splitlines() or ["no message"]
        return f"{type(answer).__name__}: {lines[0][:200]}"
    with np.printoptions(threshold=20):
        return ", ".join(f"{part} {' '.join(str(a).split())}" for part, a in answer.items())


case = {
    "dtype": "float32",
    "y_true": np.array([[[0, 0]]], "int32"),
    "y_pred": np.array([[[[0.5, 0.5], [0.5, 0.5]]]], "float32"),
    "mask": None,
    "sample_weight": None,
}

answer = ask(loss, **case)
expected = "a loss"
observed = shown(answer)
there = isinstance(answer, Exception)

print("expected:", expected)
print("observed:", observed)
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
