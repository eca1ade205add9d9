"""The IoU metrics of Keras 3 cast sample weights to integers.

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

    metric = keras.metrics.BinaryIoU(target_class_ids=[1])
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

y_true = np.array([[1.0], [0.0]])
y_pred = np.array([[0.75], [0.75]])
weights = np.array([[0.5], [0.5]])
metric.update_state(y_true, y_pred, sample_weight=weights)
observed = float(metric.result())
print("expected: 0.5, half of the weight where 1 is predicted or right is where it is both")
print("observed:", observed)
there = abs(observed - 0.5) > 1e-6
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
