"""Keras 3 on torch multiplies sample weights by the mask in place.

A scalar weight with a mask is an error on torch, and a loss on TensorFlow and JAX.
Exit status: 1 while the behaviour is there, 0 once it is gone, 2 if this cannot run here.
"""

import os
import sys

os.environ["KERAS_BACKEND"] = "torch"
try:
    import keras
    import torch
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

prediction = torch.ones((2, 1))
mask = torch.tensor([True, False])
if hasattr(keras.src.backend, "set_keras_mask"):
    keras.src.backend.set_keras_mask(prediction, mask)
else:
    prediction._keras_mask = mask
print("expected: 1.0, the mean of the valid losses")
try:
    loss = keras.losses.MeanSquaredError()
    observed = float(loss(torch.zeros((2, 1)), prediction, sample_weight=torch.tensor(1.0)))
    there = abs(observed - 1.0) > 1e-6
except RuntimeError as problem:
    observed, there = f"{type(problem).__name__}: {problem}", True
print("observed:", observed)
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
