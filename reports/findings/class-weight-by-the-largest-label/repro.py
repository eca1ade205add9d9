"""Class ids by step are taken for one-hot labels: the class is the step of the largest label.

The class ids of every row are 0 and 1, so the largest label is at step 1 and the whole row is
weighted as class 1. With as many samples as steps Keras 3 does so without a word, too.
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

    given = keras.layers.Input((2, 2))
    model = keras.models.Model(given, keras.layers.Dense(2, activation="softmax")(given))
    model.set_weights([np.zeros((2, 2)), np.zeros(2)])
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

x = np.ones((2, 2, 2))
y_true = np.array([[0, 1], [0, 1]])
weights = {0: 1.0, 1: 3.0}
# Every element loss is log 2: half of them weigh 1, half of them 3.
expected = 2.0 * np.log(2.0)
print("expected:", expected, "or an error about class_weight")
try:
    observed = float(model.train_on_batch(x, y_true, class_weight=weights))
    there = abs(observed - expected) > 1e-5
except ValueError as problem:
    observed, there = problem, "class_weight" not in str(problem)
print("observed:", observed)
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
