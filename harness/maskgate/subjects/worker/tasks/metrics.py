"""What the metrics of a release say of one batch: called directly, or in a compiled model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..adapter import NotOfferedError, readable
from ..kept import Kept
from ..keras2_graphs import FUNCTIONS, Objectives
from . import models, training
from .graphs import KeptModels

_METRICS: Kept[Any] = Kept()
_MODELS = KeptModels()
TOP_K = {
    "TopKCategoricalAccuracy": "top_k_categorical_accuracy",
    "SparseTopKCategoricalAccuracy": "sparse_top_k_categorical_accuracy",
}


def direct(adapter: Any, parameters: Any, arrays: Any) -> Any:
    """Metrics that are reset, updated once and read, in eager code.

    Args:
        adapter: the release.
        parameters: `metrics`, a list of class names under `keras.metrics`.
        arrays: `y_true`, `y_pred`, and `mask` and `sample_weight` if there are any.

    Returns:
        Values as 0-d arrays by name; in the data `refused`, class and message by name.
    """
    keras = adapter.api.keras
    if models.release(keras) < (3,):
        raise NotOfferedError("a metric called directly sees no mask in " + keras.__version__)

    def ask(name: str) -> Any:
        metric: Any = _METRICS.get((id(adapter), name), lambda: _class(keras, name)())
        y_pred = keras.ops.convert_to_tensor(arrays["y_pred"])
        if "mask" in arrays:
            adapter.api._set_mask(y_pred, keras.ops.convert_to_tensor(arrays["mask"]))
        metric.reset_state()
        weight = arrays.get("sample_weight")
        metric.update_state(arrays["y_true"], y_pred, sample_weight=weight)
        return keras.ops.convert_to_numpy(metric.result())

    return answers(parameters["metrics"], ask)


def compiled(adapter: Any, parameters: Any, arrays: Any) -> Any:
    """Metrics of a compiled model, as `test_on_batch` reports them.

    Args:
        adapter: the release.
        parameters: as for `training.losses`, without `entries`; `metrics`, a list of class names;
            `weighted`: whether they are `weighted_metrics`.
        arrays: `x`, `y_true`, and `sample_weight` if there is one.

    Returns:
        As `direct`, and `loss`.
    """
    names = offered(adapter, parameters["metrics"])
    if not names:
        raise NotOfferedError("none of these metrics in " + adapter.api.keras.__version__)
    batch = training.Batch(parameters["model"], arrays)
    if models.release(adapter.api.keras) < (2, 4) and batch.y.ndim < arrays["x"].ndim:
        batch.y = batch.y[..., None]  # class ids of steps are a column there, by its own words
    model = _MODELS.model(
        adapter,
        (repr(sorted(parameters.items())), *_ranks(arrays)),
        lambda: _model(adapter, parameters, arrays, names),
    )
    training._reset(model)
    said = tested(adapter, model, batch, names)
    absent = {name: ["NotOfferedError", "no such metric"] for name in parameters["metrics"]}
    return {"refused": {name: absent[name] for name in absent if name not in said}}, said


def tested(adapter: Any, model: Any, batch: Any, names: Any) -> Any:
    """The loss and the metrics of these names that `test_on_batch` reports."""
    given = {"sample_weight": batch.weight}
    keys = ["loss", *names]
    if models.release(adapter.api.keras) < (2, 4):
        said = dict(zip(keys, model.test_on_batch(batch.x, batch.y, **given)))  # noqa: B905
    else:
        told = model.test_on_batch(batch.x, batch.y, return_dict=True, **given)
        said = {key: told[key.lower()] for key in keys}
    return {key: np.asarray(value, "float64").reshape(()) for key, value in said.items()}


def answers(names: Any, ask: Callable[[str], Any]) -> Any:
    """What `ask` says of each name, and what it refuses."""
    found, refused = {}, {}
    for name in names:
        try:
            found[name] = np.asarray(ask(name), "float64").reshape(())
        except Exception as problem:  # noqa: PERF203
            kind = type(problem).__name__
            refused[name] = [kind, readable(str(problem), kind)]
    return {"refused": refused}, found


def offered(adapter: Any, names: Any) -> list[str]:
    """Those of the metrics that the release has."""
    if isinstance(adapter.api, Objectives):
        return [name for name in names if _objective(adapter.api.keras, name) is not None]
    return [name for name in names if hasattr(adapter.api.keras.metrics, name)]


def _objective(keras: Any, name: str) -> Any:
    """The function of a metric, where metrics are functions; None where there is none."""
    if name in TOP_K:
        return getattr(keras.metrics, TOP_K[name], None)
    return getattr(keras.losses, FUNCTIONS.get(name, name), None)


def _class(keras: Any, name: str) -> Any:
    if not hasattr(keras.metrics, name):
        raise NotOfferedError("no metric " + name + " in " + keras.__version__)
    return getattr(keras.metrics, name)


def _ranks(arrays: Any) -> Any:
    weight = arrays.get("sample_weight")
    return arrays["x"].shape[-1], None if weight is None else weight.ndim


def _model(adapter: Any, parameters: Any, arrays: Any, names: Any) -> Any:
    keras = adapter.api.keras
    if isinstance(adapter.api, Objectives):
        made = [_objective(keras, name) for name in names]
    else:
        made = [getattr(keras.metrics, name)(name=name.lower()) for name in names]
    where = "weighted_metrics" if parameters["weighted"] else "metrics"
    given: dict[str, Any] = {where: made}
    return training.compiled(adapter, parameters, arrays, **given)


TASKS = {"direct": direct, "compiled": compiled}
