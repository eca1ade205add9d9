"""Class weights with a PyDataset: the loss with the weights looked up, or a clear error.

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


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        return np.ones((2, 1), "float32"), np.array([[0.0], [1.0]], "float32")


given = keras.layers.Input((1,))
dense = keras.layers.Dense(1, activation="sigmoid", kernel_initializer="zeros")
model = keras.models.Model(given, dense(given))
model.compile(keras.optimizers.SGD(0.0), "binary_crossentropy")
# At a probability of one half every label costs log 2; class 1 weighs three times as much.
expected = 2.0 * np.log(2.0)
print("expected:", expected, "or an error about class_weight")
try:
    observed = model.fit(Batches(), class_weight={0: 1.0, 1: 3.0}, verbose=0).history["loss"][0]
    there = abs(observed - expected) > 1e-5
except Exception as problem:
    observed = f"{type(problem).__name__}: {str(problem)[:200]}"
    there = "class_weight" not in str(problem)
print("observed:", observed)
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
