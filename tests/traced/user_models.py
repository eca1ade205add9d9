"""Models as users write them, for any Keras from 2.0 on."""

from __future__ import annotations

import importlib.util

import numpy as np

if importlib.util.find_spec("tf_keras"):
    import tf_keras as keras
else:
    import keras

layers, models = keras.layers, keras.models


def stack(*between, loss="binary_crossentropy", shape=(None, 3), units=1, metrics=None):
    """Masking, an LSTM over all steps, what is between, and a dense layer for each step."""
    model = models.Sequential(
        [
            layers.Masking(0.0, input_shape=shape),
            layers.LSTM(4, return_sequences=True),
            *between,
            layers.Dense(units, activation="sigmoid"),
        ]
    )
    model.compile(optimizer="sgd", loss=loss, metrics=metrics)
    return model


def question():
    """The model of the question: Masking, LSTM, Dropout, Dense."""
    return stack(layers.Dropout(0.5), metrics=["accuracy"])


def convolved_mae():
    """The convolution drops the mask; the slope of the loss tells only a label's side."""
    return stack(layers.Conv1D(4, 3, padding="same"), loss="mae")


def not_compiled():
    return models.Sequential([layers.Masking(0.0, input_shape=(None, 3)), layers.LSTM(2)])


def flattened():
    """Flatten ends the mask."""
    return stack(layers.Flatten(), shape=(6, 3), loss="mse")


def convolved():
    """A convolution ends the mask."""
    return stack(layers.Conv1D(4, 3, padding="same"), shape=(6, 3))


def tagged(last, metrics=None):
    """A class for each of the words of a sentence."""
    words = layers.Input((None,))
    known = layers.LSTM(4, return_sequences=True)(layers.Embedding(7, 3, mask_zero=True)(words))
    model = models.Model(words, last(known))
    loss = "sparse_categorical_crossentropy"
    model.compile(optimizer="sgd", loss=loss, metrics=metrics)
    return model


def convolved_tagger():
    """The convolution drops the mask, and accuracy counts hits."""
    last = layers.Conv1D(5, 3, padding="same", activation="softmax")
    return tagged(last, metrics=["accuracy"])


def tagger():
    """The most ordinary of them: a wrapped dense layer gives each step its class."""
    return tagged(layers.TimeDistributed(layers.Dense(5, activation="softmax")))


class Forgetful(layers.Layer):
    """A custom layer that says nothing of masks."""

    def call(self, inputs):
        return inputs * 2.0


def forgetting():
    return stack(Forgetful())


def two_outputs():
    """Two inputs with padding of their own, an output for each."""
    left = layers.Input((None, 3), name="left")
    right = layers.Input((None,), name="right")
    a = layers.LSTM(4, return_sequences=True)(layers.Masking(0.0)(left))
    b = layers.LSTM(4, return_sequences=True)(layers.Embedding(7, 3, mask_zero=True)(right))
    model = models.Model(
        [left, right],
        [layers.Dense(1, name="a")(a), layers.Dense(5, activation="softmax", name="b")(b)],
    )
    losses = {"a": "mse", "b": "sparse_categorical_crossentropy"}
    model.compile(optimizer="sgd", loss=losses, loss_weights={"a": 1.0, "b": 0.5})
    return model


def block(width, name):
    """A model to nest: normalisation, dropout and two dense layers."""
    inside = layers.Input((None, width))
    x = layers.BatchNormalization()(inside)
    x = layers.Dense(width, activation="relu")(layers.Activation("tanh")(x))
    x = layers.Dropout(0.1)(layers.TimeDistributed(layers.Dense(width))(x))
    return models.Model(inside, x, name=name)


def nested():
    """Twenty layers and more, in nested models; loses the mask in none of them."""
    tokens = layers.Input((None,), name="tokens")
    x = layers.Embedding(11, 4, mask_zero=True)(tokens)
    for name in ("first", "second", "third"):
        x = layers.Add()([x, block(4, name)(x)])
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(x)
    x = layers.Dense(6)(x)
    model = models.Model(tokens, layers.Dense(2, activation="softmax")(x))
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def last_step():
    """One label a sample: the LSTM uses the mask up."""
    model = models.Sequential(
        [layers.Masking(0.0, input_shape=(None, 3)), layers.LSTM(4), layers.Dense(1)]
    )
    model.compile(optimizer="sgd", loss="mse")
    return model


def without_mask():
    model = models.Sequential([layers.Dense(1, input_shape=(6, 3))])
    model.compile(optimizer="sgd", loss="mse")
    return model


def broken():
    raise RuntimeError("no such thing")


def batch():
    """Three samples of five steps, for `question`."""
    rng = np.random.RandomState(3)
    x = rng.uniform(0.1, 1.0, (3, 5, 3)).astype("float32")
    x[1, 3:] = 0.0
    x[2, 1:] = 0.0
    return x, rng.randint(0, 2, (3, 5, 1)).astype("float32")


def unpadded():
    x, y = batch()
    return x[:1], y[:1]


def wrong_width():
    x, y = batch()
    return x[..., :2], y


def too_few_labels():
    x, y = batch()
    return x, y[:2]


not_a_model = 3


class Scaled(models.Model):
    """A subclassed model that multiplies in between."""

    def __init__(self):
        super().__init__()
        self.masking = layers.Masking(0.0)
        self.recurrent = layers.LSTM(4, return_sequences=True)
        self.out = layers.Dense(1, activation="sigmoid")

    def call(self, inputs):
        return self.out(self.recurrent(self.masking(inputs)) * 2.0)


def subclassed():
    model = Scaled()
    model.compile(optimizer="sgd", loss="binary_crossentropy")
    return model


def multiplied():
    """A functional model with an operation that is no layer."""
    inside = layers.Input((None, 3))
    x = layers.LSTM(4, return_sequences=True)(layers.Masking(0.0)(inside))
    model = models.Model(inside, layers.Dense(1)(x * 2.0))
    model.compile(optimizer="sgd", loss="mse")
    return model


def own_loss():
    """A loss of the user's own (the class is there from Keras 2.3 on)."""

    class Own(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return (y_true[:, :, 0] - y_pred[:, :, 0]) ** 2

    return stack(loss=Own())
