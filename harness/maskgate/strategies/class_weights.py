"""Batches of labels in every shape that class weights may meet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from maskgate.case import AnyArray, Case, LossSpec
from maskgate.strategies.pairs import Pair

# Target, loss and model. Classes are 0 to 2, or 0 and 1 where there is one feature.
TARGETS = (
    ("one-hot", "cce", "flat"),
    ("sparse", "sparse_cce", "flat"),
    ("binary", "bce", "flat"),
    ("one-hot-steps", "cce", "masking"),
    ("sparse-steps", "sparse_cce", "masking"),
    ("sparse-steps-column", "sparse_cce", "masking"),
    ("binary-steps", "bce", "masking"),
)
# Labels of 0.1 and 0.9: they weigh as the class that is nearest.
SMOOTHED = ("binary-smoothed", "bce", "flat")
ENTRIES = ("train_on_batch", "fit", "fit-dataset", "fit-sequence", "fit-generator")
WEIGHTS = (1.0, 2.0, 0.5, 4.0, 0.0)
BATCH, STEPS, CLASSES = 3, 4, 3


@st.composite
def classified_batches(draw: st.DrawFn) -> Pair:
    """Predictions and labels, and in `details` the target and the weight of each class."""
    target, loss, model = draw(st.sampled_from(TARGETS))
    classes = 2 if target.startswith("binary") else CLASSES
    # Where samples are as many as steps, weights on the wrong axis hide.
    batch = draw(st.sampled_from((BATCH, STEPS)))
    size = batch * (1 if model == "flat" else STEPS)
    ids = np.array(draw(st.lists(st.integers(0, classes - 1), min_size=size, max_size=size)))
    lengths = draw(st.lists(st.integers(1, STEPS), min_size=batch, max_size=batch))
    weights = draw(st.permutations(WEIGHTS))[:classes]
    # Each call of `fit` takes a tenth of a second: one entry point a batch.
    entry = draw(st.sampled_from(ENTRIES))
    pair = classified(target, loss, model, ids, lengths, weights)
    return replace(pair, details={**pair.details, "only": entry})


def classified(
    target: str, loss: str, model: str, ids: AnyArray, lengths: list[int], weights: list[float]
) -> Pair:
    """The pair of a target: class ids as it has them, and predictions that differ by step."""
    shape = (len(lengths),) if model == "flat" else (len(lengths), STEPS)
    ids = ids.reshape(shape)
    binary = target.startswith("binary")
    features = 1 if binary else CLASSES
    share = 0.25 + 0.5 * np.arange(ids.size * features).reshape(*shape, features) / ids.size
    x = (share / (2.0 * features)).astype(np.float32)
    mask = None
    if model != "flat":
        mask = np.arange(STEPS) < np.array(lengths)[:, None]
        x = np.where(mask[..., None], x, 0.0).astype(np.float32)
    labels: AnyArray = ids.astype(np.int32)
    if binary:
        labels = ids[..., None].astype(np.float32)
        if target == SMOOTHED[0]:
            labels = np.float32(0.1) + np.float32(0.8) * labels
    elif target.startswith("one-hot"):
        labels = np.eye(CLASSES, dtype=np.float32)[ids]
    case = Case(LossSpec.of(loss), "sum_over_batch_size", "float32", labels, x, mask)
    details = {"model": model, "target": target, "weights": list(weights)}
    return Pair(case, None, details)


def unnamed(pair: Pair) -> bool:
    """Whether a class of the batch has no weight."""
    return not str(pair.details["target"]).startswith("binary") and (
        len(pair.details["weights"]) < CLASSES
    )


def looked_up(pair: Pair) -> AnyArray:
    """The sample weights that the class weights of a pair stand for, by label."""
    labels, target = pair.case.y_true, str(pair.details["target"])
    if target.startswith("one-hot"):
        ids = np.argmax(labels, -1)
    else:
        ids = np.rint(labels[..., 0]).astype(int) if target.startswith("binary") else labels
    # Keras 3 leaves a class that is not named its weight of 1.
    weights: AnyArray = np.ones(CLASSES, np.float32)
    given = pair.details["weights"]
    weights[: len(given)] = given
    return np.asarray(weights[ids])


def classified_corners() -> tuple[Pair, ...]:
    """One batch of each target, every class in it; of labels by step two more, one of smoothed
    labels, and one in which a class has no weight.

    One has as many samples as steps, in one a step's number is no class.
    """
    ids = np.array([0, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0, 0, 0, 1, 1, 0])
    late = np.array([0, 1, 0, 2, 1, 0, 1, 1, 0, 1, 0, 0])
    asked = [(target, BATCH, ids) for target in TARGETS]
    steps = next(target for target in TARGETS if target[0] == "sparse-steps")
    asked += [(steps, STEPS, ids), (steps, BATCH, late)]
    unnamed = classified(*TARGETS[1], np.array([0, 1, 2]), [4, 2, 3], [2.0, 0.5])
    smoothed = classified(*SMOOTHED, np.array([0, 1, 1]), [4, 2, 3], [2.0, 0.5])
    once = [
        replace(pair, details={**pair.details, "only": "train_on_batch"})
        for pair in (unnamed, smoothed)
    ]
    return *once, *(
        classified(
            *target,
            content[: batch if target[2] == "flat" else batch * STEPS],
            [4, 2, 3, 4][:batch],
            [2.0, 0.5] if target[0].startswith("binary") else [2.0, 0.5, 4.0],
        )
        for target, batch, content in asked
    )
