"""The masked loss of one model in three precisions: it must be the same.

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


def masked_loss(dtype):
    given = keras.layers.Input((None, 1))
    dense = keras.layers.Dense(1, dtype=dtype, kernel_initializer="ones")
    model = keras.models.Model(given, dense(keras.layers.Masking(0.0)(given)))
    model.compile("sgd", "mean_absolute_error")
    x, y_true = np.array([[[1.0], [0.0]]]), np.array([[[0.0], [9.0]]])
    return float(np.ravel(model.test_on_batch(x, y_true))[0])


expected = masked_loss("float32")
observed = {dtype: masked_loss(dtype) for dtype in ("mixed_bfloat16", "mixed_float16")}
print("expected:", expected)
print("observed:", observed)
there = any(abs(each - expected) > 1e-3 for each in observed.values())
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
