"""Where no key is valid, attention gives the mean of the masked values.

Exit status: 1 while the behaviour is there, 0 once it is gone, 2 if this cannot run here.
"""

import os
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
stderr, _ = os.dup(2), os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # while it imports
try:
    import numpy as np
    import keras
    os.dup2(stderr, 2)
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)


class Masked(keras.layers.Layer):
    """Hands on its input with a given mask."""

    def __init__(self, mask):
        super().__init__()
        self.supports_masking = True
        self.mask = np.array(mask, bool)

    def call(self, inputs):
        return inputs

    def compute_mask(self, inputs, mask=None):
        if hasattr(keras, "ops"):
            return keras.ops.convert_to_tensor(self.mask)
        return keras.backend.constant(self.mask, dtype="bool")


def masked(x, mask):
    x = np.array(x, "float32")
    x = keras.ops.convert_to_tensor(x) if hasattr(keras, "ops") else keras.backend.constant(x)
    return Masked(mask)(x)


def array(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor) if hasattr(keras, "ops") else tensor)


query = masked([[[1.0, 1.0]]], [[True]])
found = [
    float(array(keras.layers.Attention()([query, masked(value, [[False, False]])]))[0, 0, 0])
    for value in ([[[1.0, 2.0], [1.0, 2.0]]], [[[5.0, 6.0], [5.0, 6.0]]])
]
print("expected: one output, whatever the masked values are")
print("observed:", found)
there = found[0] != found[1]
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
