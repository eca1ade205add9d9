"""Running a loss on JAX: arrays, execution modes, gradients."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from .adapter import UnusableError
from .kept import Kept
from .words import Ask, Reply


class Jax:
    """The JAX backend: operation by operation, or compiled as a whole by `jax.jit`.

    The gradient is that of `jax.value_and_grad`, as in training, and so is the loss that comes with
    it: differentiation traces too, in both modes. JAX computes in float64 only where that is
    switched on, which it is for the questions of that dtype alone.

    Args:
        jax: the imported package.
        device: `cpu` or `gpu`.
    """

    name = "jax"
    modes = ("eager", "xla")
    notes = ("jax_enable_x64 is on for questions in float64, off for all others",)

    def __init__(self, jax: Any, device: str) -> None:
        self.jax, self.device, self.version = jax, device, jax.__version__
        try:
            jax.devices(device)
        except RuntimeError as problem:
            raise UnusableError("JAX sees no " + device + " there", "ask with cpu") from problem
        self._enable_x64 = x64_switch(jax)
        self._compiled: Kept[Callable[..., Any]] = Kept()

    def run(self, api: Any, ask: Ask) -> Reply:
        """The loss that `api` builds, called in the question's mode."""
        with self._enable_x64(ask.dtype == "float64"):
            arrays = [self._array(array, ask.dtype) for array in ask.arrays if array is not None]
            value, gradient = self._function(api, ask)(*arrays)
            name = value.dtype.name
            return Reply(as_numpy(value), None if gradient is None else as_numpy(gradient), name)

    def reset(self) -> None:
        """Forget the compiled functions."""
        self._compiled.clear()

    def _function(self, api: Any, ask: Ask) -> Callable[..., Any]:
        if ask.mode == "eager":
            return self._step(api, ask)
        return self._compiled.get(ask.signature, lambda: self.jax.jit(self._step(api, ask)))

    def _array(self, array: Any, dtype: str) -> Any:
        """The array on the device; floats in the dtype of the question, exactly."""
        bfloat16 = dtype == "bfloat16" and array.dtype.kind == "f"
        jnp = self.jax.numpy
        return jnp.asarray(array, dtype=jnp.bfloat16 if bfloat16 else array.dtype)

    def _step(self, api: Any, ask: Ask) -> Callable[..., Any]:
        """A function of the present arrays that returns the loss and its gradient, or None."""
        jax, call, given = self.jax, api.loss(ask), [array is not None for array in ask.arrays]

        def step(*arrays: Any) -> tuple[Any, Any]:
            rest = iter(arrays)
            y_true, y_pred, mask, weight = (next(rest) if there else None for there in given)

            def total(y_pred: Any) -> tuple[Any, Any]:
                loss = jax.numpy.asarray(call(y_true, y_pred, mask, weight))
                return loss.sum(), loss

            if not ask.gradient:
                return total(y_pred)[1], None
            (_, loss), gradient = jax.value_and_grad(total, has_aux=True)(y_pred)
            return loss, gradient

        return step


def x64_switch(jax: Any) -> Callable[[bool], Any]:
    """The context manager that switches float64 on or off; its place depends on the release."""
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64  # type: ignore[no-any-return]
    experimental = importlib.import_module("jax.experimental")
    return experimental.enable_x64  # type: ignore[no-any-return]


def as_numpy(array: Any) -> Any:
    """A NumPy array; bfloat16, which NumPy lacks, as float32."""
    import numpy as np

    return np.asarray(array.astype("float32") if array.dtype.name == "bfloat16" else array)
