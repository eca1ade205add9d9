"""Keras: the output of a stateful layer is 0 in a second call that is masked, its state is kept.

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

tensor = keras.ops.convert_to_tensor if hasattr(keras, "ops") else keras.backend.constant
x = np.array([[[1.0], [2.0], [0.0], [0.0]]], "float32")
mask = np.array([[True, True, False, False]])


def ask(parts):
    """Output and hidden state after the last of these calls."""
    layer = keras.layers.LSTM(1, stateful=True, return_state=True)
    layer.build((1, 2, 1))
    layer.set_weights([np.full(shape, 0.5) for shape in ((1, 4), (1, 4), (4,))])
    for steps in parts:
        said = tensor(mask[:, steps], dtype="bool")
        out, hidden, _ = layer(tensor(x[:, steps], dtype="float32"), mask=said)
    return float(np.asarray(out)[0, 0]), float(np.asarray(hidden)[0, 0])


whole, _ = ask([slice(0, 4)])
observed, hidden = ask([slice(0, 2), slice(2, 4)])
print("expected: the output of one call,", whole)
print("observed: in two calls", observed, "beside a hidden state of", hidden)
there = abs(observed - whole) > 1e-5
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
