"""The batch that layers are called with to see what becomes of its mask."""

from __future__ import annotations

import numpy as np

from maskgate.case import Case, LossSpec
from maskgate.strategies.pairs import Pair


def masked_sequences() -> Pair:
    """Two sequences of four steps with three features; the second one ends after two steps.

    It is a case so that it can be shown and kept like any other: the predictions are what a layer
    is called with, its mask is the one that goes in.
    """
    mask = np.array([[True, True, True, True], [True, True, False, False]])
    x = np.arange(1.0, 25.0).reshape(2, 4, 3) * mask[..., None]
    zeros = np.zeros(x.shape)
    return Pair(Case(LossSpec.of("mse"), "sum_over_batch_size", "float32", zeros, x, mask))
