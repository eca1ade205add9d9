"""The element losses by name, and how labels are brought to the rank of the predictions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from maskgate.oracle import hinges, probability, regression
from maskgate.oracle.alignment import (
    broadcast_shape,
    longer_squeezed,
    longer_squeezed_or_vector_expanded,
)
from maskgate.oracle.ball import DoesNotFit
from maskgate.oracle.definition import Definition
from maskgate.oracle.rounding import Rounded

Value = Callable[[Rounded, Rounded, Definition], Rounded]
Gradient = Callable[[Rounded, Rounded, Rounded, Definition], Rounded]


@dataclass(frozen=True)
class ElementLoss:
    """One loss before its reduction.

    Attributes:
        value: `(labels, predictions, definition)` -> element losses, one axis reduced away.
        gradient: `(upstream, labels, predictions, definition)` -> derivative by the predictions,
            where `upstream` is the derivative of the whole by each element loss.
        broadcasts: whether labels of another shape than the predictions are broadcast.
    """

    value: Value
    gradient: Gradient
    broadcasts: bool = True


ELEMENT_LOSSES: dict[str, ElementLoss] = {
    "mse": ElementLoss(regression.mse, regression.mse_gradient),
    "mae": ElementLoss(regression.mae, regression.mae_gradient),
    "mape": ElementLoss(regression.mape, regression.mape_gradient),
    "msle": ElementLoss(regression.msle, regression.msle_gradient),
    "huber": ElementLoss(regression.huber, regression.huber_gradient),
    "log_cosh": ElementLoss(regression.log_cosh, regression.log_cosh_gradient),
    "bce": ElementLoss(probability.bce, probability.bce_gradient, broadcasts=False),
    "binary_focal": ElementLoss(
        probability.binary_focal, probability.binary_focal_gradient, broadcasts=False
    ),
    "cce": ElementLoss(probability.cce, probability.cce_gradient, broadcasts=False),
    "categorical_focal": ElementLoss(
        probability.categorical_focal, probability.categorical_focal_gradient
    ),
    "sparse_cce": ElementLoss(probability.sparse_cce, probability.sparse_cce_gradient),
    "kld": ElementLoss(probability.kld, probability.kld_gradient),
    "poisson": ElementLoss(regression.poisson, regression.poisson_gradient),
    "hinge": ElementLoss(hinges.hinge, hinges.hinge_gradient),
    "squared_hinge": ElementLoss(hinges.squared_hinge, hinges.squared_hinge_gradient),
    "categorical_hinge": ElementLoss(hinges.categorical_hinge, hinges.categorical_hinge_gradient),
    "cosine": ElementLoss(regression.cosine, regression.cosine_gradient),
}


def aligned_labels(y: Rounded, p: Rounded, d: Definition) -> tuple[Rounded, Rounded]:
    """Labels and predictions as the loss function sees them, their ranks brought together.

    Raises:
        DoesNotFit: where the generation refuses the shapes.
    """
    if y.shape == p.shape and d.spec.kind.labels != "sparse":
        return y, p
    if d.keras_2 and d.rules.alignment == "objective":
        return y, p
    if d.keras_2 or d.rules.alignment == "keras-3.0.0":
        y, p = longer_squeezed(y, p)
    else:
        y, p = longer_squeezed_or_vector_expanded(y, p)
    if d.spec.kind.labels == "sparse":
        return (y.reshape(y.shape[:-1]) if y.ndim == p.ndim and y.shape[-1] == 1 else y), p
    broadcast_shape(y.shape, p.shape)
    if y.shape != p.shape and not ELEMENT_LOSSES[d.spec.name].broadcasts:
        raise DoesNotFit(f"labels {y.shape} do not fit predictions {p.shape}")
    return y, p
