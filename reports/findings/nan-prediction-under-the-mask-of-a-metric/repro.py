"""A NaN prediction at a masked step makes a metric NaN.

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

    class Beside(keras.layers.Layer):
        """Hands on its first input, with the mask of its second: what is predicted at a masked step
        is free."""

        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, inputs):
            return inputs[0] * 1.0

        def compute_mask(self, inputs, mask=None):
            return None if mask is None else mask[1]

    layers = keras.layers
    given, valid = layers.Input((2, 1)), layers.Input((2, 1))
    model = keras.models.Model([given, valid], Beside()([given, layers.Masking()(valid)]))
    model.compile("sgd", "mse", metrics=[keras.metrics.MeanSquaredError(name="mse")])
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

x = np.array([[[1.0], [np.nan]]])
valid = np.array([[[1.0], [0.0]]])  # the second step is padding
y_true = np.array([[[3.0], [0.0]]])
observed = model.test_on_batch([x, valid], y_true, return_dict=True)["mse"]
print("expected: 4.0, the squared error of the valid step")
print("observed:", float(observed))
there = not abs(observed - 4.0) <= 1e-6
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
