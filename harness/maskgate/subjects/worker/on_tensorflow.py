"""Running a loss on TensorFlow: tensors, execution modes, gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .adapter import UnusableError
from .kept import Kept
from .words import Ask, Reply


class TensorFlow:
    """The TensorFlow backend.

    Traced functions are kept by signature (all but the values of the arrays). Graphs are traced as
    a trainer traces them, for any number of samples; XLA compiles for one number.

    Args:
        tf: the imported package.
        device: `cpu` or `gpu`.
    """

    name = "tensorflow"
    modes = ("eager", "graph", "xla")
    notes = ()

    def __init__(self, tf: Any, device: str) -> None:
        if device == "gpu" and not tf.config.list_physical_devices("GPU"):
            raise UnusableError("TensorFlow sees no GPU there", "ask with device cpu")
        self.tf, self.device, self.version = tf, device, tf.__version__
        self._traced: Kept[Callable[..., Any]] = Kept()

    def run(self, api: Any, ask: Ask) -> Reply:
        """The loss that `api` builds, called in the question's mode."""
        tensors = [self._tensor(array, ask.dtype) for array in ask.arrays if array is not None]
        function = self._step(api, ask) if ask.mode == "eager" else self._traced_step(api, ask)
        value, gradient = function(*tensors)
        name = value.dtype.name
        return Reply(_array(value), None if gradient is None else _array(gradient), name)

    def reset(self) -> None:
        """Forget the traced functions."""
        self._traced.clear()

    def _tensor(self, array: Any, dtype: str) -> Any:
        """The array as a tensor; floats in the dtype of the question, exactly."""
        if dtype == "bfloat16" and array.dtype.kind == "f":
            array = array.astype(self.tf.bfloat16.as_numpy_dtype)
        return self.tf.constant(array)

    def _step(self, api: Any, ask: Ask) -> Callable[..., Any]:
        """A function of the present arrays that returns the loss and its gradient, or None.

        The gradient is that of the loss's sum with respect to `y_pred`. It is zero where the loss
        does not depend on `y_pred` at all.
        """
        tf, call, given = self.tf, api.loss(ask), [array is not None for array in ask.arrays]

        def step(*tensors: Any) -> tuple[Any, Any]:
            rest = iter(tensors)
            y_true, y_pred, mask, weight = (next(rest) if there else None for there in given)
            if not ask.gradient:
                return call(y_true, y_pred, mask, weight), None
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(y_pred)
                loss = tf.convert_to_tensor(call(y_true, y_pred, mask, weight))
            zero = tf.UnconnectedGradients.ZERO
            return loss, tf.convert_to_tensor(
                tape.gradient(loss, y_pred, unconnected_gradients=zero)
            )

        return step

    def _traced_step(self, api: Any, ask: Ask) -> Callable[..., Any]:
        """The same, traced once for all questions of one signature."""
        specs = self._specs(ask)
        signature = (*ask.function, ask.mode, ask.gradient, *specs)
        return self._traced.get(signature, lambda: self._trace(self._step(api, ask), ask, specs))

    def _trace(self, step: Callable[..., Any], ask: Ask, specs: Sequence[Any]) -> Any:
        function = self.tf.function(step, jit_compile=ask.mode == "xla")
        return function.get_concrete_function(*(spec for spec in specs if spec is not None))

    def _specs(self, ask: Ask) -> list[Any]:
        """What each array is traced for, None for one that is not there."""
        samples, any_number = ask.y_pred.shape[:1], ask.mode == "graph"

        def spec(array: Any) -> Any:
            shape = list(array.shape)
            if any_number and shape and tuple(shape[:1]) == samples:
                shape[0] = None
            return self.tf.TensorSpec(tuple(shape), self._dtype(array, ask.dtype))

        return [None if array is None else spec(array) for array in ask.arrays]

    def _dtype(self, array: Any, dtype: str) -> Any:
        bfloat16 = dtype == "bfloat16" and array.dtype.kind == "f"
        return self.tf.bfloat16 if bfloat16 else self.tf.as_dtype(array.dtype)


def _array(tensor: Any) -> Any:
    """The tensor as a NumPy array; bfloat16, which NumPy lacks, as float32."""
    array = tensor.numpy()
    return array.astype("float32") if tensor.dtype.name == "bfloat16" else array
