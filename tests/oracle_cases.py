"""Random cases for the proofs of the oracle: plain NumPy, seeded, no Hypothesis."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskgate.case import KINDS, Case, LossSpec

DTYPES = ("float64", "float32", "bfloat16", "float16")

PARAMETERS: dict[str, list[dict[str, Any]]] = {
    "huber": [{}, {"delta": 0.5}],
    "bce": [{}, {"from_logits": True}, {"label_smoothing": 0.1}, {"axis": 1}],
    "binary_focal": [
        {},
        {"from_logits": True},
        {"apply_class_balancing": True, "alpha": 0.3},
        {"gamma": 1.5, "label_smoothing": 0.2},
    ],
    "cce": [{}, {"from_logits": True}, {"label_smoothing": 0.1}],
    "categorical_focal": [{}, {"from_logits": True}, {"gamma": 3.0, "label_smoothing": 0.1}],
    "sparse_cce": [
        {},
        {"from_logits": True},
        {"ignore_class": 1},
        {"from_logits": True, "ignore_class": -1},
    ],
}


def losses() -> list[LossSpec]:
    """Every loss, with every parameter away from its default once."""
    return [LossSpec.of(name, **given) for name in KINDS for given in PARAMETERS.get(name, [{}])]


def predictions(rng: np.random.Generator, loss: LossSpec, shape: tuple[int, ...]) -> Any:
    logits = bool(dict(loss.parameters).get("from_logits"))
    if loss.kind.domain == "real" or logits:
        return rng.normal(size=shape) * 2.0
    if loss.kind.domain == "positive":
        return rng.uniform(0.05, 3.0, size=shape)
    drawn = rng.uniform(0.02, 0.98, size=shape)
    return drawn if loss.name in ("bce", "binary_focal") else drawn / drawn.sum(-1, keepdims=True)


def labels(rng: np.random.Generator, loss: LossSpec, shape: tuple[int, ...]) -> Any:
    if loss.kind.labels == "sparse":
        lowest = -1 if loss["ignore_class"] == -1 else 0
        return rng.integers(lowest, shape[-1], size=shape[:-1])
    if loss.name in ("hinge", "squared_hinge"):
        return rng.integers(0, 2, size=shape).astype(float)
    if loss.name in ("cce", "categorical_focal", "categorical_hinge"):
        return np.eye(shape[-1])[rng.integers(0, shape[-1], size=shape[:-1])]
    if loss.name == "kld":
        drawn = rng.uniform(0.0, 1.0, size=shape)
        return drawn / drawn.sum(-1, keepdims=True)
    if loss.kind.domain == "probability":
        return rng.integers(0, 2, size=shape).astype(float)
    if loss.kind.domain == "positive":
        return rng.uniform(0.0, 3.0, size=shape)
    return rng.normal(size=shape) * 2.0


MASKS = ("none", "holes", "all", "empty", "one", "row", "float", "int", "soft", "column")
WEIGHTS = ("none", "scalar", "step", "sample-column", "zero", "some-zero", "integer", "vector")


def mask_of(rng: np.random.Generator, kind: str, shape: tuple[int, ...]) -> Any:
    if kind == "none":
        return None
    mask = rng.random(shape) < 0.6
    if kind == "all":
        mask[...] = True
    if kind == "empty":
        mask[...] = False
    if kind == "one":
        mask[...] = False
        mask.reshape(-1)[:1] = True
    if kind == "row" and mask.ndim:
        mask[0] = False
    if kind == "float":
        return mask.astype(float)
    if kind == "int":
        return mask.astype(np.int32)
    if kind == "soft":
        return rng.integers(0, 5, size=shape) / 4.0
    if kind == "column":
        return mask[..., None]
    return mask


def weight_of(rng: np.random.Generator, kind: str, shape: tuple[int, ...]) -> Any:
    if kind == "none":
        return None
    if kind == "scalar":
        return np.float64(1.7)
    weight = rng.uniform(-1.0, 3.0, size=shape)
    if kind == "zero":
        return weight * 0.0
    if kind == "some-zero":
        return weight * (rng.random(shape) < 0.5)
    if kind == "integer":
        return rng.integers(0, 4, size=shape)
    if kind == "sample-column" and len(shape) > 1:
        return weight[:, :1]
    if kind == "vector":
        return weight.reshape(shape[0], -1)[:, 0]
    return weight


def random_case(
    rng: np.random.Generator,
    loss: LossSpec,
    *,
    reduction: str = "sum_over_batch_size",
    dtype: str = "float32",
    mask: str = "holes",
    weight: str = "none",
    shape: tuple[int, ...] = (3, 4, 2),
) -> Case:
    """A case with finite, ordinary values."""
    short = Case(
        loss=loss,
        reduction=reduction,
        dtype=dtype,
        y_true=labels(rng, loss, shape),
        y_pred=predictions(rng, loss, shape),
    )
    reduced = short.loss_shape
    return short.with_(
        mask=mask_of(rng, mask, reduced), sample_weight=weight_of(rng, weight, reduced)
    )


SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-7, 1e20, -1e20, np.nan, np.inf, -np.inf, 1e-30, 1e-39, 3e4)


def wild(rng: np.random.Generator, case: Case, share: float = 0.15) -> Case:
    """The case with some of its floats replaced by special ones; class ids stay as they are."""
    changes: dict[str, Any] = {}
    for field in ("y_true", "y_pred", "sample_weight"):
        values = getattr(case, field)
        if values is None or values.dtype.kind != "f":
            continue
        hit = rng.random(values.shape) < share
        special = rng.choice(SPECIAL, size=values.shape)
        changes[field] = np.where(hit, special, values.astype(np.float64))
    return case.with_(**changes)
