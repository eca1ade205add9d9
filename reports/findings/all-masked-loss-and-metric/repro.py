"""Of a batch all masked, a compiled model reports a NaN for the loss or for its metric alone.

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
    model.compile("sgd", "mse", metrics=["mse"])
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

x, y_true = np.zeros((1, 2, 1)), np.ones((1, 2, 1))
loss, metric = (float(each) for each in model.test_on_batch(x, y_true))
print("expected: the same for the loss and for the metric of its function")
print("observed: loss", loss, "and metric", metric)
there = not (loss == metric or (np.isnan(loss) and np.isnan(metric)))
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
