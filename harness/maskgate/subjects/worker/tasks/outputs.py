"""What a model with two outputs reports, each output with a mask of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..adapter import NotOfferedError
from . import models, training
from .graphs import KeptModels

NAMES = ("left", "right")
PENALTY = 0.125  # of the kernel's squares
_KEPT = KeptModels()


def loss(adapter: Any, parameters: Any, arrays: Any) -> Any:
    """The whole loss that `test_on_batch` reports of a model with two outputs.

    Args:
        adapter: the release.
        parameters: as for `training.losses`, without `entries` and `model`; `loss_weights`, two
            numbers or none; `extra`: `regulariser`, `add_loss` or nothing.
        arrays: `left_x`, `right_x`, `left_y` and `right_y`.

    Returns:
        `whole`; in the data `refused`, which is empty.
    """
    features = arrays["left_x"].shape[-1]
    model: Any = _KEPT.model(
        adapter,
        (features, repr(sorted(parameters.items()))),
        lambda: _model(adapter, parameters, arrays, features),
    )
    training._reset(model)
    x, y = ([arrays[name + end] for name in NAMES] for end in ("_x", "_y"))
    try:
        said = model.test_on_batch(x, y)
    except StopIteration:  # once a model in Keras 3.0 to 3.6, where the first step makes variables
        said = model.test_on_batch(x, y)
    whole = said[0] if isinstance(said, (list, tuple)) else said
    return {"refused": {}}, {"whole": np.asarray(whole, "float64").reshape(())}


def _model(adapter: Any, parameters: Any, arrays: Any, features: int) -> Any:
    keras = adapter.api.keras
    layers = keras.layers
    extra = parameters["extra"]
    given = [layers.Input((None, features)) for _ in NAMES]
    made = []
    for name, each in zip(NAMES, given):  # noqa: B905
        arguments: dict[str, Any] = {}
        if extra == "regulariser" and name == "left":
            arguments["kernel_regularizer"] = _penalty(keras)
        steps = layers.Masking(0.0)(each)
        if extra == "add_loss" and name == "left":
            steps = _adding(keras)(steps)
        made.append(layers.Dense(features, name=name, **arguments)(steps))
    model = keras.models.Model(given, made)
    model.set_weights([np.eye(features), np.zeros(features)] * 2)
    weights = parameters["loss_weights"]
    more: dict[str, Any] = {} if weights is None else {"loss_weights": list(weights)}
    return training.compile_as_users_do(adapter, model, parameters, arrays, **more)


def _adding(keras: Any) -> Any:
    """A layer that hands on what it is given, mask and all, and adds its squares to the loss."""
    if models.release(keras) < (2, 4):
        raise NotOfferedError("layers that call add_loss in " + keras.__version__)
    functions = getattr(keras, "ops", None) or keras.backend

    class Adding(keras.layers.Layer):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.supports_masking = True

        def call(self, given: Any) -> Any:
            self.add_loss(PENALTY * functions.sum(functions.square(given)))
            return given

    return Adding()


def _penalty(keras: Any) -> Any:
    """The sum of squares, by whatever name the release has it."""
    maker = getattr(keras.regularizers, "l2", None) or keras.regularizers.L2
    return maker(PENALTY)


TASKS = {"loss": loss}
