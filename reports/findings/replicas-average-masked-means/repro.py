"""A training step on a masked batch is another one over two replicas.

Each replica averages over its own valid steps, and the averages count alike, however few valid
steps there are behind one. Two logical CPU devices stand for two accelerators.

Exit status: 1 while the behaviour is there, 0 once it is gone, 2 if this cannot run here.
"""

import os
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
try:
    import numpy as np
    import tensorflow as tf

    # Before anything runs.
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    try:
        import tf_keras as keras
    except ImportError:
        import keras
    two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

# Two samples, one of four valid steps and one of a single step.
x = np.array([[1.0, 1.0, 1.0, 1.0], [3.0, 0.0, 0.0, 0.0]], "float32")[..., None]
y = np.zeros_like(x)


def step(strategy):
    """The loss that `fit` reports of one step on both samples, and the bias after it."""
    with strategy.scope():
        given = keras.layers.Input((4, 1))
        model = keras.models.Model(given, keras.layers.Dense(1)(keras.layers.Masking(0.0)(given)))
        model.set_weights([np.ones((1, 1)), np.zeros(1)])
        model.compile(keras.optimizers.SGD(0.125), "mse")
    loss = model.fit(x, y, batch_size=2, shuffle=False, verbose=0).history["loss"][0]
    return float(loss), float(np.asarray(model.get_weights()[1])[0])


whole, divided = step(tf.distribute.get_strategy()), step(two)
print("expected: loss and bias after one step on both samples, %.6g and %.6g" % whole)
print("observed: over two replicas of one sample each, %.6g and %.6g" % divided)
there = abs(whole[1] - divided[1]) > 1e-5
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
