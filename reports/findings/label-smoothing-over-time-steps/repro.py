"""Keras 2.3: categorical label smoothing is divided by the number of time steps.

One step and four equal steps have the same mean loss; with label smoothing they do not.
Exit status: 1 while the behaviour is there, 0 once it is gone, 2 if this cannot run here.
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
stderr, _ = os.dup(2), os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # while it imports
try:
    import numpy as np
    import keras
    from keras import backend as K
    os.dup2(stderr, 2)

    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)


def mean_loss(steps):
    """The mean loss of a sequence of equal steps."""
    labels = np.tile(np.array([1.0, 0.0], "float32"), (1, steps, 1))
    predictions = np.tile(np.array([0.75, 0.25], "float32"), (1, steps, 1))
    return float(K.eval(loss(K.constant(labels), K.constant(predictions))))


one, four = mean_loss(1), mean_loss(4)
print("expected: four equal steps have the mean loss of one of them,", one)
print("observed:", four)
there = abs(one - four) > 1e-5
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
