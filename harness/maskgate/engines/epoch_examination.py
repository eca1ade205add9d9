"""A property about epochs put to one subject: what its trainer says of several batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from maskgate.case import Case
from maskgate.engines.model_examination import Answered, Found, ModelExamination
from maskgate.oracle import Ball, Expected, Refused
from maskgate.oracle.epochs import batches_of, epoch_loss, weighs_batches
from maskgate.strategies.pairs import Pair
from maskgate.subjects.protocol import Mode, Refusal, Value
from maskgate.subjects.worker.tasks.epochs import HELD_OUT_SHARE
from maskgate.verdicts.compare import Judgement, judge, larger
from maskgate.verdicts.model import Identity
from maskgate.verdicts.relations import Relation
from maskgate.verdicts.trained import Trained

# The one that is known to be wrong in Keras 2.3 comes last: a failure hides those behind it.
ENTRIES = (
    "evaluate",
    "fit",
    "fit-generator",
    "evaluate-dataset",
    "fit-dataset",
    "evaluate-generator",
)
# Asked of some examples: what `fit` shuffles, is given to validate, or holds out itself.
HELD_OUT = ("fit-shuffled", "validation", "validation-split")
# XLA compiles for each entry point and each size of a batch anew, for seconds.
BRIEFLY: Mapping[str, tuple[str, ...]] = {"xla": ("evaluate", "fit")}


class EpochExamination(ModelExamination):
    """What a property of epochs is given as `subject`.

    A pair's case holds all samples; its details name the `model`, the `batch_size` and the
    `steps_per_execution`, and `held_out` where the entry points `HELD_OUT` are asked too.
    """

    entries = ENTRIES

    def epoch_conforms(self, pair: Pair) -> None:
        """Every entry point reports the mean of the batches' losses by the family's formula."""

        def judged(answers: Answered, mode: Mode) -> Found:
            relation = Trained(pair.case)
            used: float | None = None
            of_all = self._expected(pair, mode)
            for entry, answer in answers.items():
                seen = _seen_by(entry, pair)
                said = judge(answer, of_all if seen is pair else self._expected(seen, mode))
                if not said.holds:
                    alone = entry != next(iter(answers))
                    return said, replace(relation, entry=entry), entry if alone else None
                used = larger(used, said.used)
            return Judgement(None, used), relation, None

        self._each_mode(pair, judged)

    def split_is_free(self, pair: Pair) -> None:
        """`evaluate` reports of batches of any size what it reports of one batch of all."""
        whole = _resized(pair, len(pair.case.y_pred))

        def judged(mode: Mode) -> tuple[Judgement, Relation]:
            relation = Trained(pair.case, "evaluate", "evaluate")
            seen, wanted = (self._one(each, mode) for each in (pair, whole))
            if isinstance(wanted, Refusal):
                return judge(seen, Refused(str(wanted))), relation
            radius = np.zeros(())
            for each in (self._expected(pair, mode), self._expected(whole, mode)):
                if isinstance(each, Expected):
                    radius = radius + each.value.radius
            allowed = Ball(wanted.value.astype(np.float64), radius)
            return judge(seen, Expected(allowed, None)), relation

        self._applies()
        self._in_each_mode(pair, self.modes(pair), judged)

    def _one(self, pair: Pair, mode: Mode) -> Value | Refusal:
        self._narrowed = ("evaluate",)
        return self._losses(pair, mode)["evaluate"]

    def _expected(self, pair: Pair, mode: Mode) -> Expected | Refused:
        """The mean over the batches, or the refusal of the first one that does not fit."""
        parts = batches_of(pair.case, int(pair.details["batch_size"]))
        balls = []
        for part in parts:
            # Not through a tracker batch by batch: the epoch's own bound counts its roundings.
            said = self._of_batch(part, mode)
            if isinstance(said, Refused):
                return said
            balls.append(said.value)
        weighed = weighs_batches(self.description.distribution, self.description.keras)
        sizes = [len(part.y_pred) if weighed else 1 for part in parts]
        return Expected(epoch_loss(balls, sizes, pair.case.format), None)

    def _of_batch(self, case: Case, mode: Mode) -> Expected | Refused:
        traced = mode != "eager" or self.semantics.loses_mask
        compiled = replace(self.semantics, path="compiled")
        return self.expect(case, gradient=False, semantics=compiled, traced=traced)

    def _losses(self, pair: Pair, mode: Mode) -> Answered:
        usual = (*ENTRIES[:-1], *HELD_OUT, ENTRIES[-1]) if "held_out" in pair.details else ENTRIES
        entries = self._narrowed or BRIEFLY.get(mode, usual)
        done = self._perform(
            "epochs.losses",
            pair.case,
            pair,
            mode,
            entries=list(entries),
            batch_size=int(pair.details["batch_size"]),
            steps_per_execution=int(pair.details["steps_per_execution"]),
        )
        return self._by_entry(done, entries)

    def _stage(self, pair: Pair, mode: Mode, relation: Relation, *, refused: bool) -> str:  # noqa: ARG002
        """The entry point that stands alone; `formula` where the release's formula itself breaks a
        law; else `epoch`."""
        if self._alone is not None:
            return self._alone
        if not isinstance(relation, Trained) or relation.against is None:
            return "epoch"
        for each in (pair, _resized(pair, len(pair.case.y_pred))):
            if not judge(self._one(each, mode), self._expected(each, mode)).holds:
                return "epoch"
        return "formula"

    def _identity(self, stage: str, pair: Pair) -> Identity:
        kind = "plain"
        if stage == "formula":
            kind = "unmasked" if pair.case.mask is None else "masked"
        return Identity(self.property, self.semantics.family, stage, kind)


def _seen_by(entry: str, pair: Pair) -> Pair:
    """The samples and the batch size that an entry point's number is about."""
    if entry == "fit-shuffled":
        return _resized(pair, len(pair.case.y_pred))
    if entry == "validation-split":
        trained_on = int(len(pair.case.y_pred) * (1.0 - HELD_OUT_SHARE))
        return replace(pair, case=batches_of(pair.case, trained_on)[1])
    return pair


def _resized(pair: Pair, batch_size: int) -> Pair:
    return replace(pair, details={**pair.details, "batch_size": batch_size})
