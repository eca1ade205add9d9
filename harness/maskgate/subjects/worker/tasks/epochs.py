"""What the trainer of a release reports of several batches, the last one partial or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..adapter import NotOfferedError, readable
from . import models, training
from .graphs import KeptModels

_KEPT = KeptModels()
HELD_OUT_SHARE = 0.4  # share of the samples that `validation_split` takes, the last ones
_NO_SESSION = (2, 4)  # the first release whose trainer takes generators like anything else


class Epoch:
    """The samples of one epoch, and how many go into a batch."""

    def __init__(self, name: str, arrays: Any, batch_size: int) -> None:
        self.all = training.Batch(name, arrays)
        self.batch_size = batch_size
        self.steps = -(-self.all.size // batch_size)

    def batches(self) -> Iterator[Any]:
        """`(x, y)` or `(x, y, weights)`, batch by batch, without end."""
        while True:
            for step in range(self.steps):
                part = slice(step * self.batch_size, (step + 1) * self.batch_size)
                yield tuple(each[part] for each in self.all.tuple)


def losses(adapter: Any, parameters: Any, arrays: Any) -> Any:
    """The loss of one epoch that each entry point reports, at a learning rate of 0.

    Args:
        adapter: the release.
        parameters: as for `training.losses`, with `entries` of this module's `ENTRIES`;
            `batch_size`; `steps_per_execution`.
        arrays: `x`, `y_true`, and `sample_weight` if there is one: all samples.

    Returns:
        As `training.losses`.
    """
    model = _kept(adapter, parameters, arrays)
    epoch = Epoch(parameters["model"], arrays, parameters["batch_size"])
    before = model.get_weights()
    found, refused = {}, {}
    for name in parameters["entries"]:
        try:
            found[name] = np.asarray(ENTRIES[name](adapter, model, epoch), "float64").reshape(())
        except Exception as problem:
            kind = type(problem).__name__
            refused[name] = [kind, readable(str(problem), kind)]
        # A NaN gradient times a learning rate of 0 is NaN. The next example gets a new model: what
        # the optimizer remembers of it would make the weights NaN between its batches.
        if not all(np.array_equal(*pair) for pair in zip(before, model.get_weights())):  # noqa: B905
            model.set_weights(before)
            _KEPT.forget(model)
    return {"refused": refused}, found


def _kept(adapter: Any, parameters: Any, arrays: Any) -> Any:
    weight = arrays.get("sample_weight")
    settings = tuple(sorted(parameters["loss_parameters"].items()))
    asked = ("model", "loss", "reduction", "mode", "steps_per_execution")
    names = tuple(parameters[key] for key in asked)
    ranks = arrays["x"].shape[-1], None if weight is None else weight.ndim
    at_once = parameters["steps_per_execution"]
    if at_once > 1 and models.release(adapter.api.keras) < _NO_SESSION:
        raise NotOfferedError("no steps_per_execution in " + adapter.api.keras.__version__)
    if at_once > 1 and adapter.backend.name == "torch":
        raise NotOfferedError("no steps_per_execution on torch")
    given = {"steps_per_execution": at_once} if at_once > 1 else {}
    return _KEPT.model(
        adapter,
        (*names, *settings, *ranks),
        lambda: training.compiled(adapter, parameters, arrays, **given),
    )


def _evaluate(_adapter: Any, model: Any, epoch: Epoch) -> Any:
    data = epoch.all
    asked = {"batch_size": epoch.batch_size, "verbose": 0}
    return model.evaluate(data.x, data.y, sample_weight=data.weight, **asked)


def _fit(_adapter: Any, model: Any, epoch: Epoch) -> Any:
    data = epoch.all
    # Unshuffled: which samples share a batch is what is asked about.
    asked = {"batch_size": epoch.batch_size, "shuffle": False, "verbose": 0}
    return _first(model.fit(data.x, data.y, sample_weight=data.weight, **asked))


def _fit_shuffled(_adapter: Any, model: Any, epoch: Epoch) -> Any:
    data = epoch.all
    # All samples in one batch: whatever their order, the loss is the same.
    asked = {"batch_size": data.size, "shuffle": True, "verbose": 0}
    return _first(model.fit(data.x, data.y, sample_weight=data.weight, **asked))


def _validation(_adapter: Any, model: Any, epoch: Epoch) -> Any:
    data = epoch.all
    # Trained on one batch of zero labels: what is reported of it is not what is asked about.
    x, y = data.x[: epoch.batch_size], np.zeros_like(data.y[: epoch.batch_size])
    asked = {"batch_size": epoch.batch_size, "verbose": 0}
    return _first(model.fit(x, y, validation_data=data.tuple, **asked), "val_loss")


def _validation_split(_adapter: Any, model: Any, epoch: Epoch) -> Any:
    data = epoch.all
    asked = {"batch_size": epoch.batch_size, "validation_split": HELD_OUT_SHARE, "verbose": 0}
    return _first(model.fit(data.x, data.y, sample_weight=data.weight, **asked), "val_loss")


def _evaluate_generator(adapter: Any, model: Any, epoch: Epoch) -> Any:
    if models.release(adapter.api.keras) < _NO_SESSION:
        return model.evaluate_generator(epoch.batches(), steps=epoch.steps, max_queue_size=1)
    return model.evaluate(epoch.batches(), steps=epoch.steps, verbose=0)


def _fit_generator(adapter: Any, model: Any, epoch: Epoch) -> Any:
    given = epoch.batches()
    if models.release(adapter.api.keras) < _NO_SESSION:
        asked = {"steps_per_epoch": epoch.steps, "max_queue_size": 1, "verbose": 0}
        return _first(model.fit_generator(given, **asked))
    return _first(model.fit(given, steps_per_epoch=epoch.steps, verbose=0))


def _evaluate_dataset(adapter: Any, model: Any, epoch: Epoch) -> Any:
    return model.evaluate(_dataset(adapter, epoch), verbose=0)


def _fit_dataset(adapter: Any, model: Any, epoch: Epoch) -> Any:
    return _first(model.fit(_dataset(adapter, epoch), verbose=0))


def _dataset(adapter: Any, epoch: Epoch) -> Any:
    tensorflow = getattr(adapter.backend, "tf", None)
    if tensorflow is None or models.release(adapter.api.keras) < _NO_SESSION:
        raise NotOfferedError("no tf.data there")
    return tensorflow.data.Dataset.from_tensor_slices(epoch.all.tuple).batch(epoch.batch_size)


def _first(history: Any, name: str = "loss") -> Any:
    return history.history[name][0]


ENTRIES: dict[str, Callable[[Any, Any, Epoch], Any]] = {
    "evaluate": _evaluate,
    "fit": _fit,
    "fit-shuffled": _fit_shuffled,
    "validation": _validation,
    "validation-split": _validation_split,
    "evaluate-generator": _evaluate_generator,
    "fit-generator": _fit_generator,
    "evaluate-dataset": _evaluate_dataset,
    "fit-dataset": _fit_dataset,
}
TASKS = {"losses": losses}
