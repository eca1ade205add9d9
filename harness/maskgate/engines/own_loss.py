"""A user's own loss under examination: what it takes, and its element losses, asked one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from maskgate.case import Case, FloatArray, LossSpec
from maskgate.oracle import Measured
from maskgate.strategies import Pair, Scope
from maskgate.subjects.protocol import Description, Question, Subject, Value
from maskgate.verdicts.deviations import KnownDeviation

# Past this many elements they are asked in one go, if the loss can: each takes a call.
_ONE_BY_ONE = 128
# Examples, and what they shrink to, share most of their elements: this many are kept.
_KEPT = 100_000

# What holds of any metric over the valid elements of a batch. Gradients, sums and what is linear in
# the weights are for losses.
METRIC_LAWS = (
    "labels-under-mask",
    "labels-under-mask-nonfinite",
    "predictions-under-mask",
    "predictions-under-mask-nonfinite",
    "mask-rank",
    "mask-dtype",
    "batch-permutation",
    "padding-invariance",
    "compaction",
    "constant-loss",
    "full-mask-is-no-mask",
    "empty-mask",
    "empty-row",
    "zero-weights",
    "unit-weights",
    "mask-times-weight",
    "weight-broadcast",
    "eager-graph-xla",
    "repeatable",
)

_Key = tuple[str, int, bytes, bytes]
_Element = tuple[FloatArray, FloatArray]  # the loss, and its slope by each feature


def scope_of(description: Description, loss: LossSpec) -> Scope:
    """What a loss takes, as its worker found out."""
    said = description.extra["own"]
    return Scope(
        loss,
        reductions=tuple(said["reductions"]),
        dtypes=tuple(said["dtypes"]),
        ranks=tuple(said["ranks"]),
        weights=bool(said["weights"]),
    )


def introduced(description: Description, loss: LossSpec) -> Description:
    """The description, with notes on the loss and what it is asked with."""
    said = description.extra["own"]
    form = {"class": "a class", "object": "an object, asked as it is made"}
    what = form.get(said["form"], "a function of element values")
    by_itself = said["reduces_itself"] and loss.role == "loss"
    itself = "; it masks, weighs and reduces by code of its own" if by_itself else ""
    like = "any real numbers" if loss.like is None else f"as of {loss.like}"
    missing = "" if said["weights"] else "; it takes no sample weights"
    ranks = ", ".join(map(str, said["ranks"]))
    notes = (
        f"the {loss.role} under test is {loss.name}, {what}{itself}",
        f"asked with {_reductions(said)}dtypes {', '.join(said['dtypes'])}; predictions of rank "
        f"{ranks}; labels and predictions {like}{missing}",
    )
    return replace(description, notes=(*notes, *description.notes))


def _reductions(said: Mapping[str, Any]) -> str:
    return "" if said["role"] == "metric" else f"reductions {', '.join(said['reductions'])}; "


class OwnLoss:
    """One loss of a user's, and the subject that has it.

    Args:
        loss: the loss.
        subject: answers for it.
        description: who answers.
    """

    def __init__(self, loss: LossSpec, subject: Subject, description: Description) -> None:
        self.loss, self.scope = loss, scope_of(description, loss)
        self._subject, self._mode = subject, description.modes[0]
        self._leaves_mask = bool(description.extra["own"]["leaves_mask"])
        self.reduces_itself = bool(description.extra["own"]["reduces_itself"])
        self._kept: dict[_Key, _Element | None] = {}

    def elements(self, case: Case, *, singly: bool = False) -> Measured | None:
        """The element losses of a case, whatever its mask, weights and reduction.

        Args:
            case: the case.
            singly: each element is asked by itself, so that one that depends on the others shows;
                else all in one call, where the loss offers it.

        Returns:
            None where they cannot be asked.
        """
        found = self._asked(case, singly)
        if found is None:
            return None
        finer = None
        if case.dtype != "float64" and "float64" in self.scope.dtypes:
            finer = self._asked(case.with_(dtype="float64"), singly)
        return Measured.of(case, *found, finer)

    def _asked(self, case: Case, singly: bool) -> _Element | None:
        """Element losses and their slopes in the case's dtype."""
        bare = case.with_(mask=None, sample_weight=None)
        size = int(np.prod(case.loss_shape))
        if "none" in self.scope.reductions and (not singly or size > _ONE_BY_ONE):
            return self._together(bare.with_(reduction="none"))
        return self._one_by_one(bare.with_(reduction=self.scope.reductions[0]))

    def _together(self, bare: Case) -> _Element | None:
        (answer,) = self._ask([bare])
        if answer is None or answer[0].shape != bare.loss_shape:
            return self._one_by_one(bare.with_(reduction=self.scope.reductions[0]))
        return answer

    def _one_by_one(self, bare: Case) -> _Element | None:
        rank, shape = bare.y_pred.ndim, bare.loss_shape
        value, slope = np.zeros(shape), np.zeros(bare.y_pred.shape)
        ones = (1,) * (rank - 1)
        keys: dict[tuple[int, ...], _Key] = {}
        missing: dict[_Key, Case] = {}
        for place in np.ndindex(*shape):
            label, prediction = bare.y_true[place], bare.y_pred[place]
            key = (bare.dtype, rank, label.tobytes(), prediction.tobytes())
            keys[place] = key
            if key not in self._kept:
                missing[key] = bare.with_(
                    y_true=np.reshape(label, (*ones, *np.shape(label))),
                    y_pred=np.reshape(prediction, (*ones, *prediction.shape)),
                )
        if len(self._kept) > _KEPT:
            self._kept = {key: self._kept[key] for key in keys.values() if key in self._kept}
        self._kept.update(zip(missing, self._ask([*missing.values()]), strict=True))
        for place, key in keys.items():
            answer = self._kept[key]
            if answer is None or answer[0].size != 1:
                return None
            value[place], slope[place] = answer[0].ravel()[0], answer[1].ravel()
        return value, slope

    def _ask(self, cases: Sequence[Case]) -> list[_Element | None]:
        if not cases:
            return []
        answers = self._subject.evaluate([Question(case, self._mode, True) for case in cases])
        return [
            (answer.value.astype(np.float64), answer.gradient.astype(np.float64))
            if isinstance(answer, Value) and answer.gradient is not None
            else None
            for answer in answers
        ]

    def reason_to_skip(self, property_name: str) -> str | None:
        """Why a property is not tried at all: a metric keeps fewer laws than a loss."""
        if self.loss.role == "metric" and property_name not in METRIC_LAWS:
            return "about losses, not metrics"
        return None

    def takes(self, case: Case) -> bool:
        """Whether the loss takes a case: its reduction, dtype, rank and weights."""
        scope = self.scope
        return (
            case.reduction in scope.reductions
            and case.dtype in scope.dtypes
            and case.y_pred.ndim in scope.ranks
            and (case.sample_weight is None or scope.weights)
        )

    def with_loss(self, entry: KnownDeviation) -> KnownDeviation | None:
        """A listed deviation put in terms of this loss; None where it is not about it.

        What is listed of built-in losses is the release's masking, weighing and reducing, which a
        loss that leaves these to the release shares. What is accepted of an own loss is its own.
        """
        own = entry.case.loss
        if own.own:
            return entry if own.name == self.loss.name and self.takes(entry.case) else None
        stage = entry.stage
        if self.loss.role == "metric" and entry.property.endswith("-nonfinite"):
            # The framework's metrics multiply by the mask as its losses do.
            stage = "own" if self._leaves_mask else stage
        elif self.reduces_itself:
            return None
        # What a user has accepted of the built-in ones is not about this one.
        if entry.link is None or entry.stage in ("elementwise", "backend"):
            return None
        altered = entry.altered
        return replace(
            entry,
            stage=stage,
            case=entry.case.with_(loss=self.loss),
            altered=None if altered is None else altered.with_(loss=self.loss),
        )

    def replayable(self, entry: KnownDeviation, listed: KnownDeviation) -> bool:
        """Whether the minimal case of an entry is one for this loss.

        Args:
            entry: in terms of this loss, as `with_loss` gives it.
            listed: as it is listed.
        """
        same = listed.case.loss == self.loss or listed.case.loss == self.loss.definition
        return same and all(self.takes(c) for c in (entry.case, entry.altered) if c is not None)


def corners_for(own: OwnLoss | None, corners: Sequence[Pair]) -> Sequence[Pair]:
    """The corner cases of a property that are ones for the loss under test.

    Those of the built-in loss that it is like (or of any real numbers) are; what is special about
    the numbers of the others is special to those losses.
    """
    if own is None:
        return corners
    return [
        replace(pair, case=pair.case.with_(loss=own.loss))
        for pair in corners
        if pair.case.loss == own.loss.definition and pair.altered is None and own.takes(pair.case)
        if np.prod(pair.case.loss_shape) <= _ONE_BY_ONE
    ]
