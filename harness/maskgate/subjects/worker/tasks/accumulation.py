"""A training step whose gradient is accumulated over several batches, beside one of them all."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..adapter import NotOfferedError
from ..kept import Kept
from ..releases import arguments_of
from . import models, training

_KEPT: Kept[Any] = Kept()


def step(adapter: Any, parameters: Any, arrays: Any) -> Any:
    """The weights after a step by each way, always from the same ones.

    Args:
        adapter: the release.
        parameters: as for `training.step`; `parts`, the number of equal batches.
        arrays: as for `training.step`: all samples.

    Returns:
        `accumulated` and `whole`: kernel and bias, end to end.
    """
    sgd = getattr(adapter.api.keras.optimizers, "SGD", None)
    name = "gradient_accumulation_steps"
    if sgd is None or name not in arguments_of(sgd):
        raise NotOfferedError("no " + name + " in " + adapter.api.keras.__version__)
    parts = parameters["parts"]
    found = {}
    for way, steps in (("accumulated", parts), ("whole", 1)):
        model = _kept(adapter, parameters, arrays, steps)
        before = model.get_weights()
        try:
            for each in _cut(arrays, steps):
                batch = training.Batch(parameters["model"], each)
                training.train_on_batch(adapter, model, batch)
        except Exception:
            _KEPT.clear()  # half of a step is accumulated there
            raise
        after = [np.asarray(each, "float32").ravel() for each in model.get_weights()]
        found[way] = np.concatenate(after)
        model.set_weights(before)
    return {}, found


def _cut(arrays: Any, parts: int) -> Any:
    size = len(arrays["x"]) // parts
    for part in range(parts):
        place = slice(part * size, (part + 1) * size)
        yield {name: array[place] for name, array in arrays.items()}


def _kept(adapter: Any, parameters: Any, arrays: Any, steps: int) -> Any:
    names = tuple(parameters[key] for key in ("model", "loss", "reduction", "mode"))
    settings = tuple(sorted(parameters["loss_parameters"].items()))
    weight = arrays.get("sample_weight")
    ranks = arrays["x"].shape[-1], None if weight is None else weight.ndim

    def make() -> Any:
        model = training.compiled(adapter, parameters, arrays)
        given = {} if steps == 1 else {"gradient_accumulation_steps": steps}
        model.compile(
            adapter.api.keras.optimizers.SGD(models.RATE, **given),
            model.loss,
            run_eagerly=parameters["mode"] == "eager",
            jit_compile=parameters["mode"] == "xla",
        )
        return model

    return _KEPT.get((id(adapter), steps, *names, *settings, *ranks), make)


TASKS = {"step": step}
