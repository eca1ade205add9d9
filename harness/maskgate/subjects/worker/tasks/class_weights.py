"""What a trainer makes of `class_weight`, through each entry point that takes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..adapter import NotOfferedError
from . import models, training
from .graphs import KeptModels
from .metrics import answers

_KEPT = KeptModels()


def losses(adapter: Any, parameters: Any, arrays: Any) -> Any:
    """The loss that each training entry point reports for one batch with `class_weight`.

    Args:
        adapter: the release.
        parameters: as for `training.losses`; `weights`, one a class, in the order of the classes.
        arrays: `x` and `y_true`.

    Returns:
        The losses as 0-d arrays by entry; in the data `refused`, class and message by entry.
    """
    names = tuple(str(parameters[key]) for key in ("model", "loss", "reduction", "mode"))
    batch = training.Batch(parameters["model"], arrays)
    weights = dict(enumerate(parameters["weights"]))

    def ask(name: str) -> Any:
        model: Any = _KEPT.model(
            adapter,
            (*names, arrays["x"].shape[-1]),
            lambda: training.compiled(adapter, parameters, arrays),
        )
        before = model.get_weights()
        training._reset(model)
        try:
            said = ENTRIES[name](adapter, model, batch, weights)
        except Exception:
            if adapter.backend.name == "jax":
                _KEPT.clear()  # after a failed step a trainer there takes no other
            raise
        model.set_weights(before)
        return said

    return answers(parameters["entries"], ask)


def _train_on_batch(_adapter: Any, model: Any, batch: Any, weights: Any) -> Any:
    return model.train_on_batch(batch.x, batch.y, class_weight=weights)


def _fit(_adapter: Any, model: Any, batch: Any, weights: Any) -> Any:
    asked = {"batch_size": batch.size, "shuffle": False, "verbose": 0}
    return training._first(model.fit(batch.x, batch.y, class_weight=weights, **asked))


def _fit_generator(adapter: Any, model: Any, batch: Any, weights: Any) -> Any:
    given = {"class_weight": weights, "steps_per_epoch": 1, "verbose": 0}
    if models.release(adapter.api.keras) < (2, 4):
        said = model.fit_generator(batch.again_and_again(), max_queue_size=1, **given)
    else:
        said = model.fit(batch.again_and_again(), **given)
    return training._first(said)


def _fit_dataset(adapter: Any, model: Any, batch: Any, weights: Any) -> Any:
    data = training._dataset(adapter, batch)
    return training._first(model.fit(data, class_weight=weights, verbose=0))


def _fit_sequence(adapter: Any, model: Any, batch: Any, weights: Any) -> Any:
    kind = getattr(adapter.api.keras.utils, "PyDataset", None)
    if kind is None:
        raise NotOfferedError("no PyDataset in " + adapter.api.keras.__version__)

    class One(kind):  # type: ignore[misc,valid-type]
        def __len__(self) -> int:
            return 1

        def __getitem__(self, _index: int) -> Any:
            return batch.tuple

    return training._first(model.fit(One(), class_weight=weights, verbose=0))


ENTRIES: dict[str, Callable[[Any, Any, Any, Any], Any]] = {
    "train_on_batch": _train_on_batch,
    "fit": _fit,
    "fit-generator": _fit_generator,
    "fit-dataset": _fit_dataset,
    "fit-sequence": _fit_sequence,
}
TASKS = {"losses": losses}
