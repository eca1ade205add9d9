"""What the scenarios are written with. It stands, as it is, at the head of a scenario's script."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

# A number of a scenario comes of fewer than 64 roundings in float32, of terms of one sign; the
# epsilon that some releases add to a count of at least 1 is worth two of them.
RELATIVE = 64 * 2.0**-24


class UnexpectedError(Exception):
    """What came is not what the scenario says: `expected` and `observed`, in words."""

    def __init__(self, expected: str, observed: str) -> None:
        super().__init__("expected " + expected + ", observed " + observed)
        self.expected, self.observed = expected, observed


class LackingError(Exception):
    """The release does not have what the scenario is about."""


def release(keras: Any) -> Any:
    """Major and minor version."""
    return tuple(int(part) for part in keras.__version__.split(".")[:2])


def expect(observed: Any, wanted: Any, what: str = "the loss") -> None:
    """Numbers that are the wanted ones but for rounding; shapes must fit as well."""
    got, want = np.asarray(observed, "float64"), np.asarray(wanted, "float64")
    if got.shape == want.shape and np.all(np.abs(got - want) <= RELATIVE * np.abs(want) + 1e-12):
        return
    raise UnexpectedError(what + " " + shown(want), shown(got))


def expect_true(good: Any, expected: str, observed: Any) -> None:
    """Something that is so, or is not."""
    if not good:
        raise UnexpectedError(expected, str(observed))


def expect_mask(observed: Any, wanted: Any, what: str = "the mask") -> None:
    """A mask of the wanted shape and values."""
    if observed is None:
        raise UnexpectedError(what + " " + shown(wanted), "no mask")
    got, want = np.asarray(observed).astype(bool), np.asarray(wanted, bool)
    if got.shape != want.shape or np.any(got != want):
        raise UnexpectedError(what + " " + shown(want), shown(got))


def shown(value: Any) -> str:
    """A number or a small array, on one line."""
    array = np.asarray(value)
    return repr(array.tolist()) if array.ndim else repr(array.item())


def refused(ask: Callable[[], Any]) -> bool:
    """Whether the framework refuses with an exception; the answer is thrown away."""
    try:
        ask()
    except Exception:
        return True
    return False


def answered(ask: Callable[[], Any]) -> Any:
    """What comes of a call, or None where the framework refuses with an exception."""
    try:
        return ask()
    except Exception:
        return None


def array(values: Any) -> Any:
    """An array of float32."""
    return np.asarray(values, "float32")


def numpy_of(keras: Any, tensor: Any) -> Any:
    """The values of an eager tensor."""
    if hasattr(keras, "ops"):
        return keras.ops.convert_to_numpy(tensor)
    return tensor.numpy()


def mask_of(keras: Any, tensor: Any) -> Any:
    """The values of the mask that a tensor carries, or None."""
    mask = getattr(tensor, "_keras_mask", None)
    if mask is None and release(keras) >= (3, 6):
        from keras.src import backend

        mask = backend.get_keras_mask(tensor)
    if mask is None or isinstance(mask, np.ndarray):
        return mask
    return numpy_of(keras, mask)


def masked(keras: Any, x: Any) -> Any:
    """The batch as a tensor that carries its mask: a step of zeros is padding."""
    return keras.layers.Masking(0.0)(array(x))


def tensor_of(keras: Any, x: Any) -> Any:
    """The batch as a tensor without a mask."""
    if hasattr(keras, "ops"):
        return keras.ops.convert_to_tensor(array(x))
    return keras.backend.constant(array(x))


def mask_tensor(keras: Any, values: Any) -> Any:
    """A mask as a tensor."""
    if hasattr(keras, "ops"):
        return keras.ops.convert_to_tensor(np.asarray(values, bool))
    return keras.backend.constant(np.asarray(values, bool), dtype="bool")


def passing(keras: Any, *shape: Any, mask_value: float = 0.0) -> Any:
    """A model of Masking and a dense layer that hands on what it is given."""
    given = keras.layers.Input(shape or (None, 1))
    dense = keras.layers.Dense(int(given.shape[-1]))
    model = keras.models.Model(given, dense(keras.layers.Masking(mask_value)(given)))
    handing_on(dense)
    return model


def plain(keras: Any, *shape: Any) -> Any:
    """A model without a mask that hands on what it is given."""
    given = keras.layers.Input(shape or (1,))
    dense = keras.layers.Dense(int(given.shape[-1]))
    model = keras.models.Model(given, dense(given))
    handing_on(dense)
    return model


def handing_on(dense: Any) -> None:
    """Make the kernel of a dense layer the identity."""
    kernel, bias = dense.get_weights()
    dense.set_weights([np.eye(len(kernel), dtype="float32"), np.zeros_like(bias)])


def compiled(keras: Any, model: Any, loss: Any, **settings: Any) -> Any:
    """The model, compiled; it runs eagerly where there is such a thing."""
    if release(keras) >= (2, 4):
        settings.setdefault("run_eagerly", True)
    else:
        settings.pop("run_eagerly", None)
    model.compile(optimizer="sgd", loss=loss, **settings)
    return model


def told(model: Any, x: Any, y: Any, **weights: Any) -> Any:
    """What `test_on_batch` reports: the loss, then the metrics."""
    if hasattr(model, "reset_metrics"):
        model.reset_metrics()
    said = model.test_on_batch(x, y, **weights)
    return [float(each) for each in np.ravel(said)]


def loss_of(model: Any, x: Any, y: Any, **weights: Any) -> float:
    """The loss that `test_on_batch` reports."""
    return float(told(model, x, y, **weights)[0])


def warned(ask: Callable[[], Any]) -> Any:
    """What came of a call, and the warnings of masks that came with it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        came = ask()
    return came, [str(each.message) for each in caught if "mask" in str(each.message)]


def sequence_class(keras: Any, **methods: Any) -> Any:
    """A layer class of a user's, with these methods, that lets masks through."""

    def __init__(self: Any, **settings: Any) -> None:  # noqa: N807
        super(layer, self).__init__(**settings)
        self.supports_masking = True

    layer: Any = type("OwnLayer", (keras.layers.Layer,), {"__init__": __init__, **methods})
    return layer
