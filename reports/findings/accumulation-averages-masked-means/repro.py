"""Keras 3: gradients accumulated over masked parts are not the gradient of the masked whole.

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

# Two samples, one of four valid steps and one of a single step.
x = np.array([[1.0, 1.0, 1.0, 1.0], [3.0, 0.0, 0.0, 0.0]], "float32")[..., None]
y = np.zeros_like(x)


def bias_after(parts):
    given = keras.layers.Input((4, 1))
    model = keras.models.Model(given, keras.layers.Dense(1)(keras.layers.Masking(0.0)(given)))
    model.set_weights([np.ones((1, 1)), np.zeros(1)])
    steps = None if parts == 1 else parts
    sgd = keras.optimizers.SGD(0.125, gradient_accumulation_steps=steps)
    model.compile(sgd, "mse", run_eagerly=True)
    for each, labels in zip(np.split(x, parts), np.split(y, parts)):
        model.train_on_batch(each, labels)
    return float(np.asarray(model.get_weights()[1])[0])


expected, observed = bias_after(1), bias_after(2)
print("expected: the bias after one step on both samples,", expected)
print("observed: accumulated over two parts,", observed)
there = abs(observed - expected) > 1e-5
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
