"""Keras 3: a model that was loaded from an .h5 file cannot be trained.

Exit status: 1 while the behaviour is there, 0 once it is gone, 2 if this cannot run here.
"""

import os
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
try:
    import keras
    import numpy as np
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

given = keras.layers.Input((2,))
model = keras.models.Model(given, keras.layers.Dense(1)(given))
model.compile(keras.optimizers.SGD(0.125), keras.losses.MeanSquaredError())
x, y = np.ones((2, 2)), np.zeros((2, 1))
model.train_on_batch(x, y)
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "model.h5")
    model.save(path)
    copy = keras.models.load_model(path)
print("expected: a loss of a training step,", model.evaluate(x, y, verbose=0))
there = False
try:
    print("observed:", copy.train_on_batch(x, y))
except ValueError as problem:
    there = True
    print("observed:", str(problem).splitlines()[0][:100])
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
