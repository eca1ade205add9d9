"""The batch that a trace asks with: the user's, or one made up from the model's inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from .trace_calls import flat
from .trace_target import TraceProblem, named, said

SAMPLES, STEPS, OTHER = 4, 6, 5  # of a batch that is made up
SHARES = (1.0, 0.67, 0.5, 0.1)  # of the steps, valid in each sample in turn


class Batch:
    """Inputs, labels and weights of one batch, in the structure that the model takes.

    Attributes:
        x: inputs: an array, or arrays in lists and dictionaries.
        y: labels likewise.
        weight: sample weights likewise, or None.
        names: names of the model's outputs, the order of labels given in a dictionary.
    """

    def __init__(self, x: Any, y: Any, weight: Any, names: list[str]) -> None:
        self.x, self.y, self.weight, self.names = x, y, weight, names

    @property
    def inputs(self) -> list[Any]:
        """The inputs, flat."""
        return list(flat(self.x))

    @property
    def labels(self) -> list[Any]:
        """The labels, in the order of the outputs."""
        if isinstance(self.y, dict) and set(self.y) == set(self.names):
            return [self.y[name] for name in self.names]
        return list(flat(self.y))

    def with_labels(self, labels: list[Any]) -> Batch:
        """The batch with other labels."""
        if isinstance(self.y, dict) and set(self.y) == set(self.names):
            y: Any = {name: labels[self.names.index(name)] for name in self.y}
        else:
            y = rebuilt(self.y, labels)
        return Batch(self.x, y, self.weight, self.names)

    def with_inputs(self, inputs: list[Any]) -> Batch:
        """The batch with other inputs."""
        return Batch(rebuilt(self.x, inputs), self.y, self.weight, self.names)


def rebuilt(structure: Any, leaves: list[Any]) -> Any:
    """The structure with other arrays in it, in the order of `flat`."""
    rest = iter(leaves)

    def build(value: Any) -> Any:
        if isinstance(value, dict):
            done = {key: build(value[key]) for key in sorted(value, key=str)}
            return {key: done[key] for key in value}
        if isinstance(value, (list, tuple)):
            return [build(item) for item in value]
        return next(rest)

    return build(structure)


def given(text: str, names: list[str]) -> Batch:
    """The user's batch: `(x, y)` or `(x, y, sample_weight)`, a function or a data set of such.

    Raises:
        TraceProblem: when it is none.
    """
    found = named(text)
    try:
        found = found() if callable(found) else found
        if not isinstance(found, (tuple, list)):
            found = next(iter(found))
    except (Exception, SystemExit) as problem:
        words = "making the batch raised " + said(problem)
        hint = "it must give (x, y) or (x, y, sample_weight)"
        raise TraceProblem(text, words, hint, failed=True) from problem
    if not isinstance(found, (tuple, list)) or len(found) not in (2, 3):
        hint = "give (x, y) or (x, y, sample_weight) with a batch of arrays in each"
        raise TraceProblem(text, "it is no batch: " + _shown(found), hint)
    x, y, weight = (*found, None)[:3]
    batch = Batch(_arrays(x), _arrays(y), None if weight is None else _arrays(weight), names)
    _check_arrays(text, batch)
    return batch


def _check_arrays(text: str, batch: Batch) -> None:
    arrays = [*batch.inputs, *batch.labels]
    hint = "give arrays of numbers, samples first, as many in each"
    if not batch.inputs or not batch.labels or any(array.ndim == 0 for array in arrays):
        raise TraceProblem(text, "it is no batch: inputs or labels hold no samples", hint)
    if any(array.dtype.kind not in "bifu" for array in batch.labels):
        raise TraceProblem(text, "its labels are no numbers", hint)
    counts = {len(array) for array in arrays}
    if len(counts) > 1 or 0 in counts:
        found = "its arrays hold " + " and ".join(map(str, sorted(counts))) + " samples"
        raise TraceProblem(text, found, hint)


def check_counts(text: str, batch: Batch) -> None:
    """Raise `TraceProblem` where there are not labels for each output."""
    given, wanted = len(batch.labels), len(batch.names)
    if given != wanted:
        found = f"it has labels for {given} outputs, the model has {wanted}"
        raise TraceProblem(text, found, "give labels for each output")


def _arrays(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _arrays(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)) and any(hasattr(item, "shape") for item in value):
        return [_arrays(item) for item in value]
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    return np.asarray(value)


def _shown(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return "a " + type(value).__name__ + " of " + str(len(value))
    return "an object of class " + type(value).__name__


def made_up_inputs(asked: str, specs: list[Any], layers: list[Any]) -> list[Any]:
    """Arrays for input specs `(shape, dtype)`, every step valid so far.

    Raises:
        TraceProblem: when the model says nothing of its inputs.
    """
    if not specs:
        hint = "give a batch with `--data pkg.module:batch`"
        raise TraceProblem(asked, "the model does not say what its inputs are", hint)
    words = [int(layer.input_dim) for layer in layers if hasattr(layer, "input_dim")]
    rng = np.random.RandomState(0)
    return [_input(rng, shape, dtype, words) for shape, dtype in specs]


def _input(rng: Any, shape: Any, dtype: str, words: list[int]) -> Any:
    sizes = [SAMPLES if shape[0] is None else int(shape[0])]
    for axis, size in enumerate(shape[1:], 1):
        sizes.append(int(size) if size is not None else STEPS if axis == 1 else OTHER)
    if "int" in dtype or (len(sizes) == 2 and words):
        largest = max(min(words, default=10), 2)
        return rng.randint(1, largest, size=sizes).astype(dtype if "int" in dtype else "float32")
    if "float" not in dtype:
        return (rng.uniform(size=sizes) > 0.5).astype(dtype)
    # Away from 0, the usual value of padding.
    return (rng.uniform(0.25, 1.0, sizes) * rng.choice([-1, 1], sizes)).astype(dtype)


def padded(inputs: list[Any], pads: dict[int, Any]) -> list[Any]:
    """The inputs with the tail of most samples replaced by the masked step of `pads`."""
    done = []
    for number, array in enumerate(inputs):
        array = array.copy()
        if number in pads:
            for sample in range(len(array)):
                share = SHARES[(sample + number) % len(SHARES)]
                array[sample, max(1, int(array.shape[1] * share)) :] = pads[number]
        done.append(array)
    return done


def made_up_labels(predictions: list[Any], losses: list[str]) -> list[Any]:
    """Labels that each output's loss takes, of the shape of its predictions."""
    rng = np.random.RandomState(1)
    return [_labels(rng, p, name.lower()) for p, name in zip(predictions, losses)]  # noqa: B905


def _labels(rng: Any, prediction: Any, loss: str) -> Any:
    shape = prediction.shape
    if "sparse" in loss:
        return rng.randint(0, shape[-1], size=shape[:-1]).astype("int32")
    if "categorical" in loss or "kl" in loss or "kull" in loss:
        chosen = rng.randint(0, shape[-1], size=shape[:-1])
        return np.eye(shape[-1], dtype="float32")[chosen]
    if "binary" in loss or "hinge" in loss or "bce" in loss:
        return rng.randint(0, 2, size=shape).astype("float32")
    return rng.uniform(0.1, 0.9, size=shape).astype("float32")


def labels_across(labels: Any, mask: Any, predictions: Any) -> Any:
    """Labels on the other side of the predictions at every masked step; None for class ids.

    The slope of an absolute error, for one, is the same wherever a label lies on one side.

    Args:
        labels: of shape `(batch, steps, ...)`.
        mask: likewise, as for `other_labels`.
        predictions: of the labels' shape, else there is no side.
    """
    if labels.dtype.kind != "f" or labels.shape != predictions.shape:
        return None
    masked = ~mask.astype(bool)
    low = min(labels.min(), predictions.min())
    high = max(labels.max(), predictions.max())
    changed = labels.copy()
    changed[masked] = np.where(labels > predictions, low, high)[masked]
    return changed


def labels_as_predicted(labels: Any, mask: Any, predictions: Any, *, right: bool) -> Any:
    """Labels that the predictions get right at every masked step, or wrong at each; None where
    labels are no classes.

    Whether a metric of classes counts a step shows where it is a hit in one batch and a miss in
    another.

    Args:
        labels: class ids of shape `(batch, steps)` or `(batch, steps, 1)`, one-hot vectors or bits.
        mask: likewise, as for `other_labels`.
        predictions: of shape `(batch, steps, classes)`, or that of bits.
        right: which of the two.
    """
    classes = predictions.shape[-1]
    wanted = predictions.argmax(-1) if right else predictions.argmin(-1)
    if labels.shape == predictions.shape and np.isin(labels, (0, 1)).all():
        one_hot = classes > 1 and (labels.sum(-1) == 1).all()
        made = np.eye(classes)[wanted] if one_hot else (predictions > 0.5) == right
    elif labels.dtype.kind in "iu" and classes > 1 and labels.size == wanted.size:
        made = wanted.reshape(labels.shape)
    else:
        return None
    changed, masked = labels.copy(), ~mask.astype(bool)
    changed[masked] = made.astype(labels.dtype)[masked]
    return changed


def other_labels(labels: Any, mask: Any, classes: int) -> Any:
    """Labels that differ at every masked step, and are as valid as those that are there.

    Args:
        labels: of shape `(batch, steps, ...)`.
        mask: of shape `(batch, steps, ...)`, False where a step is masked.
        classes: length of the last axis of the predictions.
    """
    labels, masked = labels.copy(), ~mask.astype(bool)
    there = labels[masked]
    if labels.dtype.kind in "iu" and labels.max() < classes:
        labels[masked] = (there + 1) % max(classes, 2)
    elif labels.dtype.kind == "b":
        labels[masked] = ~there
    elif np.isin(labels, (0, 1)).all():
        one_hot = labels.ndim > 1 and labels.shape[-1] > 1 and (labels.sum(-1) == 1).all()
        labels[masked] = np.roll(there, 1, axis=-1) if one_hot else 1 - there
    else:
        # Mirrored in their range, and where that is no change, at its end.
        low, high = labels.min(), labels.max()
        mirrored = low + high - there
        labels[masked] = np.where(mirrored == there, high if high > low else high + 1, mirrored)
    return labels
