"""Loss objects of the Keras 2 API: Keras 2.4 to 2.15 and tf_keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .keras3 import loss_class, set_attribute, settings_notes
from .words import Ask


class Keras2:
    """Builds `loss(y_true, y_pred, mask, sample_weight)` from `keras.losses`.

    The dtype of the computation is that of the predictions; there is no argument for it.

    Args:
        distribution: `keras` or `tf_keras`.
        keras: the imported package.
        losses: loss classes to use in place of the framework's, by class name.
    """

    def __init__(
        self,
        distribution: str,
        keras: Any,
        losses: Mapping[str, Callable[..., Any]] | None = None,
    ) -> None:
        self.distribution, self.keras, self.losses = distribution, keras, losses or {}
        self.version, self.epsilon = keras.__version__, float(keras.backend.epsilon())
        self.extra = {"floatx": keras.backend.floatx()}
        self.notes = settings_notes(self.epsilon, keras.backend.floatx())

    def loss(self, ask: Ask) -> Callable[..., Any]:
        """A new loss object for the question, as a function that attaches the mask and calls it."""
        factory = loss_class(self.keras, self.losses, ask)
        loss = factory(reduction=ask.reduction, **ask.parameters)

        def call(y_true: Any, y_pred: Any, mask: Any, sample_weight: Any) -> Any:
            if mask is not None:
                set_attribute(y_pred, mask)
            return loss(y_true, y_pred, sample_weight)

        return call
