"""Keras 3.14 and 3.15: TimeDistributed takes the number of samples for the number of steps.

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

given = keras.layers.Input((None, 3))
model = keras.models.Model(given, keras.layers.TimeDistributed(keras.layers.Dense(1))(given))
for steps in (4, 5):  # the second length makes the trainer trace without one
    observed = model.predict(np.ones((2, steps, 3), "float32"), verbose=0).shape
print("expected: an output of shape", (2, 5, 1))
print("observed: an output of shape", observed)
there = observed != (2, 5, 1)
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
