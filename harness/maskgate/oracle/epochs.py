"""What a trainer reports of an epoch: the mean of its batches' losses, release by release."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from maskgate.case import Case, Format
from maskgate.oracle.ball import Ball


def weighs_batches(distribution: str, version: str) -> bool:
    """Whether an epoch's mean weighs each batch by its number of samples.

    Only Keras 3.0 and 3.1 do not (3.1.1 `backend/tensorflow/trainer.py`, `_loss_tracker`).
    """
    release = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    return distribution == "tf_keras" or not (3, 0) <= release < (3, 2)


def batches_of(case: Case, batch_size: int) -> list[Case]:
    """The case cut along its first axis; the last part may be smaller.

    Weights and masks are cut with the samples: their first axis must be that of the predictions.
    """
    size = case.y_pred.shape[0]
    return [_part(case, slice(start, start + batch_size)) for start in range(0, size, batch_size)]


def epoch_loss(losses: Sequence[Ball], sizes: Sequence[int], fmt: Format) -> Ball:
    """`sum(n_b L_b) / sum(n_b)` as a tracker computes it.

    A product, the sums that it goes through and a division (or a product with a reciprocal, as XLA
    may) are roundings of relative size u each: of `k` batches at most `k + 3`, on the largest sum
    of absolute values that the losses' own radii allow.

    Args:
        losses: the loss of each batch, 0-d.
        sizes: the weight of each batch, small whole numbers, which are exact.
        fmt: format of the tracker.

    Returns:
        The mean, 0-d, of radius 0 where it is NaN or infinite.
    """
    values = np.array([float(each.value) for each in losses])
    radii = np.array([float(each.radius) for each in losses])
    shares = np.asarray(sizes, np.float64) / float(sum(sizes))
    with np.errstate(invalid="ignore"):
        value = np.asarray(np.sum(values * shares))
        mass = float(np.sum((np.abs(values) + radii) * shares))
        spread = float(np.sum(radii * shares))
        roundings = (1.0 + fmt.unit_roundoff) ** (len(sizes) + 3) - 1.0
        radius = spread + roundings * mass + fmt.tiny * len(sizes)
    if np.isfinite(value):
        return Ball(value, np.asarray(radius))
    return Ball(value, np.asarray(np.inf if np.isinf(radii).any() else 0.0))


def _part(case: Case, part: slice) -> Case:
    mask, weight = case.mask, case.sample_weight
    return case.with_(
        y_true=case.y_true[part],
        y_pred=case.y_pred[part],
        mask=None if mask is None else mask[part],
        sample_weight=None if weight is None else weight[part],
    )
