"""What a compiled model does with what is masked, measured on one batch."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ..adapter import readable
from .trace_data import Batch, labels_across, labels_as_predicted, other_labels

MORE = 3  # masked steps that are added


def number(value: Any) -> Any:
    """A float as plain data: `nan`, `inf` and `-inf` as strings."""
    value = float(value)
    return value if np.isfinite(value) else str(value)


def refused(problem: Exception) -> dict[str, Any]:
    """Why a measurement was not made."""
    kind, message = type(problem).__name__, str(problem)
    if message.startswith("Graph execution error"):
        # What it is stands behind where each of the nodes was made.
        message = re.split(r"\n\s*File [^\n]*", message)[-1]
    return {"skipped": kind + ": " + " ".join(readable(message, kind).split())}


class Measurement:
    """Asks one compiled model about one batch.

    Args:
        user: the model.
        batch: what to ask with.
        predictions: its predictions.
        masks: the mask of each, as it reaches the loss, or None.
        meant: for each output the mask that says which of its steps are padding, or None: its own,
            or where it has none any more, the one that was made for it.
    """

    def __init__(
        self, user: Any, batch: Batch, predictions: list[Any], masks: list[Any], meant: list[Any]
    ) -> None:
        self.user, self.batch, self.predictions = user, batch, predictions
        self.masks, self.meant = masks, meant
        self.logs = user.test(batch)
        self.repeats = same_logs(self.logs, user.test(batch))
        self._train()

    def _train(self) -> None:
        """One training step, and whether doing it again gives the same weights."""
        self.fresh = False
        self.trained = self._trained(self.batch)
        self.train_repeats = same(self.trained, self._trained(self.batch))
        if not self.train_repeats:
            # The random numbers of a traced function go on where they were.
            self.fresh = True
            self.trained = self._trained(self.batch)
            self.train_repeats = same(self.trained, self._trained(self.batch))

    def _trained(self, batch: Batch) -> list[Any]:
        """The weights after one training step."""
        return self.user.train(batch, fresh=self.fresh)[1]  # type: ignore[no-any-return]

    def _training_matters(self, other: Batch) -> bool | None:
        """Whether another batch moves the weights elsewhere; None where that cannot be told.

        Threads may add in any order: a difference counts only where it comes again each time, and
        the batch itself gives the same each time.
        """
        if not self.train_repeats:
            return None
        for _ in range(3):
            if same(self._trained(other), self.trained):
                return False
            if not same(self._trained(self.batch), self.trained):
                return None
        return True

    def labels(self, output: int) -> dict[str, Any]:
        """Loss, weights and metrics with other labels at the masked steps of an output."""
        mask, labels = self.meant[output], self.batch.labels
        if mask is None or labels[output].ndim < mask.ndim:
            return {"skipped": "its labels have no masked steps"}
        if mask.astype(bool).all():
            return {"skipped": "no step of the batch is masked"}
        if labels[output].shape[: mask.ndim] != mask.shape:
            return {"skipped": "its labels are of another shape than the mask"}
        classes = int(self.predictions[output].shape[-1])
        changed = list(labels)
        changed[output] = other_labels(labels[output], mask, classes)
        other = self.batch.with_labels(changed)
        # Counts may come out even: one step alone is changed too.
        changed[output] = np.where(
            only_first(mask, labels[output]), changed[output], labels[output]
        )
        asked = [self.user.test(other), self.user.test(self.batch.with_labels(changed))]
        for right in (True, False):
            there = self.predictions[output]
            changed[output] = labels_as_predicted(labels[output], mask, there, right=right)
            if changed[output] is not None:
                asked.append(self.user.test(self.batch.with_labels(changed)))
        trained = self._training_matters(other)
        across = labels_across(labels[output], mask, self.predictions[output])
        if trained is False and across is not None:
            changed[output] = across
            trained = self._training_matters(self.batch.with_labels(changed))
        loss = self._moved("loss", asked)
        metrics = [name for name in self.logs if name != "loss" and not name.endswith("_loss")]
        return {
            **{name: loss[name] for name in ("before", "after", "matters")},
            "training_matters": trained,
            "metrics": [self._moved(name, asked) for name in metrics],
        }

    def _moved(self, name: str, asked: list[dict[str, float]]) -> dict[str, Any]:
        """A loss or a metric before, and after the change that moves it, if one does."""
        before = self.logs[name]
        others = [logs[name] for logs in asked if not same_number(logs[name], before)]
        after = others[0] if others else before
        told = {"before": number(before), "after": number(after)}
        return {"name": name, **told, "matters": bool(others)}

    def predicted(self, output: int) -> dict[str, Any]:
        """The loss with other predictions at the masked steps of an output."""
        mask = self.meant[output]
        if mask is None or self.predictions[output].shape[: mask.ndim] != mask.shape:
            return {"skipped": "its predictions have no masked steps"}
        if mask.astype(bool).all():
            return {"skipped": "no step of the batch is masked"}
        changed = [array.copy() for array in self.predictions]
        masked, there = ~mask.astype(bool), self.predictions[output]
        inside = there.min() >= 0 and there.max() <= 1
        changed[output][masked] = 1 - there[masked] if inside else there[masked] + 1
        before = self.user.loss_at(self.batch, self.predictions, self.masks)
        after = self.user.loss_at(self.batch, changed, self.masks)
        return {
            "before": number(before),
            "after": number(after),
            "matters": not same_number(before, after),
        }

    def longer(self, pads: dict[int, Any]) -> tuple[dict[str, Any], list[Any]]:
        """The loss with more masked steps at the end, and the predictions then.

        Args:
            pads: for each input with time steps, what one masked step holds.
        """
        if all(mask is None for mask in self.masks):
            return {"skipped": "no mask reaches the loss"}, []
        steps = {mask.shape[1] for mask in self.masks if mask is not None and mask.ndim > 1}
        if not pads or len(steps) != 1:
            return {"skipped": "no masked steps can be added to this model's inputs"}, []
        (length,) = steps
        inputs = self.batch.inputs
        for spec, array in zip(self.user.specs, inputs):  # noqa: B905
            if array.ndim > 1 and array.shape[1] == length and spec[0][1:2] not in ((), (None,)):
                return {"skipped": "the model takes one length alone"}, []
        for output, array in enumerate(self.batch.labels):
            if array.ndim < 2 or array.shape[1] != length:
                return {"skipped": "an output's labels are one a sample"}, []
            if self.masks[output] is None:
                return {"skipped": "an output has no mask"}, []
        for index, array in enumerate(inputs):
            if index not in pads and array.ndim > 1 and array.shape[1] == length:
                return {"skipped": "an input has time steps that nothing masks"}, []
        if self.batch.weight is not None:
            return {"skipped": "the batch has weights"}, []
        more = [
            with_steps(array, pads[index]) if index in pads else array
            for index, array in enumerate(inputs)
        ]
        labels = [np.concatenate([a, a[:, -1:].repeat(MORE, 1)], 1) for a in self.batch.labels]
        batch = self.batch.with_inputs(more).with_labels(labels)
        # TimeDistributed of Keras 3.14 and 3.15 loops over the batch where it knows no length.
        fed = "fed " + str(length + MORE) + " steps, the model "
        try:
            predictions, logs = self.user.predict(batch), self.user.test(batch)
        except Exception as problem:
            return {"skipped": fed + "fails (" + str(refused(problem)["skipped"]) + ")"}, []
        for array in predictions:
            if array.shape[1:2] != (length + MORE,):
                return {"skipped": fed + "predicts " + "x".join(map(str, array.shape))}, []
        before, after = number(self.logs["loss"]), number(logs["loss"])
        return {"steps": MORE, "length": length, "before": before, "after": after}, predictions

    def all_masked(self, pads: dict[int, Any]) -> dict[str, Any]:
        """One training step on a batch with nothing but masked steps."""
        if not pads:
            return {"skipped": "no masked step is known to make a batch of"}
        if all(mask is None for mask in self.masks):
            return {"skipped": "no mask reaches the loss"}
        inputs = [
            np.broadcast_to(pads[index], array.shape).astype(array.dtype)
            if index in pads
            else array
            for index, array in enumerate(self.batch.inputs)
        ]
        before = self.user.trainable()
        loss, after = self.user.train(self.batch.with_inputs(inputs), fresh=self.fresh)
        finite = all(np.isfinite(array).all() for array in after)
        moved = [np.abs(a - b).max() for a, b in zip(after, before) if a.size]  # noqa: B905
        return {
            "loss": number(loss),
            "weights": "same" if same(before, after) else "changed" if finite else "nan",
            "largest_change": number(np.max(moved, initial=0.0)),
        }


def only_first(mask: Any, labels: Any) -> Any:
    """True at the first masked step alone, of a shape that broadcasts with the labels."""
    first = np.zeros(mask.shape, bool)
    first.flat[np.flatnonzero(~mask.astype(bool))[0]] = True
    return first.reshape(first.shape + (1,) * (labels.ndim - first.ndim))


def with_steps(array: Any, step: Any) -> Any:
    """An input with masked steps at its end."""
    tail = np.broadcast_to(step, (array.shape[0], MORE, *array.shape[2:]))
    return np.concatenate([array, tail.astype(array.dtype)], 1)


def same(one: list[Any], other: list[Any]) -> bool:
    """Whether two lists of weights hold the same bits (NaN equal to NaN)."""
    pairs = zip(one, other)  # noqa: B905
    return all(np.array_equal(a, b) or a.tobytes() == b.tobytes() for a, b in pairs)


def same_number(one: float, other: float) -> bool:
    """Whether two numbers are the same, NaN equal to NaN."""
    return one == other or (np.isnan(one) and np.isnan(other))


def same_logs(one: dict[str, float], other: dict[str, float]) -> bool:
    """Whether two logs hold the same numbers."""
    return all(same_number(value, other[name]) for name, value in one.items())
