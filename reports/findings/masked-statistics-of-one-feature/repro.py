"""On JAX and torch, BatchNormalization of a masked batch of one feature is an error.

Exit status: 1 while the behaviour is there, 0 once it is gone, 2 if this cannot run here.
"""

import os
import sys

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ["JAX_PLATFORMS"] = "cpu"
try:
    import keras
    import numpy as np
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

batch = np.array([[[1.0], [3.0], [0.0]]], "float32")
print("expected: a batch of shape (1, 3, 1)")
try:
    masked = keras.layers.Masking(0.0)(batch)
    shape = tuple(keras.layers.BatchNormalization()(masked, training=True).shape)
    print("observed:", shape)
    there = shape != (1, 3, 1)
except Exception as problem:
    print("observed:", type(problem).__name__)
    there = True
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
