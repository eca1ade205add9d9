"""A NaN label of a masked step makes a metric NaN.

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

    given = keras.layers.Input((2, 1))
    steps = keras.layers.Dense(1)(keras.layers.Masking()(given))
    model = keras.models.Model(given, steps)
    model.set_weights([np.ones((1, 1)), np.zeros(1)])
    model.compile("sgd", "mse", metrics=[keras.metrics.MeanSquaredError(name="mse")])
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

x = np.array([[[1.0], [0.0]]])  # the second step is padding
y_true = np.array([[[3.0], [np.nan]]])
observed = model.test_on_batch(x, y_true, return_dict=True)["mse"]
print("expected: 4.0, the squared error of the valid step")
print("observed:", float(observed))
there = not abs(observed - 4.0) <= 1e-6
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
