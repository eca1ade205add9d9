"""Loss objects of Keras 3."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .adapter import NotOfferedError
from .words import Ask

DEFAULT_EPSILON = 1e-7


class Keras3:
    """Builds `loss(y_true, y_pred, mask, sample_weight)` from `keras.losses`.

    Args:
        keras: the imported package.
        losses: loss classes to use in place of the framework's, by class name.
    """

    distribution = "keras"

    def __init__(self, keras: Any, losses: Mapping[str, Callable[..., Any]] | None = None) -> None:
        self.keras, self.losses = keras, losses or {}
        self.version, self.epsilon = keras.__version__, float(keras.backend.epsilon())
        self.extra = {"floatx": keras.backend.floatx()}
        self.notes = settings_notes(self.epsilon, keras.backend.floatx())
        self._set_mask = mask_setter(keras)

    def loss(self, ask: Ask) -> Callable[..., Any]:
        """A new loss object for the question, as a function that attaches the mask and calls it."""
        factory = loss_class(self.keras, self.losses, ask)
        arguments = dict(ask.parameters, reduction=ask.reduction)
        # The built-in losses of 3.0 to 3.3 take no dtype: they compute in floatx.
        takes_dtype = "dtype" in arguments_of(factory)
        floatx = contextlib.nullcontext() if takes_dtype else self._floatx(ask.dtype)
        if takes_dtype:
            arguments["dtype"] = ask.dtype
        with floatx:
            loss = factory(**arguments)

        def call(y_true: Any, y_pred: Any, mask: Any, sample_weight: Any) -> Any:
            if mask is not None:
                self._set_mask(y_pred, mask)
            if takes_dtype:
                return loss(y_true, y_pred, sample_weight)
            with self._floatx(ask.dtype):
                return loss(y_true, y_pred, sample_weight)

        return call

    @contextlib.contextmanager
    def _floatx(self, dtype: str) -> Iterator[None]:
        before = self.keras.backend.floatx()
        self.keras.backend.set_floatx(dtype)
        try:
            yield
        finally:
            self.keras.backend.set_floatx(before)


def loss_class(keras: Any, losses: Mapping[str, Callable[..., Any]], ask: Ask) -> Any:
    """The class that a question names.

    Raises:
        NotOfferedError: when this release lacks it or one of the parameters.
    """
    factory = losses.get(ask.loss) or getattr(keras.losses, ask.loss, None)
    if factory is None:
        raise NotOfferedError("no loss " + ask.loss + " in " + keras.__version__)
    for name in ask.parameters:
        if name not in arguments_of(factory):
            raise NotOfferedError(
                ask.loss + " has no parameter " + name + " in " + keras.__version__
            )
    return factory


@functools.lru_cache(maxsize=None)  # noqa: UP033 -- Python 3.7
def arguments_of(factory: Callable[..., Any]) -> frozenset[str]:
    """Names of the arguments that a class takes."""
    return frozenset(inspect.signature(factory).parameters)


def settings_notes(epsilon: float, floatx: str) -> tuple[str, ...]:
    """What a configuration file of the user's has changed."""
    changed = []
    if epsilon != DEFAULT_EPSILON:
        changed.append("epsilon is set to " + repr(epsilon) + " there (the default is 1e-07)")
    if floatx != "float32":
        changed.append("floatx is set to " + floatx + " there (the default is float32)")
    return tuple(changed)


def mask_setter(keras: Any) -> Callable[[Any, Any], None]:
    """How this release attaches a mask to a tensor: a function of its backend from 3.6 on."""
    backend = getattr(getattr(keras, "src", None), "backend", None)
    return getattr(backend, "set_keras_mask", None) or set_attribute


def set_attribute(tensor: Any, mask: Any) -> None:
    """How layers of Keras 2 and of 3.0 to 3.5 attach a mask."""
    tensor._keras_mask = mask
