"""Running a loss on PyTorch: tensors, execution modes, gradients."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from .adapter import UnusableError
from .kept import LARGEST, Kept
from .words import Ask, Reply


class Torch:
    """The PyTorch backend: operation by operation, or traced by `torch.compile`.

    What is traced is run by PyTorch's own kernels (`aot_eager`): code generation needs a C++
    compiler, which an environment need not have, and many seconds for each signature.

    Args:
        torch: the imported package.
        device: `cpu` or `gpu`.
    """

    name = "torch"

    def __init__(self, torch: Any, device: str) -> None:
        if device == "gpu" and not torch.cuda.is_available():
            raise UnusableError("PyTorch sees no GPU there", "ask with device cpu")
        self.torch, self.device, self.version = torch, device, torch.__version__
        graphs = compiles()
        self.modes = ("eager", "graph") if graphs else ("eager",)
        self.notes = (GRAPHS if graphs else NO_GRAPHS,)
        self._traced: Kept[Callable[..., Any]] = Kept()

    def run(self, api: Any, ask: Ask) -> Reply:
        """The loss that `api` builds, called in the question's mode."""
        given = [self._tensor(array, ask.dtype) for array in ask.arrays]
        y_pred = given[1].requires_grad_(ask.gradient)
        loss = self.torch.as_tensor(self._function(api, ask)(*given))
        gradient = self._gradient(loss, y_pred) if ask.gradient else None
        return Reply(
            as_numpy(loss),
            None if gradient is None else as_numpy(gradient),
            str(loss.dtype).rpartition(".")[2],
        )

    def reset(self) -> None:
        """Forget the traced functions."""
        if self._traced:
            self._traced.clear()
            self.torch.compiler.reset()

    def _tensor(self, array: Any, dtype: str) -> Any:
        """The array, if there is one, as a new tensor; floats in the question's dtype, exactly."""
        if array is None:
            return None
        tensor = self.torch.tensor(array, device="cuda" if self.device == "gpu" else "cpu")
        if dtype == "bfloat16" and tensor.is_floating_point():
            return tensor.to(self.torch.bfloat16)
        return tensor

    def _function(self, api: Any, ask: Ask) -> Callable[..., Any]:
        if ask.mode == "eager":
            return api.loss(ask)  # type: ignore[no-any-return]
        return self._traced.get(ask.signature, lambda: self._trace(api.loss(ask)))

    def _trace(self, loss: Callable[..., Any]) -> Callable[..., Any]:
        """The loss traced for the shapes it is called with."""
        config = importlib.import_module("torch._dynamo.config")
        # Past this limit, which counts all signatures together, it goes on eagerly and in silence.
        for name in ("recompile_limit", "accumulated_recompile_limit"):
            if getattr(config, name, 2 * LARGEST) < 2 * LARGEST:
                setattr(config, name, 2 * LARGEST)
        return self.torch.compile(  # type: ignore[no-any-return]
            loss, backend="aot_eager", dynamic=False
        )

    def _gradient(self, loss: Any, y_pred: Any) -> Any:
        """That of the loss's sum; zero where the loss does not depend on `y_pred` at all."""
        gradient = None
        if loss.requires_grad:
            (gradient,) = self.torch.autograd.grad(loss.sum(), y_pred, allow_unused=True)
        return self.torch.zeros_like(y_pred) if gradient is None else gradient


GRAPHS = "graph mode is torch.compile with the backend aot_eager: traced, run by PyTorch's kernels"
NO_GRAPHS = "eager mode alone: torch.compile does not support this Python"


def compiles() -> bool:
    """Whether `torch.compile` is there and supports this interpreter and platform."""
    try:
        frames = importlib.import_module("torch._dynamo.eval_frame")
        return bool(frames.is_dynamo_supported())
    except (ImportError, AttributeError):
        return False


def as_numpy(tensor: Any) -> Any:
    """A NumPy array; bfloat16, which NumPy lacks, as float32."""
    tensor = tensor.detach().cpu()
    return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()
