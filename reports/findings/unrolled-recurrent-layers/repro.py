"""The same recurrent layer, unrolled and not, on padded sequences: the outputs must be the same.

Exit status: 1 while they are not, 0 once they are, 2 if this cannot run here.
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
try:
    import keras
    import numpy as np

    layers, tensor, array = keras.layers, np.asarray, np.asarray
    if hasattr(keras, "ops"):
        tensor, array = keras.ops.convert_to_tensor, keras.ops.convert_to_numpy
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

ONES = {"kernel_initializer": "ones", "recurrent_initializer": "ones"}
BACKWARDS = {"go_backwards": True, "return_sequences": True, "zero_output_for_mask": True}
# One sequence of one valid step and two of padding, and one that is padded in front.
MASK = [[True, False, False], [False, False, True]]


def twin(unroll):
    return layers.Bidirectional(layers.LSTM(1, return_sequences=True, unroll=unroll, **ONES))


def backwards(unroll):
    return layers.SimpleRNN(1, unroll=unroll, **BACKWARDS, **ONES)


def last(unroll):
    return layers.SimpleRNN(1, unroll=unroll, zero_output_for_mask=True, **ONES)


def called(layer):
    """The outputs, or what went wrong."""
    try:
        x = np.ones((2, 3, 1), "float32")
        return np.round(array(layer(tensor(x), mask=tensor(np.array(MASK)))), 4).tolist()
    except Exception as problem:
        return f"{type(problem).__name__}: {str(problem)[:100]}"


there = False
for make in (twin, backwards, last):
    expected, observed = called(make(False)), called(make(True))
    print(f"{make.__name__}: expected:", expected)
    print(f"{make.__name__}: observed:", observed)
    there = there or expected != observed
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
