"""Loss objects of the Keras 2 API that run eagerly: Keras 2.4 to 2.15 and tf_keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .releases import Release, loss_class, set_attribute
from .words import Ask


class Keras2(Release):
    """Builds `loss(y_true, y_pred, mask, sample_weight)` from `keras.losses`.

    The dtype of the computation is that of the predictions; there is no argument for it.
    """

    def loss(self, ask: Ask) -> Callable[..., Any]:
        """A new loss object for the question, as a function that attaches the mask and calls it."""
        factory = loss_class(self.keras, self.losses, ask)
        loss = factory(reduction=ask.reduction, **ask.parameters)

        def call(y_true: Any, y_pred: Any, mask: Any, sample_weight: Any) -> Any:
            if mask is not None:
                set_attribute(y_pred, mask)
            return loss(y_true, y_pred, sample_weight)

        return call
