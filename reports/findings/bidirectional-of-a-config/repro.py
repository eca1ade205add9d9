"""mask-survives-saving: expected a loss of the loaded model, observed ValueError: You called
`set_weights(weights)` on layer 'functional_45' wit (config, mse, eager)

Seen with keras 3.0.5 on TensorFlow 2.16.2, eager mode, stage: config.
Exit status: 1 while the behaviour is there, 0 once it is gone, 2 if this cannot run here.
Written by maskgate 0.1.0, property mask-survives-saving, finding mask-survives-saving-config-
not-loaded-bd6326.
"""

import os
import sys
import tempfile

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
stderr, _ = os.dup(2), os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # while it imports
try:
    import numpy as np
    import tensorflow as tf
    import keras
    loss = keras.losses.MeanSquaredError(reduction="sum_over_batch_size")
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

nan, inf = float("nan"), float("inf")


def near(observed, expected, bound):
    """Within the bound; a NaN or an infinity only where one is expected."""
    same = (observed == expected) | (np.isnan(observed) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        return bool(np.all(same | (np.abs(observed - expected) <= bound)))


def same(one, other):
    """Bit for bit; two refusals are alike."""
    if isinstance(one, Exception) or isinstance(other, Exception):
        return isinstance(one, Exception) and isinstance(other, Exception)
    return all(np.array_equal(one[part], other[part], equal_nan=True) for part in one)


UNITS = 3


def _bidirectional(keras, features):
    layers = keras.layers
    given = layers.Input((None, features))
    both = layers.Bidirectional(layers.SimpleRNN(UNITS, return_sequences=True))
    steps = both(layers.Masking(0.0)(given))
    return keras.models.Model(given, layers.Dense(features, activation="sigmoid")(steps))


def cut(batch, size):
    """The samples, `size` of them at a time."""
    for start in range(0, len(batch[1]), size):
        yield tuple(each[start : start + size] for each in batch)


def forever(batch, size):
    while True:
        yield from cut(batch, size)


def ask(entry, x, y_true, weight, size):
    """The loss that an entry point reports, and the weights that it leaves; or an exception."""
    keras.utils.set_random_seed(1)
    try:
        model = _bidirectional(keras, x.shape[-1])
        random = np.random.RandomState(7)
        shapes = [each.shape for each in model.get_weights()]
        model.set_weights([random.uniform(-0.5, 0.5, shape) for shape in shapes])
        model.compile(keras.optimizers.SGD(0.125), loss, run_eagerly=True)
        x = x
        batch = (x, y_true) if weight is None else (x, y_true, weight)
        value = entry(model, x, y_true, weight, batch, size)
        return {"loss": float(value), "weights": np.concatenate(
            [np.asarray(each).ravel() for each in model.get_weights()])}
    except Exception as refusal:
        return refusal


x = np.array([[[1., 1.],
               [1., 1.],
               [1., 1.],
               [1., 1.]],

              [[1., 1.],
               [1., 1.],
               [1., 1.],
               [1., 1.]],

              [[1., 1.],
               [1., 1.],
               [1., 1.],
               [1., 1.]]], "float32")
y_true = np.array([[[0., 0.],
                    [0., 0.],
                    [0., 0.],
                    [0., 0.]],

                   [[0., 0.],
                    [0., 0.],
                    [0., 0.],
                    [0., 0.]],

                   [[0., 0.],
                    [0., 0.],
                    [0., 0.],
                    [0., 0.]]], "float32")
weight = None

def copied(model):
    """What is loaded of the model when it has been saved."""
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    if tuple(map(int, keras.__version__.split(".")[:2])) >= (2, 13):
        copy.compile_from_config(model.get_compile_config())
    else:
        copy.compile(model.optimizer, model.loss)
    return copy


def work(model, x, y_true, size):
    """The loss, and the weights that are left."""
    loss = model.evaluate(x, y_true, batch_size=size, verbose=0)
    return float(loss), [np.asarray(each) for each in model.get_weights()]


def both(model, x, y_true, weight, batch, size):
    """The loss of the model, or, with `of_the_copy`, that of its copy."""
    before = model.get_weights()
    model.train_on_batch(x, y_true)  # some releases save only what has been trained
    model.set_weights(before)
    if not of_the_copy:
        return work(model, x, y_true, size)[0]
    copy = copied(model)
    if hasattr(copy, "run_eagerly"):
        copy.run_eagerly = model.run_eagerly
    loss, weights = work(copy, x, y_true, size)
    model.set_weights(weights)
    return loss


here = os.getcwd()
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    of_the_copy = False
    first = ask(both, x, y_true, weight, len(x))
    of_the_copy = True
    second = ask(both, x, y_true, weight, len(x))
    os.chdir(here)
failed = [isinstance(each, Exception) for each in (first, second)]
expected = f"the model and its copy alike: {first if failed[0] else first['loss']}"
observed = f"the copy: {second if failed[1] else second['loss']}"
there = failed[1] or not same(first, second)

print("expected:", expected)
print("observed:", observed)
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
