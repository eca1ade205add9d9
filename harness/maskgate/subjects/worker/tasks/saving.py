"""A model beside the one that comes back when it is saved and loaded."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np

from ..adapter import NotOfferedError, readable
from . import models, training
from .graphs import KeptModels

_KEPT = KeptModels()


def round_trip(adapter: Any, parameters: Any, arrays: Any) -> Any:
    """What a model and its saved copy report of one batch.

    Args:
        adapter: the release.
        parameters: as for `training.step`; `format`, a key of `FORMATS`; `work`, `evaluate` or
            `train`: one step of training, after which the weights are put back.
        arrays: as for `training.step`.

    Returns:
        For `saved` and `loaded` each the loss, and the weights after the work; in the data
        `refused`, class and message by the same names, and `made`, whether there is a copy.
    """
    # Both stay: building, saving and loading take a second.
    pair: Any = _KEPT.model(
        adapter, _signature(parameters, arrays), lambda: _pair(adapter, parameters)
    )
    models_by_name, problem = pair.get(arrays)
    found, refused = {}, {}
    if problem is not None:
        refused["loaded"] = problem
    for name, model in models_by_name.items():
        before = model.get_weights()
        try:
            loss = _WORK[parameters["work"]](adapter, model, arrays, parameters)
            found[name] = np.asarray(loss, "float64").reshape(())
            found[name + "-weights"] = _flat(model.get_weights())
        except Exception as raised:
            refused[name] = _words(raised)
        model.set_weights(before)
    return {"refused": refused, "made": problem is None}, found


class _Pair:
    """A model and its copy, made when the first batch tells how many features there are."""

    def __init__(self, adapter: Any, parameters: Any) -> None:
        self._adapter, self._parameters = adapter, parameters
        self._made: Any = None

    def get(self, arrays: Any) -> Any:
        """The models by name, and class and message of why there is no copy."""
        if self._made is None:
            self._made = self._make(arrays)
        return self._made

    def _make(self, arrays: Any) -> Any:
        parameters = self._parameters
        saved = training.compiled(self._adapter, parameters, arrays, models.RATE)
        # Some releases save a model only once it has been called, and its optimizer as it trains.
        before = saved.get_weights()
        training.train_on_batch(self._adapter, saved, training.Batch(parameters["model"], arrays))
        saved.set_weights(before)

        def another() -> Any:
            return training.compiled(self._adapter, parameters, arrays, models.RATE)

        try:
            with tempfile.TemporaryDirectory() as folder:
                make = FORMATS[parameters["format"]]
                copy = make(self._adapter.api.keras, saved, folder, another)
            if hasattr(copy, "run_eagerly") and parameters["mode"] == "eager":
                copy.run_eagerly = True
        except NotOfferedError:
            raise
        except Exception as raised:
            if "decode" in str(raised) and models.release(self._adapter.api.keras) < (2, 4):
                problem = "reads no file that the h5py there writes"
                raise NotOfferedError("Keras before 2.4 " + problem) from raised
            if isinstance(raised, ImportError) and "importing Keras" in str(raised):
                raise NotOfferedError("the TensorFlow there is another Keras's") from raised
            return {"saved": saved}, _words(raised)
        return {"saved": saved, "loaded": copy}, None


def _pair(adapter: Any, parameters: Any) -> Any:
    return _Pair(adapter, parameters)


def _signature(parameters: Any, arrays: Any) -> Any:
    names = ("model", "loss", "reduction", "mode", "format")
    settings = tuple(sorted(parameters["loss_parameters"].items()))
    return (*(parameters[each] for each in names), *settings, arrays["x"].shape[-1])


def _evaluate(_adapter: Any, model: Any, arrays: Any, parameters: Any) -> Any:
    batch = training.Batch(parameters["model"], arrays)
    return model.evaluate(batch.x, batch.y, batch_size=batch.size, verbose=0)


def _train(adapter: Any, model: Any, arrays: Any, parameters: Any) -> Any:
    return training.train_on_batch(adapter, model, training.Batch(parameters["model"], arrays))


def _keras(keras: Any, model: Any, folder: str, _another: Any) -> Any:
    if models.release(keras) < (2, 13):
        raise NotOfferedError("no .keras files in " + keras.__version__)
    return _through_file(keras, model, os.path.join(folder, "model.keras"))  # noqa: PTH118


def _h5(keras: Any, model: Any, folder: str, _another: Any) -> Any:
    return _through_file(keras, model, os.path.join(folder, "model.h5"))  # noqa: PTH118


def _through_file(keras: Any, model: Any, path: str) -> Any:
    model.save(path)
    return keras.models.load_model(path)


def _weights(_keras_package: Any, model: Any, folder: str, another: Any) -> Any:
    path = os.path.join(folder, "model.weights.h5")  # noqa: PTH118
    model.save_weights(path)
    copy = another()
    copy.set_weights([each + 1.0 for each in copy.get_weights()])
    copy.load_weights(path)
    return copy


def _config(keras: Any, model: Any, _folder: str, another: Any) -> Any:
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    given = another()
    # As the user compiles it again: with what the model itself was compiled. In 2.12 that fails for
    # any optimizer of `keras.optimizers` there, the legacy ones.
    if models.release(keras) >= (2, 13):
        copy.compile_from_config(given.get_compile_config())
    else:
        copy.compile(given.optimizer, given.loss)
    return copy


def _savedmodel(keras: Any, model: Any, folder: str, _another: Any) -> Any:
    if models.release(keras) < (2, 4):
        raise NotOfferedError("no SavedModel in " + keras.__version__)
    if not hasattr(keras.layers, "TFSMLayer"):
        model.save(folder, save_format="tf")
        return keras.models.load_model(folder)
    if keras.backend.backend() != "tensorflow":
        raise NotOfferedError("a SavedModel is loaded by TensorFlow alone")
    model.export(folder)
    given = keras.layers.Input(model.input_shape[1:], dtype=model.inputs[0].dtype)
    layer = keras.layers.TFSMLayer(folder, call_endpoint="serve")
    copy = keras.models.Model(given, layer(given))
    copy.compile(keras.optimizers.SGD(models.RATE), model.loss)
    return copy


def _words(raised: Exception) -> list[str]:
    kind = type(raised).__name__
    return [kind, readable(str(raised), kind)]


def _flat(weights: Any) -> Any:
    if not weights:
        return np.zeros(0)
    return np.concatenate([np.asarray(each, "float64").ravel() for each in weights])


FORMATS: dict[str, Callable[..., Any]] = {
    "keras": _keras,
    "h5": _h5,
    "weights": _weights,
    "config": _config,
    "savedmodel": _savedmodel,
}
_WORK: dict[str, Callable[..., Any]] = {"evaluate": _evaluate, "train": _train}
TASKS = {"round_trip": round_trip}
