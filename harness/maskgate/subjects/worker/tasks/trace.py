"""The task of `maskgate trace`: a user's model, the way of its mask, and what its loss does."""

from __future__ import annotations

from typing import Any

import numpy as np

from .trace_calls import Call, Watch, takes_mask
from .trace_data import Batch, check_counts, given, made_up_inputs, made_up_labels, padded
from .trace_losses import check_has_loss
from .trace_measure import Measurement, refused
from .trace_model import UserModel
from .trace_target import TraceProblem, imported, load, said, users_code
from .trace_values import set_seeds


def trace(adapter: Any, parameters: dict[str, Any], arrays: dict[str, Any]) -> Any:
    """Trace a model.

    Args:
        adapter: the adapter of the installed Keras.
        parameters: `target`, `data` (or None), `imports` (module names) and `folder`.
        arrays: none.

    Returns:
        `{"problem": ...}` where the model or the batch is none; else what was found, and the arrays
        `label_N`, `prediction_N`, `mask_N`, `gradient_N` and `longer_N` of each output.
    """
    del arrays
    try:
        if adapter.api.distribution == "seed":
            hint = "name the installation itself"
            raise TraceProblem(parameters["target"], "the seed's formula has no models", hint)
        with users_code(parameters["folder"], adapter.api.distribution):
            for name in parameters["imports"]:
                imported(name, name)
            return Trace(adapter, parameters).run()
    except TraceProblem as problem:
        return {"problem": problem.as_data()}, {}


class Trace:
    """One trace, step by step."""

    def __init__(self, adapter: Any, parameters: dict[str, Any]) -> None:
        self.target, self.data = parameters["target"], parameters["data"]
        self.keras = adapter.api.keras
        set_seeds(self.keras, adapter.backend)
        model = load(self.keras, self.target, parameters["folder"])
        self.user: Any = user_model(self.keras, model, adapter.backend)
        self.notes: list[str] = []

    def run(self) -> Any:
        """What was found, and its arrays."""
        batch = self._batch()
        watch, predictions, masks = self._watched(batch)
        if self.data is None:
            batch = self._padded(batch, watch)
            watch, predictions, masks = self._watched(batch)
        names = self.user.output_names or output_names(len(predictions))
        if len(names) != len(predictions):
            names = output_names(len(predictions))
        batch.names = names
        if self.data is not None:
            check_counts(self.data, batch)
        losses = self._compile(batch, names, predictions)
        meant = [intended(watch, mask, p) for mask, p in zip(masks, predictions)]  # noqa: B905
        self.user.remember()
        data, arrays = self._measured(batch, watch, predictions, masks, meant)
        data["layers"] = rows(watch)
        for output, name in enumerate(names):
            data["outputs"][output].update(
                name=name, loss=losses[output], made_by=watch.source(watch.outputs[output])
            )
        data.update(notes=[*self.notes, *self.user.notes], made_up=self.data is None)
        data["inputs"] = [[list(a.shape), a.dtype.name] for a in batch.inputs]
        return data, arrays

    # -- the batch

    def _batch(self) -> Batch:
        names = self.user.output_names
        if self.data is not None:
            return given(self.data, names)
        inputs = made_up_inputs(self.target, self.user.specs, self.user.layers)
        return Batch(self.user.structured(inputs), None, None, names)

    def _watched(self, batch: Batch) -> Any:
        try:
            return self.user.watch(batch)
        except Exception as problem:
            if self.data is not None:
                found = "the model does not take it (" + said(problem) + ")"
                hint = "give inputs as the model is trained with"
                raise TraceProblem(self.data, found, hint) from problem
            found = "the model does not take a batch made up from its inputs (" + said(problem)
            hint = "give a batch with `--data pkg.module:batch`"
            raise TraceProblem(self.target, found + ")", hint, failed=True) from problem

    def _padded(self, batch: Batch, watch: Watch) -> Batch:
        inputs = padded(batch.inputs, masked_steps(watch, batch, self.user.layers))
        return batch.with_inputs(inputs)

    def _compile(self, batch: Batch, names: list[str], predictions: list[Any]) -> Any:
        """Compile the model if it is not, and make labels up if there are none."""
        if not self.user.compiled:
            loss = fitting_loss(None if self.data is None else batch.labels, predictions)
            self.user.compile(loss)
            self.notes.append(
                "the model is not compiled: it was compiled with " + loss + " and sgd"
            )
        losses = self.user.losses(names)
        check_has_loss(self.target, losses)
        if self.data is None:
            labels = made_up_labels(predictions, [loss["name"] for loss in losses])
            pairs = zip(labels, predictions)  # noqa: B905
            shaped = [self.user.label_shaped(label, prediction) for label, prediction in pairs]
            batch.y = self.user.labels_structure(names)(shaped)
        return losses

    # -- the measurements

    def _measured(self, batch: Batch, watch: Any, predictions: Any, masks: Any, meant: Any) -> Any:
        try:
            measured = Measurement(self.user, batch, predictions, masks, meant)
        except Exception as problem:
            asked = self.data or self.target
            found = "the compiled model does not take the batch (" + said(problem) + ")"
            hint = "give inputs and labels as it is trained with"
            if self.data is None:
                hint = "give a batch with `--data pkg.module:batch`"
            raise TraceProblem(asked, found, hint, failed=self.data is None) from problem
        pads = masked_steps(watch, batch, self.user.layers)
        try:
            gradients = self.user.gradient(batch, predictions, masks)
            gradient_note = {}
        except Exception as problem:
            gradients, gradient_note = [], refused(problem)
        longer, longer_predictions = attempted(measured.longer, pads, with_arrays=True)
        data = {
            "repeats": measured.repeats,
            "train_repeats": measured.train_repeats,
            "gradient": gradient_note,
            "longer": longer,
            "weighted": batch.weight is not None,
            "all_masked": attempted(measured.all_masked, pads),
            "outputs": [
                {
                    "shape": list(prediction.shape),
                    "mask": described(masks[output]),
                    "meant": described(meant[output]),
                    "labels": attempted(measured.labels, output),
                    "predictions": attempted(measured.predicted, output),
                }
                for output, prediction in enumerate(predictions)
            ],
        }
        arrays: dict[str, Any] = {}
        for output, prediction in enumerate(predictions):
            kept = {"prediction": prediction, "label": batch.labels[output], "mask": meant[output]}
            if gradients:
                kept["gradient"] = gradients[output]
            if longer_predictions:
                kept["longer"] = longer_predictions[output]
            for name, array in kept.items():
                if array is not None:
                    arrays[f"{name}_{output}"] = np.ascontiguousarray(array)
        return data, arrays


def user_model(keras: Any, model: Any, backend: Any) -> Any:
    """The model in the words of its generation."""
    if backend.modes == ("graph",):
        from .trace_graphs import GraphModel

        return GraphModel(keras, model, backend)
    return UserModel(keras, model, backend)


def attempted(measure: Any, *arguments: Any, with_arrays: bool = False) -> Any:
    """A measurement, or why the framework refused it."""
    try:
        return measure(*arguments)
    except Exception as problem:
        return (refused(problem), []) if with_arrays else refused(problem)


def output_names(count: int) -> list[str]:
    """Names for the outputs of a model that has none."""
    return ["output"] if count == 1 else ["output_" + str(n + 1) for n in range(count)]


def fitting_loss(labels: list[Any] | None, predictions: list[Any]) -> str:
    """A loss for a model that has none: by its labels, squared errors where they say nothing."""
    if labels is not None:
        pairs = list(zip(labels, predictions))  # noqa: B905
        if all(y.ndim == p.ndim - 1 and p.shape[-1] > 1 for y, p in pairs):
            return "sparse_categorical_crossentropy"
    return "mse"


def intended(watch: Any, mask: Any, prediction: Any) -> Any:
    """The mask that says which steps of an output are padding: its own, or one made for it."""
    if mask is not None:
        return mask
    for call in reversed(watch.calls):
        for made in call.mask_out:
            if made is not None and made.ndim > 1 and prediction.shape[: made.ndim] == made.shape:
                return made
    return None


def masked_steps(watch: Any, batch: Batch, layers: list[Any]) -> dict[int, Any]:
    """For each input that a mask is made of, what one masked step of it holds."""
    found: dict[int, Any] = {}
    inputs = batch.inputs
    for call in watch.calls:
        made = next((mask for mask in call.mask_out if mask is not None), None)
        index = next((index for index in call.taken if index is not None), None)
        if made is None or index is None or index in found:
            continue
        if not watch.has_children(call) and inputs[index].shape[: made.ndim] == made.shape:
            step = _masked_step(call.layer, inputs[index], made)
            if step is not None:
                found[index] = step
    if not found:
        # The layer that makes the mask is inside a model that converts its inputs.
        values = [layer.mask_value for layer in layers if hasattr(layer, "mask_value")]
        zero = any(getattr(layer, "mask_zero", False) for layer in layers)
        for index, array in enumerate(inputs):
            if array.ndim > 2 and values:
                found[index] = np.full(array.shape[2:], values[0], array.dtype)
            elif array.ndim == 2 and zero:
                found[index] = np.zeros((), array.dtype)
    return found


def _masked_step(layer: Any, array: Any, made: Any) -> Any:
    if made.ndim == 2 and not made.astype(bool).all():
        return array[~made.astype(bool)][0]
    if hasattr(layer, "mask_value"):
        return np.full(array.shape[2:], layer.mask_value, array.dtype)
    return np.zeros((), array.dtype) if getattr(layer, "mask_zero", False) else None


# -- the way of the mask as plain data


def described(mask: Any) -> Any:
    """Shape of a mask and its share of valid steps, or None."""
    if mask is None:
        return None
    share = float(np.mean(mask.astype(bool))) if mask.size else 0.0
    return {"shape": list(mask.shape), "valid": share}


def rows(watch: Any) -> list[dict[str, Any]]:
    """Each call of a layer as plain data, in the order of the calls; the model itself is first."""
    shown = watch.shown()
    return [row(watch, n, call) for n, call in enumerate(watch.calls) if n in shown]


def row(watch: Any, number: int, call: Call) -> dict[str, Any]:
    """One call of a layer as plain data."""
    mask_in = [mask for mask in call.mask_in if mask is not None]
    mask_out = [mask for mask in call.mask_out if mask is not None]
    return {
        "number": number,
        "name": str(getattr(call.layer, "name", type(call.layer).__name__)),
        "class": type(call.layer).__name__,
        "parent": call.parent,
        "sources": call.sources,
        "taken": call.taken,
        "shapes": [list(shape) for shape in call.shapes],
        "mask_in": described(mask_in[0]) if mask_in else None,
        "mask_out": described(mask_out[0]) if mask_out else None,
        "verdict": verdict(watch, call, mask_in, mask_out),
        "warnings": call.warnings[:1],
    }


def verdict(watch: Any, call: Call, mask_in: list[Any], mask_out: list[Any]) -> str:
    """What became of the mask in one layer."""
    if mask_in and mask_out:
        unchanged = all(m.shape == mask_out[0].shape and (m == mask_out[0]).all() for m in mask_in)
        return "kept" if unchanged and len(mask_in) == len(call.mask_in) else "changed"
    if mask_out:
        return "made"
    if not mask_in:
        return "lost before" if watch.lost_before(call) else "none"
    if takes_mask(call.layer) and not watch.has_children(call):
        return "used"
    return "dropped with a warning" if call.warnings else "dropped silently"


TASKS = {"model": trace}
