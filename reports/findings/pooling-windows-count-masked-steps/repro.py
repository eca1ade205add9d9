"""MaxPooling1D and AveragePooling1D count masked steps beside valid ones.

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


x = masked([[[1.0], [9.0]]], [[True, False]])
found = [float(array(each(2)(x))[0, 0, 0]) for each in (
    keras.layers.MaxPooling1D, keras.layers.AveragePooling1D)]
print("expected: [1.0, 1.0], the one valid step of the window")
print("observed:", found)
there = found != [1.0, 1.0]
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
