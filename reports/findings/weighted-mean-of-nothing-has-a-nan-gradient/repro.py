"""On torch, a guarded division by a weight sum of 0 has a NaN gradient.

Run it with KERAS_BACKEND=torch and Keras 3.13.
Exit status: 1 while the behaviour is there, 0 once it is gone, 2 if this cannot run here.
"""

import os
import sys

os.environ.setdefault("KERAS_BACKEND", "torch")
try:
    import keras
    import numpy as np
    import torch
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

prediction = torch.ones((1, 1), requires_grad=True)
masked = prediction * 1.0
masked._keras_mask = torch.zeros(1, dtype=torch.bool)
loss = keras.losses.MeanSquaredError(reduction="mean_with_sample_weight")
value = loss(np.zeros((1, 1), "float32"), masked)
value.backward()
print("expected: a loss of 0 with a gradient of 0")
print("observed: a loss of", float(value.detach()), "with a gradient of", prediction.grad.tolist())
there = bool(torch.isnan(prediction.grad).any())
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
