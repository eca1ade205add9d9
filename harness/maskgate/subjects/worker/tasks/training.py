"""What the trainer of a release says of one batch, through each of its entry points."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..adapter import Adapter, NotOfferedError, readable
from ..keras2_graphs import Objectives
from ..releases import loss_class
from ..words import Ask
from . import models
from .graphs import KeptModels

_KEPT = KeptModels()


class Batch:
    """One batch, with the numbers in the dtypes that a user would give."""

    def __init__(self, name: str, arrays: Any) -> None:
        self.x, self.y = models.inputs(name, arrays["x"]), arrays["y_true"]
        self.weight = arrays.get("sample_weight")
        self.size = len(arrays["x"])

    @property
    def tuple(self) -> Any:
        """`(x, y)`, with the weights if there are any."""
        return (self.x, self.y) if self.weight is None else (self.x, self.y, self.weight)

    def again_and_again(self) -> Iterator[Any]:
        """As a generator that does not end."""
        while True:
            yield self.tuple


def losses(adapter: Any, parameters: Any, arrays: Any) -> Any:
    """The loss that each entry point reports for one batch, the weights put back in between.

    Args:
        adapter: the release.
        parameters: `model`, `loss`, `loss_parameters`, `reduction`, `mode`, and `entries`, a list
            of names in `ENTRIES`.
        arrays: `x`, `y_true`, and `sample_weight` if there is one.

    Returns:
        The losses as 0-d arrays by entry; in the data `refused`, class and message by entry.
    """
    model = _kept(adapter, parameters, arrays, rate=0.0)
    batch = Batch(parameters["model"], arrays)
    before = model.get_weights()
    found, refused = {}, {}
    for name in parameters["entries"]:
        try:
            found[name] = _scalar(ENTRIES[name](adapter, model, batch))
        except Exception as problem:
            kind = type(problem).__name__
            refused[name] = [kind, readable(str(problem), kind)]
        # A NaN gradient times a learning rate of 0 is NaN.
        if not all(np.array_equal(*pair) for pair in zip(before, model.get_weights())):  # noqa: B905
            model.set_weights(before)
    return {"refused": refused}, found


def step(adapter: Any, parameters: Any, arrays: Any) -> Any:
    """One training step by `train_on_batch`, always from the same weights.

    Args:
        adapter: the release.
        parameters: as for `losses`, without `entries`.
        arrays: as for `losses`.

    Returns:
        `loss`, `weights` (all of them after the step, end to end) and `before`.
    """
    draws = parameters["model"] == "question"  # its dropout draws random numbers
    fresh = draws and models.release(adapter.api.keras) >= (2, 4)
    if fresh:
        _forget(adapter)
        model = compiled(adapter, parameters, arrays, rate=models.RATE)
    else:
        model = _kept(adapter, parameters, arrays, rate=models.RATE)
    if draws and not fresh:
        _draw_again(model)
    before = model.get_weights()
    loss = train_on_batch(adapter, model, Batch(parameters["model"], arrays))
    after = model.get_weights()
    if not all(np.all(np.isfinite(each)) for each in after):
        _start_over(model)
    if not fresh:
        model.set_weights(before)
    return {}, {"loss": _scalar(loss), "weights": _flat(after), "before": _flat(before)}


def _scalar(value: Any) -> Any:
    return np.asarray(value, "float64").reshape(())


def _flat(weights: Any) -> Any:
    return np.concatenate([np.asarray(each, "float32").ravel() for each in weights])


def _kept(adapter: Any, parameters: Any, arrays: Any, rate: float) -> Any:
    weight = arrays.get("sample_weight")
    settings = tuple(sorted(parameters["loss_parameters"].items()))
    names = tuple(parameters[key] for key in ("model", "loss", "reduction", "mode"))
    ranks = arrays["x"].shape[-1], None if weight is None else weight.ndim
    return _KEPT.model(
        adapter,
        (rate, *names, *settings, *ranks),
        lambda: compiled(adapter, parameters, arrays, rate),
    )


def compiled(adapter: Any, parameters: Any, arrays: Any, rate: float = 0.0, **given: Any) -> Any:
    """A new model of one output, compiled as a user does; `given` goes to `compile` too."""
    model = models.build(adapter.api.keras, parameters["model"], arrays["x"].shape[-1])
    return compile_as_users_do(adapter, model, parameters, arrays, rate, **given)


def compile_as_users_do(
    adapter: Any, model: Any, parameters: Any, arrays: Any, rate: float = 0.0, **given: Any
) -> Any:
    """The model, compiled with the loss of the parameters; `given` goes to `compile` too."""
    api = adapter.api
    keras, old = api.keras, models.release(api.keras) < (2, 4)
    arguments = dict(given)
    if old:
        weight = arrays.get("sample_weight")
        if weight is not None and weight.ndim == 2:
            arguments["sample_weight_mode"] = "temporal"
    else:
        arguments["run_eagerly"] = parameters["mode"] == "eager"
        if "jit_compile" in inspect.signature(model.compile).parameters:
            arguments["jit_compile"] = parameters["mode"] == "xla"
        elif parameters["mode"] == "xla":
            raise NotOfferedError("compile has no jit_compile in " + keras.__version__)
    loss = _loss(api, parameters)
    outputs = len(getattr(model, "outputs", None) or [None])  # a subclassed model has none
    model.compile(_sgd(keras, rate), [loss] * outputs if outputs > 1 else loss, **arguments)
    return model


def _sgd(keras: Any, rate: float) -> Any:
    if hasattr(keras.optimizers, "SGD"):
        return keras.optimizers.SGD(rate)
    # Keras 2.6 has the class, and no public name for it.
    return keras.optimizers.get({"class_name": "SGD", "config": {"learning_rate": rate}})


def _loss(api: Any, parameters: Any) -> Any:
    """The loss as a user gives it to `compile`."""
    given = parameters["loss_parameters"]
    ask = Ask(parameters["loss"], given, parameters["reduction"], "float32", "graph", False, 0, 0)
    if isinstance(api, Objectives):
        if ask.reduction != "sum_over_batch_size" or given:
            raise NotOfferedError("objectives have one reduction and no parameters")
        return api._function(ask)
    return loss_class(api.keras, api.losses, ask)(reduction=ask.reduction, **given)


def _forget(adapter: Any) -> None:
    """Have the next model draw the random numbers of the one before."""
    _KEPT.clear()
    keras = adapter.api.keras
    keras.backend.clear_session()
    if hasattr(keras.utils, "set_random_seed"):
        keras.utils.set_random_seed(1)
    else:
        adapter.backend.tf.random.set_seed(1)


def _draw_again(model: Any) -> None:
    """Have a model of Keras before 2.4 draw its random numbers from the start.

    A model that is built again adds up its gradients in another order.
    """
    weights = model.get_weights()
    _KEPT.renew(model)
    model.set_weights(weights)


def _start_over(model: Any) -> None:
    """After a step that left weights that are no numbers: what the optimizer remembers is none."""
    if not _KEPT.renew(model):
        _KEPT.forget(model)


def train_on_batch(_adapter: Any, model: Any, batch: Batch) -> Any:
    """The loss of one training step; the weights are those after it."""
    # Keras 3.0 to 3.14 report the mean of all batches since the last reset.
    _reset(model)
    return model.train_on_batch(batch.x, batch.y, sample_weight=batch.weight)


def _test_on_batch(_adapter: Any, model: Any, batch: Batch) -> Any:
    _reset(model)
    return model.test_on_batch(batch.x, batch.y, sample_weight=batch.weight)


def _reset(model: Any) -> None:
    if hasattr(model, "reset_metrics"):
        model.reset_metrics()


def _evaluate(_adapter: Any, model: Any, batch: Batch) -> Any:
    return model.evaluate(
        batch.x, batch.y, sample_weight=batch.weight, batch_size=batch.size, verbose=0
    )


def _fit(_adapter: Any, model: Any, batch: Batch) -> Any:
    # Unshuffled: weights that a release puts on the time axis would else go with other samples.
    asked = {"batch_size": batch.size, "shuffle": False, "verbose": 0}
    return _first(model.fit(batch.x, batch.y, sample_weight=batch.weight, **asked))


def _evaluate_generator(adapter: Any, model: Any, batch: Batch) -> Any:
    if models.release(adapter.api.keras) < (2, 4):
        return model.evaluate_generator(batch.again_and_again(), steps=1, max_queue_size=1)
    return model.evaluate(batch.again_and_again(), steps=1, verbose=0)


def _fit_generator(adapter: Any, model: Any, batch: Batch) -> Any:
    if models.release(adapter.api.keras) < (2, 4):
        given = batch.again_and_again()
        return _first(model.fit_generator(given, steps_per_epoch=1, max_queue_size=1, verbose=0))
    return _first(model.fit(batch.again_and_again(), steps_per_epoch=1, verbose=0))


def _evaluate_dataset(adapter: Any, model: Any, batch: Batch) -> Any:
    return model.evaluate(_dataset(adapter, batch), verbose=0)


def _fit_dataset(adapter: Any, model: Any, batch: Batch) -> Any:
    return _first(model.fit(_dataset(adapter, batch), verbose=0))


def _dataset(adapter: Any, batch: Batch) -> Any:
    tensorflow = getattr(adapter.backend, "tf", None)
    if tensorflow is None or models.release(adapter.api.keras) < (2, 4):
        raise NotOfferedError("no tf.data there")
    return tensorflow.data.Dataset.from_tensors(batch.tuple)


def _first(history: Any) -> Any:
    return history.history["loss"][0]


ENTRIES: dict[str, Callable[[Adapter, Any, Batch], Any]] = {
    "test_on_batch": _test_on_batch,
    "train_on_batch": train_on_batch,
    "evaluate": _evaluate,
    "fit": _fit,
    "evaluate-generator": _evaluate_generator,
    "fit-generator": _fit_generator,
    "evaluate-dataset": _evaluate_dataset,
    "fit-dataset": _fit_dataset,
}
TASKS = {"losses": losses, "step": step}
