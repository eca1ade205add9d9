"""Keras 2.3: `evaluate_generator` reports the loss of the last batch as that of the epoch.

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

# Two batches of one sample each, with losses of 1 and 9.
x = np.array([[1.0], [3.0]], "float32")
y = np.zeros_like(x)
given = keras.layers.Input((1,))
model = keras.models.Model(given, keras.layers.Dense(1)(given))
model.set_weights([np.ones((1, 1)), np.zeros(1)])
model.compile("sgd", "mse")


def batches():
    while True:
        yield x[:1], y[:1]
        yield x[1:], y[1:]


if hasattr(model, "evaluate_generator"):
    observed = float(model.evaluate_generator(batches(), steps=2, max_queue_size=1))
else:
    observed = float(model.evaluate(batches(), steps=2, verbose=0))
print("expected: the mean of both batches, 5.0")
print("observed:", observed)
there = abs(observed - 5.0) > 1e-5
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
