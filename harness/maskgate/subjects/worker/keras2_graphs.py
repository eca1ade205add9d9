"""Losses of Keras 2.0 to 2.3, which knows graphs alone: objective functions, then loss objects.

Both compute in floatx, so a question's dtype is made the default for the time of the call.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Mapping
from typing import Any

from .adapter import NotOfferedError, UnusableError
from .keras2 import Keras2
from .releases import Release, floatx, taking_parameters
from .words import Ask

FUNCTIONS = {
    "MeanSquaredError": "mean_squared_error",
    "MeanAbsoluteError": "mean_absolute_error",
    "MeanAbsolutePercentageError": "mean_absolute_percentage_error",
    "MeanSquaredLogarithmicError": "mean_squared_logarithmic_error",
    "LogCosh": "logcosh",
    "BinaryCrossentropy": "binary_crossentropy",
    "CategoricalCrossentropy": "categorical_crossentropy",
    "SparseCategoricalCrossentropy": "sparse_categorical_crossentropy",
    "KLDivergence": "kullback_leibler_divergence",
    "Poisson": "poisson",
    "Hinge": "hinge",
    "SquaredHinge": "squared_hinge",
    "CategoricalHinge": "categorical_hinge",
    "CosineSimilarity": "cosine_proximity",
}

# Where the function lies that masks and weighs an objective: from 2.2, and before.
WRAPPERS = (
    ("engine.training_utils", "weighted_masked_objective"),
    ("engine.training", "_weighted_masked_objective"),
)


class Objectives(Release):
    """Keras 2.0 to 2.2: `fn(y_true, y_pred)`, masked and weighed by the release's own function.

    A compiled model calls that function, so the mask is the argument it gives there. Where a user
    gives no weights, such a model feeds ones, one a sample (2.2.4 `engine/training_utils.py`,
    `standardize_weights`), and so does this.

    Args:
        keras: the imported package.
        losses: objective functions to use in place of the framework's, by class name.
    """

    def __init__(self, keras: Any, losses: Mapping[str, Callable[..., Any]] | None = None) -> None:
        super().__init__("keras", keras, losses)
        self._wrap = wrapper_of(keras)
        self.notes += ("asked through the function that compiled models mask and weigh with",)

    def loss(self, ask: Ask) -> Callable[..., Any]:
        """The question's objective, masked and weighed."""
        if ask.reduction != "sum_over_batch_size":
            raise NotOfferedError(
                "objectives have one reduction in " + self.version + ", not " + ask.reduction
            )
        objective, backend = self._wrap(self._function(ask)), self.keras.backend

        def call(y_true: Any, y_pred: Any, mask: Any, sample_weight: Any) -> Any:
            with floatx(self.keras, ask.dtype):
                if sample_weight is None:
                    sample_weight = backend.constant(1.0, shape=backend.int_shape(y_pred)[:1])
                weights = backend.cast(sample_weight, ask.dtype)
                return objective(y_true, y_pred, weights, mask=mask)

        return call

    def elementwise(self, ask: Ask) -> Callable[[Any, Any], Any]:
        """The question's objective function itself."""
        function = self._function(ask)

        def call(y_true: Any, y_pred: Any) -> Any:
            with floatx(self.keras, ask.dtype):
                return function(y_true, y_pred)

        return call

    def _function(self, ask: Ask) -> Any:
        """The objective that a question names; raises `NotOfferedError`."""
        named = getattr(self.keras.losses, FUNCTIONS.get(ask.loss, ""), None)
        return taking_parameters(self.losses.get(ask.loss) or named, self.keras, ask)


def wrapper_of(keras: Any) -> Callable[..., Any]:
    """The release's own function that makes `fn(y_true, y_pred, weights, mask)` of an objective.

    Raises:
        UnusableError: when it is at none of the known places.
    """
    for path, name in WRAPPERS:
        with contextlib.suppress(ImportError, AttributeError):
            module = importlib.import_module(keras.__name__ + "." + path)
            return getattr(module, name)  # type: ignore[no-any-return]
    found = "no function that masks objectives is in keras " + keras.__version__ + " there"
    raise UnusableError(found, "name another environment")


class Keras23(Keras2):
    """Keras 2.3: the first loss objects. Called directly they look at no mask.

    The cosine has no class yet: its function is wrapped as `compile(loss="cosine_proximity")` does.

    Args:
        keras: the imported package.
        losses: loss classes to use in place of the framework's, by class name.
    """

    def __init__(self, keras: Any, losses: Mapping[str, Callable[..., Any]] | None = None) -> None:
        super().__init__("keras", keras, {"CosineSimilarity": self._cosine, **(losses or {})})

    def loss(self, ask: Ask) -> Callable[..., Any]:
        """A new loss object for the question, as a function that attaches the mask and calls it."""
        loss = super().loss(ask)

        def call(y_true: Any, y_pred: Any, mask: Any, sample_weight: Any) -> Any:
            with floatx(self.keras, ask.dtype):
                return loss(y_true, y_pred, mask, sample_weight)

        return call

    def _cosine(self, reduction: str, axis: int = -1) -> Any:
        losses = self.keras.losses
        return losses.LossFunctionWrapper(losses.cosine_proximity, reduction=reduction, axis=axis)
