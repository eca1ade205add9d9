"""The class weight of a smoothed binary label: that of the class that is nearest to it.

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

    given = keras.layers.Input((1,))
    model = keras.models.Model(given, keras.layers.Dense(1, activation="sigmoid")(given))
    model.set_weights([np.zeros((1, 1)), np.zeros(1)])
    model.compile("sgd", "binary_crossentropy")
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

# At a probability of one half every label costs log 2; 0.9 is class 1, 0.1 is class 0.
x, y_true = np.ones((2, 1)), np.array([[0.1], [0.9]])
expected = 2.0 * np.log(2.0)
observed = float(model.train_on_batch(x, y_true, class_weight={0: 1.0, 1: 3.0}))
print("expected:", expected)
print("observed:", observed)
there = abs(observed - expected) > 1e-5
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
