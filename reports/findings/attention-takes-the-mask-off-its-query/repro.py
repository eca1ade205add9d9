"""MultiHeadAttention called eagerly takes the mask off its query, so that a residual connection
around it loses the mask.

reports/findings/attention-takes-the-mask-off-its-query

Seen with keras 3.15.1 on TensorFlow 2.21.0, eager mode, stage: layer.
Exit status: 1 while the behaviour is there, 0 once it is gone, 2 if this cannot run here.
Written by maskgate 0.1.0, property mask-loss-is-loud, finding attention-takes-the-mask-off-its-
query.
"""

import os
import sys
import warnings

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
stderr, _ = os.dup(2), os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # while it imports
try:
    import numpy as np
    import tensorflow as tf
    import keras
    os.dup2(stderr, 2)
    from keras.layers import Masking, MultiHeadAttention
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)


def masked():
    """The batch, with the mask that a Masking layer makes of it."""
    return Masking(0.0)(keras.ops.convert_to_tensor(x) if hasattr(keras, "ops") else x)


def array(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor) if hasattr(keras, "ops") else tensor)


x = np.array([[[ 1.,  2.,  3.],
               [ 4.,  5.,  6.],
               [ 7.,  8.,  9.],
               [10., 11., 12.]],

              [[13., 14., 15.],
               [16., 17., 18.],
               [ 0.,  0.,  0.],
               [ 0.,  0.,  0.]]], "float32")

layer = MultiHeadAttention(num_heads=1, key_dim=2)
given = [masked(), masked()]
mask = array(given[0]._keras_mask)
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    out = layer(*given)
out = out[0] if isinstance(out, (list, tuple)) else out
emitted = getattr(out, "_keras_mask", None)
if emitted is None:
    loud = any("mask" in str(each.message).lower() for each in said)
    observed = "dropped with a warning" if loud else "dropped silently"
else:
    emitted = array(emitted)
    alike = emitted.shape == mask.shape and np.array_equal(emitted, mask)
    observed = "kept" if alike else "changed"
if getattr(given[0], "_keras_mask", None) is None:
    observed += ", and taken off the input"

there = observed == 'kept, and taken off the input'
print("expected:", 'the mask is kept, or a warning')
print("observed: the mask is", observed)
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
