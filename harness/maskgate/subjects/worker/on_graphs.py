"""Running a loss on TensorFlow 1: placeholders, and a session that evaluates them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .adapter import UnusableError
from .kept import Kept
from .words import Ask, Reply


class Graphs:
    """TensorFlow 1, or the names of it that a newer one serves. There is no eager mode.

    A graph and a session are made for each signature (all but the values of the arrays), so no
    question sees a tensor of another one.

    Args:
        tf: the imported package.
        device: `cpu` or `gpu`.
    """

    name = "tensorflow"
    modes = ("graph",)
    notes = ("graphs alone: its losses do not run eagerly",)

    def __init__(self, tf: Any, device: str) -> None:
        if not hasattr(tf, "Session"):
            raise UnusableError(
                "TensorFlow " + tf.__version__ + " there has no sessions",
                "a Keras before 2.4 needs TensorFlow 1, or an import shim that serves its names",
            )
        if device == "gpu" and not tf.test.is_gpu_available():
            raise UnusableError("TensorFlow sees no GPU there", "ask with device cpu")
        self.tf, self.device = tf, device
        # An import shim may say it is another version; this one is the kernels'.
        self.version = getattr(tf, "version", tf.__version__)
        self.version = getattr(self.version, "VERSION", self.version)
        self._built: Kept[Callable[..., Any]] = Kept()

    def run(self, api: Any, ask: Ask) -> Reply:
        """The loss that `api` builds, evaluated in a session."""
        arrays = [array for array in ask.arrays if array is not None]
        function = self._built.get(ask.signature, lambda: self._build(api, ask))
        value, gradient = function(*arrays)
        return Reply(value, gradient, value.dtype.name)

    def reset(self) -> None:
        """Forget the graphs."""
        self._built.clear()

    def _build(self, api: Any, ask: Ask) -> Callable[..., Any]:
        """A function of the present arrays that returns the loss and its gradient, or None."""
        tf, graph = self.tf, self.tf.Graph()
        with graph.as_default():
            given = [self._placeholder(array) for array in ask.arrays]
            loss = api.loss(ask)(*given)
            fetches = [loss]
            if ask.gradient:
                fetches.append(self._gradient(loss, given[1]))
        session = tf.Session(graph=graph)
        inputs = [tensor for tensor in given if tensor is not None]

        def evaluate(*arrays: Any) -> tuple[Any, Any]:
            # `zip(strict=)` is not there in Python 3.7.
            values = session.run(fetches, dict(zip(inputs, arrays)))  # noqa: B905
            return values[0], values[1] if ask.gradient else None

        return evaluate

    def _placeholder(self, array: Any) -> Any:
        return None if array is None else self.tf.placeholder(array.dtype, array.shape)

    def _gradient(self, loss: Any, y_pred: Any) -> Any:
        """That of the loss's sum; zero where the loss does not depend on `y_pred` at all.

        `keras.backend.gradients` calls the same function.
        """
        (gradient,) = self.tf.gradients(loss, [y_pred])
        if gradient is None:
            return self.tf.zeros_like(y_pred)
        return self.tf.convert_to_tensor(gradient)
