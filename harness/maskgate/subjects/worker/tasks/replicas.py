"""A training step whose batch is divided among replicas, beside one of the whole batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..adapter import NotOfferedError
from ..kept import Kept
from . import models, training

_KEPT: Kept[Any] = Kept()


def step(adapter: Any, parameters: Any, arrays: Any) -> Any:
    """The loss that `fit` reports of one step by each way, and the weights after it, always from
    the same ones.

    Args:
        adapter: the release, in a process whose CPU is divided into logical devices.
        parameters: as for `training.step`; `parts`, the number of replicas.
        arrays: as for `training.step`: all samples, which the replicas share equally.

    Returns:
        `whole` and `replicas`: the loss, kernel and bias, end to end.
    """
    tf, parts = getattr(adapter.backend, "tf", None), parameters["parts"]
    if tf is None or len(tf.config.list_logical_devices("CPU")) < parts:
        raise NotOfferedError("no logical devices there for " + str(parts) + " replicas")
    found = {}
    for way in ("whole", "replicas"):
        model = _kept(adapter, parameters, arrays, way)
        before = model.get_weights()
        given = {"batch_size": len(arrays["x"]), "shuffle": False, "verbose": 0}
        loss = model.fit(arrays["x"], arrays["y_true"], **given).history["loss"][0]
        after = [np.asarray(each, "float32").ravel() for each in model.get_weights()]
        found[way] = np.concatenate([np.asarray([loss], "float32"), *after])
        model.set_weights(before)
    return {}, found


def _kept(adapter: Any, parameters: Any, arrays: Any, way: str) -> Any:
    names = tuple(parameters[key] for key in ("model", "loss", "reduction", "mode", "parts"))
    settings = tuple(sorted(parameters["loss_parameters"].items()))

    def make() -> Any:
        with _strategy(adapter.backend.tf, way, parameters["parts"]).scope():
            return training.compiled(adapter, parameters, arrays, models.RATE)

    return _KEPT.get((id(adapter), way, *names, *settings, arrays["x"].shape), make)


def _strategy(tf: Any, way: str, parts: int) -> Any:
    if way == "whole":
        return tf.distribute.get_strategy()
    return tf.distribute.MirroredStrategy(["CPU:" + str(number) for number in range(parts)])


TASKS = {"step": step}
