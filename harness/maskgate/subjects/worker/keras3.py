"""Loss objects of Keras 3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .releases import Release, arguments_of, floatx, loss_class, set_attribute
from .words import Ask


class Keras3(Release):
    """Builds `loss(y_true, y_pred, mask, sample_weight)` from `keras.losses`.

    Args:
        keras: the imported package.
        losses: loss classes to use in place of the framework's, by class name.
    """

    def __init__(self, keras: Any, losses: Mapping[str, Callable[..., Any]] | None = None) -> None:
        super().__init__("keras", keras, losses)
        self._set_mask = mask_setter(keras)

    def loss(self, ask: Ask) -> Callable[..., Any]:
        """A new loss object for the question, as a function that attaches the mask and calls it."""
        factory = loss_class(self.keras, self.losses, ask)
        arguments = dict(ask.parameters, reduction=ask.reduction)
        # The built-in losses of 3.0 to 3.3 take no dtype: they compute in floatx.
        takes_dtype = "dtype" in arguments_of(factory)
        if takes_dtype:
            loss = factory(dtype=ask.dtype, **arguments)
        else:
            with floatx(self.keras, ask.dtype):
                loss = factory(**arguments)

        def call(y_true: Any, y_pred: Any, mask: Any, sample_weight: Any) -> Any:
            if mask is not None:
                self._set_mask(y_pred, mask)
            if takes_dtype:
                return loss(y_true, y_pred, sample_weight)
            with floatx(self.keras, ask.dtype):
                return loss(y_true, y_pred, sample_weight)

        return call


def mask_setter(keras: Any) -> Callable[[Any, Any], None]:
    """How this release attaches a mask to a tensor: a function of its backend from 3.6 on."""
    backend = getattr(getattr(keras, "src", None), "backend", None)
    return getattr(backend, "set_keras_mask", None) or set_attribute
