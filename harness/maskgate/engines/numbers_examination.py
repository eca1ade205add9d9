"""Many numbers of one batch, each judged by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from maskgate.case import AnyArray, Case
from maskgate.engines.inquiry import CRASHES_ENOUGH
from maskgate.engines.model_examination import NOT_OFFERED, PATIENCE, ModelExamination
from maskgate.strategies.pairs import Pair
from maskgate.subjects.protocol import (
    Answer,
    Crash,
    Done,
    Mode,
    ModelSubject,
    Refusal,
    Task,
    Value,
)
from maskgate.verdicts.compare import Judgement, Mismatch, SubjectCrashed
from maskgate.verdicts.model import Identity

Answered = dict[str, Value | Refusal]


@dataclass(frozen=True)
class Told:
    """One number of many that a subject gave of a batch, judged where it was asked.

    Attributes:
        cases: the batches.
        name: which number.
        relation: how it was judged, as in a script; `told` for what has none.
    """

    cases: tuple[Case, ...]
    name: str
    relation: str = "told"
    gradient: bool = False

    def judge(self, answers: Sequence[Answer]) -> Judgement:
        """Not by itself."""
        raise NotImplementedError(f"{len(answers)} answers, and the bound is the examination's")

    def recipe(self, mismatch: Mismatch) -> dict[str, Any]:
        """What a script compares."""
        return {"relation": self.relation, "name": self.name, "tolerance": mismatch.bound}


@dataclass(frozen=True)
class Verdict:
    """What is said of one number.

    Attributes:
        name: which number.
        judgement: the comparison.
        stage: as in `Identity`.
        kind: shape class, as in `Identity`.
        shown: what a finding says beside its batch: plain data.
        relation: as in `Told`, where it is another than the examination's.
    """

    name: str
    judgement: Judgement
    stage: str
    kind: str
    shown: Mapping[str, Any] = field(default_factory=dict)
    relation: str = ""


class NumbersExamination(ModelExamination):
    """Has the worker do tasks that give many numbers of a batch, each judged by itself."""

    def judged_each(
        self,
        pair: Pair,
        told: Callable[[Mode], Iterator[Verdict]],
        *,
        relation: str = "told",
    ) -> None:
        """Settle every number that `told` gives; what the release lacks is left out.

        Args:
            pair: the batch, or two.
            told: gives the verdicts of a mode.
            relation: what they compare, for a script that repeats it.
        """
        self._applies()
        self._require_applicable()
        self._do(lambda: self._judge_numbers(pair, told, relation))

    def _judge_numbers(
        self, pair: Pair, told: Callable[[Mode], Iterator[Verdict]], relation: str
    ) -> None:
        if len(self.tally.crashes) >= CRASHES_ENOUGH:
            return
        self.tally.examples += 1
        mode = self.modes(pair)[0]
        cases = (pair.case,) if pair.altered is None else (pair.case, pair.altered)
        offered = 0
        try:
            for each in told(mode):
                mismatch = each.judgement.mismatch
                if mismatch is not None and str(mismatch.observed).startswith(NOT_OFFERED):
                    continue
                offered += 1
                said = each.judgement
                if mismatch is not None and mismatch.part == "value":
                    said = Judgement(replace(mismatch, part=each.name), said.used)
                beside = {**pair.details, "only": each.name, "kind": each.kind, **each.shown}
                about = replace(pair, details=beside)
                self._settle(
                    about, mode, said, Told(cases, each.name, each.relation or relation), each.stage
                )
        except SubjectCrashed as crash:
            self._crashed(pair, mode, str(crash))
            return
        self.tally.not_offered += not offered

    def _identity(self, stage: str, pair: Pair) -> Identity:
        kind = pair.details.get("kind")
        if kind is None:
            return super()._identity(stage, pair)
        return Identity(self.property, self.semantics.family, stage, str(kind))

    def numbers(
        self,
        task: str,
        names: Sequence[str],
        parameters: Mapping[str, Any],
        arrays: Mapping[str, AnyArray | None],
        mode: Mode,
    ) -> Answered:
        """The numbers of these names, as the worker's task tells them."""
        self.tally.asked[mode] += 1
        given = {name: each for name, each in arrays.items() if each is not None}
        subject = cast(ModelSubject, self._subject)
        done = subject.perform(Task(task, dict(parameters), given), timeout=PATIENCE)
        self.tally.subject_seconds += done.seconds
        if isinstance(done, Crash):
            raise SubjectCrashed(done.reason)
        if not isinstance(done, Done):
            return dict.fromkeys(names, done)
        refused = done.data["refused"]
        return {
            name: Refusal(*refused[name])
            if name in refused
            else Value(done.arrays[name], None, "float32")
            for name in names
        }
