"""The binary focal loss of logits is clipped on JAX and torch, and not on TensorFlow.

Run it with KERAS_BACKEND=jax or torch.
Exit status: 1 while the behaviour is there, 0 once it is gone, 2 if this cannot run here.
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
try:
    import keras
    import numpy as np
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

loss = keras.losses.BinaryFocalCrossentropy(from_logits=True)
label, logit = np.zeros((1, 1), "float32"), np.full((1, 1), 40.0, "float32")
observed = float(keras.ops.convert_to_numpy(loss(label, logit)))
print("expected: 40.0, within 1e-3: the cross-entropy of a logit of 40 for a label of 0")
print("observed:", observed, "on", keras.backend.backend())
there = abs(observed - 40.0) > 1e-3
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
