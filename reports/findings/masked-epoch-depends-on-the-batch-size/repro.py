"""The loss of a masked epoch depends on the batch size: batches weigh by samples, not valid steps.

Exit status: 1 while the behaviour is there, 0 once it is gone, 2 if this cannot run here.
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
try:
    import keras
    import numpy as np
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

# Five samples of 3, 2, 1, 1 and 3 valid steps with element losses of 1, 4, 9, 16 and 25.
valid = np.array([3, 2, 1, 1, 3])
mask = np.arange(3) < valid[:, None]
x = np.where(mask, np.arange(1.0, 6.0)[:, None], 0.0).astype("float32")[..., None]
y = np.zeros_like(x)

given = keras.layers.Input((3, 1))
model = keras.models.Model(given, keras.layers.Dense(1)(keras.layers.Masking(0.0)(given)))
model.set_weights([np.ones((1, 1)), np.zeros(1)])
model.compile(loss="mse")

by_size = {size: float(model.evaluate(x, y, batch_size=size, verbose=0)) for size in (5, 4, 3, 2, 1)}
tokens = float((x[mask] ** 2).mean())
print(f"expected: the mean over all valid steps, {tokens:.4f}, for every batch size")
print("observed:", ", ".join(f"{loss:.4f} for {size}" for size, loss in by_size.items()))
bias = max(abs(loss / tokens - 1.0) for loss in by_size.values())
print(f"the largest bias is {bias:.1%}")
there = bias > 1e-5
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
