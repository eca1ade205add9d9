"""Keras 3: Masking before an LSTM, saved as .h5, cannot be loaded: `NotEqual` is no known layer.

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
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

given = keras.layers.Input((3, 2))
steps = keras.layers.LSTM(2, return_sequences=True)(keras.layers.Masking(0.0)(given))
model = keras.models.Model(given, steps)
there = False
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "model.h5")
    model.save(path)
    print("expected: a model")
    try:
        print("observed:", keras.models.load_model(path))
    except ValueError as problem:
        there = True
        print("observed:", str(problem).splitlines()[0][:100])
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
