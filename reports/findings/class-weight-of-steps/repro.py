"""Class weights for labels by step are an error that says nothing about class_weight.

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
    model = keras.models.Model(given, keras.layers.Dense(1, activation="sigmoid")(given))
    model.compile("sgd", "binary_crossentropy")
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

x, y_true = np.ones((3, 2, 1)), np.ones((3, 2, 1))
print("expected: a loss, or an error about class_weight")
try:
    observed = float(model.train_on_batch(x, y_true, class_weight={0: 1.0, 1: 2.0}))
    there = False
except Exception as problem:
    observed = f"{type(problem).__name__}: {problem}"
    there = "class_weight" not in str(problem)
print("observed:", observed)
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
