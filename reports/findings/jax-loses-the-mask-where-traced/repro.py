"""Keras 3.0 to 3.5 on JAX loses the mask where code is traced: a tracer takes no attribute.

Exit status: 1 while the behaviour is there, 0 once it is gone, 2 if this cannot run here.
"""

import os
import sys

os.environ["KERAS_BACKEND"] = "jax"
try:
    import jax
    import keras
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

loss = keras.losses.MeanSquaredError()
labels, mask = jax.numpy.zeros((2, 1)), jax.numpy.array([True, False])


def masked_loss(prediction):
    if hasattr(keras.src.backend, "set_keras_mask"):
        keras.src.backend.set_keras_mask(prediction, mask)
    else:
        try:
            prediction._keras_mask = mask
        except AttributeError:  # what the layers of these releases do
            pass
    return loss(labels, prediction)


gradient = jax.grad(masked_loss)(jax.numpy.ones((2, 1)))
print("expected: a gradient of 0 at the masked prediction")
print("observed:", float(gradient[1, 0]))
there = float(gradient[1, 0]) != 0.0
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
