"""The weighted loss and the same function as weighted metric are two numbers.

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
    model = keras.models.Model(given, keras.layers.Dense(1)(given))
    model.set_weights([np.ones((1, 1)), np.zeros(1)])
    metric = keras.metrics.MeanSquaredError(name="mse")
    model.compile("sgd", "mse", weighted_metrics=[metric])
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

x = np.array([[[1.0], [2.0]]])
y_true = np.zeros((1, 2, 1))
weights = np.array([[1.0, 2.0]])
said = model.test_on_batch(x, y_true, sample_weight=weights, return_dict=True)
print("expected: one number for the loss and for the weighted metric of its function")
print("observed: loss", float(said["loss"]), "and metric", float(said["mse"]))
there = abs(said["loss"] - said["mse"]) > 1e-5
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
