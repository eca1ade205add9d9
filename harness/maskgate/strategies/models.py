"""Batches that are asked through a whole model and its trainer.

Building and tracing a model takes seconds, so models come from a short list, and many batches are
asked of each. A case's predictions are what the model is fed: a step of zeros is padding, and the
case's mask is the one that a `Masking` layer makes of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from maskgate.case import AnyArray, Case, LossSpec
from maskgate.strategies.cases import cases
from maskgate.strategies.masks import MASK_KINDS
from maskgate.strategies.pairs import Alter, Pair, signature_budget
from maskgate.strategies.signatures import Signature

# Models that hand on what they are given, and models whose layers compute.
EXACT = ("masking", "identity")
STACKS = (
    "question-without-dropout",
    "embedding",
    "bidirectional",
    "nested",
    "subclassed",
    "masking",
)
QUESTION = "question"

# One batch in this many is asked in every execution mode.
ONE_IN_EVERY_MODE = 8

_LOSSES = (
    LossSpec.of("mse"),
    LossSpec.of("bce"),
    LossSpec.of("cce"),
    LossSpec.of("mae"),
    LossSpec.of("poisson"),
    LossSpec.of("bce", from_logits=True),
    LossSpec.of("kld"),
    LossSpec.of("squared_hinge"),
    LossSpec.of("msle"),
    LossSpec.of("huber"),
)
# Axes distinct and coincident: where B = T weights on the wrong axis hide.
_SHAPES = ((3, 4, 2), (4, 4, 2), (1, 3, 2), (2, 3, 1))


def trained_batches(*, models: Sequence[str] = EXACT) -> st.SearchStrategy[Pair]:
    """A batch, with the model that it is fed to in `details["model"]`.

    Loss, shape, reduction and rank of the weights come from a list as long as the profile's
    number of signatures allows, content and mask are drawn.
    """

    @st.composite
    def draw_pair(draw: st.DrawFn) -> Pair:
        number = draw(st.integers(0, 2 * signature_budget() - 1))
        # The mask is what the question is about: three models in four have one.
        model = models[1] if number % 4 == 3 and len(models) > 1 else models[0]
        case = draw(_cases(_signature(number, masked=model != "identity")))
        compiled = number < 2 and draw(st.integers(0, ONE_IN_EVERY_MODE - 1)) == 1
        return Pair(fed(case), None, {"model": model}, compiled)

    return draw_pair()


def trained_pairs(alter: Alter, *, models: Sequence[str] = STACKS) -> st.SearchStrategy[Pair]:
    """A batch without weights and an altered one, both for one training step of a model."""

    @st.composite
    def draw_pair(draw: st.DrawFn) -> Pair:
        model = draw(st.sampled_from(models))
        signature = Signature(
            LossSpec.of("mse"), "sum_over_batch_size", "float32", (3, 4, 2), (3, 4), "bool"
        )
        case = fed(draw(_cases(signature)))
        altered, details = alter(draw, case)
        return Pair(case, altered, {**details, "model": model})

    return draw_pair()


def empty_batches(*, models: Sequence[str] = STACKS) -> st.SearchStrategy[Pair]:
    """A batch in which every step is padding, for one training step of a model."""

    @st.composite
    def draw_pair(draw: st.DrawFn) -> Pair:
        model = draw(st.sampled_from(models))
        # One shape: every other one is another graph.
        shape = (3, 4, 2)
        signature = Signature(
            LossSpec.of("mse"), "sum_over_batch_size", "float32", shape, shape[:2], "bool"
        )
        case = draw(cases(bucketed=[signature], mask_kinds=("all-false",), edges=False))
        return Pair(fed(case), None, {"model": model})

    return draw_pair()


def empty_corners() -> tuple[Pair, ...]:
    """A batch of nothing but padding: the model of the question first."""
    case = _partly_masked()
    empty = fed(case.with_(mask=np.zeros((2, 3), bool)))
    return tuple(Pair(empty, None, {"model": name}) for name in (QUESTION, *STACKS))


def nonfinite_corners() -> tuple[Pair, ...]:
    """NaN labels under the mask, as padding often has: the model of the question first."""
    case = _partly_masked()
    relabelled = _relabelled(case, np.nan)
    return tuple(Pair(fed(case), fed(relabelled), {"model": name}) for name in (QUESTION, *STACKS))


def question_corners() -> tuple[Pair, ...]:
    """Other labels under the mask, in each model once, and where all is masked.

    First the model of the question, whose dropout draws random numbers: each step is one of a new
    model.
    """
    case = _partly_masked()
    empty = case.with_(mask=np.zeros((2, 3), bool))
    asked = [(QUESTION, case), (QUESTION, empty), *((model, case) for model in STACKS)]
    return tuple(Pair(fed(each), fed(_relabelled(each)), {"model": name}) for name, each in asked)


def weighted_corners() -> tuple[Pair, ...]:
    """A partly masked batch with weights a step, and with weights a sample."""
    case = _partly_masked()
    by_step = np.array([[2.0, 0.5, 3.0], [1.5, 1.0, 4.0]])
    weights = (by_step, np.array([2.0, 0.5]))
    return tuple(Pair(fed(case.with_(sample_weight=w)), None, {"model": EXACT[0]}) for w in weights)


def _partly_masked() -> Case:
    x = np.arange(1.0, 13.0).reshape(2, 3, 2)
    mask = np.array([[True, True, False], [True, False, False]])
    y_true = np.full(x.shape, 0.25)
    return Case(LossSpec.of("mse"), "sum_over_batch_size", "float32", y_true, x, mask)


def _relabelled(case: Case, label: float = 1e6) -> Case:
    valid = np.asarray(case.mask)[..., None]
    return case.with_(y_true=np.where(valid, case.y_true, label))


def fed(case: Case) -> Case:
    """The case that a model with a `Masking` layer sees: padding is zero, and only padding is."""
    if case.mask is None:
        return case
    mask = np.asarray(case.mask, bool)
    x = np.where(mask[..., None], case.y_pred, 0.0).astype(np.float32)
    return case.with_(y_pred=x, mask=made_mask(x))


def made_mask(x: AnyArray) -> AnyArray:
    """What `Masking(0.0)` makes of a batch `(batch, steps, features)`."""
    return np.asarray(np.any(x != 0.0, axis=-1))


def _signature(number: int, *, masked: bool) -> Signature:
    shape = _SHAPES[number % 4]
    weights: Any = (None, shape[:2], shape[:1])[number % 3]
    return Signature(
        loss=_LOSSES[number % len(_LOSSES)],
        reduction="sum" if number % 5 == 4 else "sum_over_batch_size",
        dtype="float32",
        shape=shape,
        mask_shape=shape[:2] if masked else None,
        mask_dtype="bool" if masked else None,
        weight_shape=weights,
    )


def _cases(signature: Signature) -> st.SearchStrategy[Case]:
    kinds = tuple(kind for kind in MASK_KINDS if kind != "none")
    return cases(
        bucketed=[signature],
        mask_kinds=kinds if signature.mask_shape is not None else ("none",),
        weight_values=("one", "zero", "negative"),
        edges=False,
    )
