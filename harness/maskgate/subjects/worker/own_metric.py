"""A user's own metric, asked as a loss is: reset, updated with one batch, and read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .adapter import NotOfferedError, UnusableError
from .own import GIVE, Own, takes_weights

ONLY = "sum_over_batch_size"  # what questions call the one reduction that a metric has


class OwnMetric(Own):
    """One metric of the user's: a class, an object, or a function of element values."""

    role = "metric"
    give = GIVE.replace("loss", "metric")
    reduction = ONLY
    reduces_itself = True  # no formula of a release says what a metric must be

    @property
    def leaves_mask(self) -> bool:
        """Whether `update_state`, which looks at the mask, is the framework's own."""
        if self.form == "function":
            return True
        kind = self.target if self.form == "class" else type(self.target)
        updating = next(each for each in kind.__mro__ if "update_state" in vars(each))
        return bool(updating.__module__.startswith(("keras", "tf_keras", "tensorflow")))

    def _base(self, keras: Any) -> Any:
        base = getattr(keras.metrics, "Metric", None)
        if base is None:
            raise UnusableError(
                "Keras " + keras.__version__ + " there has no metric objects", "ask 2.4 or newer"
            )
        return base

    def _wrapping(self, keras: Any) -> Any:
        """What `compile(metrics=[function])` makes a metric with."""
        for each in keras.metrics.MeanSquaredError.__mro__:
            if each.__name__ == "MeanMetricWrapper":
                return each
        raise UnusableError(
            "Keras " + keras.__version__ + " there has no wrapper for functions",
            "give a metric class",
        )

    def make(self, **given: Any) -> Callable[..., Any]:
        """A function that asks the metric about one batch.

        Raises:
            NotOfferedError: for any reduction but the one that stands for a metric's own.
        """
        if given["reduction"] != ONLY:
            raise NotOfferedError("a metric has no reduction " + given["reduction"])
        chosen = {name: value for name, value in given.items() if name in self.arguments}
        metric = self.target
        if self.form == "class":
            metric = self.target(**chosen)
        elif self.form == "function":
            assert self._wrapper is not None
            metric = self._wrapper(self.target, **chosen)
        reset = getattr(metric, "reset_state", None) or metric.reset_states
        weighs = takes_weights(metric.update_state)

        def call(y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            reset()
            if weighs:
                metric.update_state(y_true, y_pred, sample_weight=sample_weight)
            elif sample_weight is None:
                metric.update_state(y_true, y_pred)
            else:
                raise NotOfferedError(self.text + " takes no sample weights")
            return metric.result()

        return call
