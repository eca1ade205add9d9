"""Batches that two replicas share: a few fixed ones, because each costs seconds."""

from __future__ import annotations

import numpy as np

from maskgate.case import Case, LossSpec
from maskgate.strategies.models import EXACT
from maskgate.strategies.pairs import Pair

_REPLICAS = 2


def shared_batches() -> tuple[Pair, ...]:
    """Four samples, two a replica; in the details the `model` and the number of `parts`.

    Samples of 3, 1, 1 and 2 valid steps, so that a replica has 4 and the other 3; a replica of 1
    and one of 6; as many valid steps on either; and no mask.
    """
    masking, identity = EXACT[:2]
    return (
        *(_shared(masking, counts) for counts in ((3, 1, 1, 2), (1, 0, 3, 3), (3, 1, 1, 3))),
        _shared(identity, None),
    )


def _shared(model: str, counts: tuple[int, ...] | None) -> Pair:
    mask = np.arange(3) < np.array(counts or (3, 3, 3, 3))[:, None]
    x = np.where(mask, np.arange(1.0, 5.0)[:, None], 0.0)[..., None]
    kept = None if counts is None else mask
    case = Case(
        LossSpec.of("mse"), "sum_over_batch_size", "float32", np.zeros_like(x), x, kept, None
    )
    return Pair(case, None, {"model": model, "parts": _REPLICAS})
