"""The coarse class of a case's shapes and values: the part of a finding's identity that stays put
while the example shrinks."""

from __future__ import annotations

import numpy as np

from maskgate.case import Case

HINGES = ("hinge", "squared_hinge")
_WHATEVER_RANKS = ("elementwise", "reduction", "mode", "backend")


def shape_class(case: Case, altered: Case | None = None, *, stage: str = "formula") -> str:
    """One word for what is special about a case (and the one it is compared with).

    Args:
        case: the case.
        altered: the case it is compared with.
        stage: the stage that the failure is blamed on. Modes part ways over empty masks; ranks say
            nothing about what goes wrong in element losses, reductions, modes and backends.
    """
    if case.y_pred.size == 0:
        return "empty-batch"
    if stage == "backend":
        return _backend_class(case)
    if stage == "elementwise" and _classes_of_images(case):
        return "classes-of-images"
    if stage == "mode" and case.mask is not None and not np.any(case.mask):
        return "all-masked"
    if (
        altered is not None
        and case.loss.definition.name in HINGES
        and _converted(case) != _converted(altered)
    ):
        return "label-conversion"
    ranks = None if stage in _WHATEVER_RANKS else _rank_class(case)
    if ranks is not None:
        return ranks
    if np.prod(case.loss_shape) > 65504:
        return "past-65504"
    return "plain"


def _classes_of_images(case: Case) -> bool:
    """Class ids by more than one place a sample, of probabilities: kernels of their own."""
    definition = case.loss.definition
    ids = definition.name == "sparse_cce" and not definition["from_logits"]
    return ids and case.y_pred.ndim > 3


def _backend_class(case: Case) -> str:
    """What backends are known to differ in: torch multiplies weights by the mask in place."""
    mask, weight = case.mask, case.sample_weight
    if mask is not None and weight is not None and weight.size < mask.size:
        return "weights-in-place"
    if case.loss.definition.name == "binary_focal" and case.loss["from_logits"]:
        return "focal-of-logits"
    if case.reduction == "mean_with_sample_weight" and _weighs_nothing(case):
        return "weights-of-nothing"
    return "plain" if mask is None else "masked"


def _weighs_nothing(case: Case) -> bool:
    """Whether the weights that the mask leaves are all zero."""
    weight = np.asarray(1.0 if case.sample_weight is None else case.sample_weight)
    mask = np.asarray(1.0 if case.mask is None else case.mask, float)
    if weight.shape != mask.shape and weight.ndim and mask.ndim:
        return not weight.any() or not mask.any()
    return not (weight * mask).any()


def _rank_class(case: Case) -> str | None:
    for name, array in (("weight", case.sample_weight), ("mask", case.mask)):
        if array is not None and 0 < array.ndim < len(case.loss_shape):
            return f"{name}-rank-lower{_coincidence(array.shape, case.loss_shape)}"
        # A column of size 1 too many is what Keras takes away without harm.
        if array is not None and array.ndim > len(case.loss_shape) and array.shape[-1] != 1:
            return f"{name}-rank-higher{_coincidence(case.loss_shape, array.shape)}"
    return None


def _coincidence(shorter: tuple[int, ...], longer: tuple[int, ...]) -> str:
    """`-coincident` where the shorter shape also fits the last axes of the longer one."""
    tail = longer[len(longer) - len(shorter) :]
    fits = all(a == b or 1 in (a, b) for a, b in zip(shorter, tail, strict=True))
    return "-coincident" if fits else ""


def _converted(case: Case) -> bool:
    """Whether Keras's hinge losses take these labels for 0/1 and convert them to -1/1."""
    return bool(np.isin(case.y_true, (0, 1)).all())
