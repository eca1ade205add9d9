"""Small models by name, built from the layers of the release under test.

Every model takes `(batch, steps, features)`, where a step of zeros is padding, and predicts
`(batch, steps, features)`; `flat` takes and predicts `(batch, features)`. `flat`, `identity` and
`masking` hand on what they are given, exactly: one dense layer whose kernel is the identity. The
others predict what their layers make of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..adapter import NotOfferedError

BESIDE = "beside"  # the mask is made of an input of its own
UNITS = 3
RATE = 0.125  # of the training step
EXACT = ("identity", "masking", "flat", BESIDE)
# Layers called in a method carry masks from 2.4 on; a model in a model takes none before 2.2.
SINCE = {"subclassed": (2, 4), "nested": (2, 2)}


def build(keras: Any, name: str, features: int) -> Any:
    """The model, not yet compiled, with the same weights every time.

    Raises:
        NotOfferedError: when the release cannot have such a model.
    """
    if name not in BUILDERS:
        raise NotOfferedError("no model " + name)
    if not hasattr(keras, "layers"):
        raise NotOfferedError("no layers there")
    if release(keras) < SINCE.get(name, (0,)):
        raise NotOfferedError("no mask goes through model " + name + " in " + keras.__version__)
    model = BUILDERS[name](keras, features)
    if name in EXACT:
        model.set_weights([np.eye(features, dtype="float32"), np.zeros(features, "float32")])
    else:
        random = np.random.RandomState(7)
        shapes = [each.shape for each in model.get_weights()]
        model.set_weights([random.uniform(-0.5, 0.5, shape) for shape in shapes])
    return model


def inputs(name: str, x: Any) -> Any:
    """What the model is fed for a batch of `(batch, steps, features)`."""
    if name == "beside":
        # A step of zeros or of no numbers is padding; which steps are not is said beside them.
        numbers = np.all(np.isfinite(x), axis=-1, keepdims=True)
        valid = numbers & np.any(x != 0, axis=-1, keepdims=True)
        return [x, np.ones_like(x) * valid]
    if name != "embedding":
        return x
    # Class ids, of which 0 is padding.
    return np.where(np.any(x != 0, axis=-1), 1 + np.arange(x.shape[1]) % 3, 0).astype("int32")


def _identity(keras: Any, features: int) -> Any:
    given = keras.layers.Input((None, features))
    return keras.models.Model(given, keras.layers.Dense(features)(given))


def _flat(keras: Any, features: int) -> Any:
    """For `(batch, features)`: no steps, no mask."""
    given = keras.layers.Input((features,))
    return keras.models.Model(given, keras.layers.Dense(features)(given))


def _masking(keras: Any, features: int) -> Any:
    given = keras.layers.Input((None, features))
    masked = keras.layers.Masking(0.0)(given)
    return keras.models.Model(given, keras.layers.Dense(features)(masked))


def _beside(keras: Any, features: int) -> Any:
    """What is padding is said by a second input, so that the first may hold NaN there."""

    class Beside(keras.layers.Layer):  # type: ignore[misc]
        """Hands on its first input, with the mask of its second."""

        def __init__(self) -> None:
            super().__init__()
            self.supports_masking = True

        def call(self, inputs: Any) -> Any:
            return inputs[0] * 1.0

        def compute_mask(self, inputs: Any, mask: Any = None) -> Any:  # noqa: ARG002
            return None if mask is None else mask[1]

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape[0]

    layers = keras.layers
    given, valid = layers.Input((None, features)), layers.Input((None, features))
    steps = Beside()([given, layers.Masking(0.0)(valid)])
    return keras.models.Model([given, valid], layers.Dense(features)(steps))


def _question(keras: Any, features: int) -> Any:
    """Masking, a recurrent layer, dropout, a dense layer: the model that people ask about."""
    layers = keras.layers
    given = layers.Input((None, features))
    steps = layers.LSTM(UNITS, return_sequences=True)(layers.Masking(0.0)(given))
    steps = layers.Dropout(0.5, seed=1)(steps)
    return keras.models.Model(given, layers.Dense(features, activation="sigmoid")(steps))


def _question_without_dropout(keras: Any, features: int) -> Any:
    layers = keras.layers
    given = layers.Input((None, features))
    steps = layers.LSTM(UNITS, return_sequences=True)(layers.Masking(0.0)(given))
    return keras.models.Model(given, layers.Dense(features, activation="sigmoid")(steps))


def _embedding(keras: Any, features: int) -> Any:
    layers = keras.layers
    given = layers.Input((None,), dtype="int32")
    steps = layers.Embedding(4, UNITS, mask_zero=True)(given)
    steps = layers.GRU(UNITS, return_sequences=True)(steps)
    return keras.models.Model(given, layers.Dense(features, activation="sigmoid")(steps))


def _bidirectional(keras: Any, features: int) -> Any:
    layers = keras.layers
    given = layers.Input((None, features))
    both = layers.Bidirectional(layers.SimpleRNN(UNITS, return_sequences=True))
    steps = both(layers.Masking(0.0)(given))
    return keras.models.Model(given, layers.Dense(features, activation="sigmoid")(steps))


def _nested(keras: Any, features: int) -> Any:
    """A model inside a model: the mask goes in with the tensor and comes out with it."""
    layers = keras.layers
    inside = layers.Input((None, features))
    inner = keras.models.Model(inside, layers.Dense(UNITS, activation="tanh")(inside))
    given = layers.Input((None, features))
    steps = inner(layers.Masking(0.0)(given))
    return keras.models.Model(given, layers.Dense(features, activation="sigmoid")(steps))


def _subclassed(keras: Any, features: int) -> Any:
    class Subclassed(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.masking = keras.layers.Masking(0.0)
            self.recurrent = keras.layers.GRU(UNITS, return_sequences=True)
            self.dense = keras.layers.Dense(features, activation="sigmoid")

        def call(self, given: Any) -> Any:
            return self.dense(self.recurrent(self.masking(given)))

    model = Subclassed()
    model(np.ones((1, 2, features), "float32"))
    return model


def release(keras: Any) -> tuple[int, ...]:
    """Major and minor version."""
    return tuple(int(part) for part in keras.__version__.split(".")[:2])


BUILDERS = {
    "identity": _identity,
    "masking": _masking,
    "flat": _flat,
    BESIDE: _beside,
    "question": _question,
    "question-without-dropout": _question_without_dropout,
    "embedding": _embedding,
    "bidirectional": _bidirectional,
    "nested": _nested,
    "subclassed": _subclassed,
}
