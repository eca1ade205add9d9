"""A property about whole models put to one subject: what its trainer says of a batch."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from maskgate.case import AnyArray, Case
from maskgate.engines.examination import Examination
from maskgate.engines.inquiry import Deviation
from maskgate.oracle import Ball, Expected, Refused, expect
from maskgate.strategies.pairs import Pair
from maskgate.subjects.protocol import Crash, Done, Mode, ModelSubject, Refusal, Task, Value
from maskgate.verdicts.compare import Judgement, Mismatch, SubjectCrashed, judge, larger
from maskgate.verdicts.relations import Identical, Relation
from maskgate.verdicts.trained import Trained, Unmoved, reported

TESTING = ("test_on_batch", "evaluate", "evaluate-generator", "evaluate-dataset")
TRAINING = ("train_on_batch", "fit", "fit-generator", "fit-dataset")
# In the order in which a failure is named: the plainest entry point first.
ENTRIES = tuple(name for both in zip(TESTING, TRAINING, strict=True) for name in both)
# XLA compiles for each entry point anew, for seconds.
BRIEFLY: Mapping[str, tuple[str, ...]] = {"xla": ("test_on_batch", "train_on_batch")}
NOT_OFFERED = "NotOfferedError"
# A cold model of an old release is built, traced and compiled within this many seconds.
PATIENCE = 240.0
# A training step of Keras 2.0 to 2.2 is not always repeatable: two or three outcomes were seen of
# one batch. It is repeated this often before two batches are said to differ.
REPEATS = 6

Answered = dict[str, Value | Refusal]
Found = tuple[Judgement, Trained, str | None]


class ModelExamination(Examination):
    """What a property of whole models is given as `subject`.

    A pair's `details["model"]` names the model; the case's predictions are what it is fed. The
    trainer is asked as users do, in its default mode: as a graph where there are graphs.
    """

    every_mode = False
    # In the order in which a failure is named.
    entries: tuple[str, ...] = ENTRIES
    # The entry point that failed while the first one held.
    _alone: str | None = None
    # Once something has failed: the entry points that show it. Shrinking asks hundreds of times.
    _narrowed: tuple[str, ...] = ()

    def some_of(self, corners: Sequence[Pair], number: int) -> Sequence[Pair]:
        """The corners that a profile with this number of them asks."""
        return corners[:number]

    def trains_by_formula(self, pair: Pair) -> None:
        """Every entry point reports what the family's formula says of a compiled model."""

        def judged(answers: Answered, mode: Mode) -> Found:
            relation = Trained(pair.case)
            used: float | None = None
            for entry, answer in answers.items():
                wanted = self.expect_trained(pair.case, mode, training=entry in TRAINING)
                said = judge(answer, wanted)
                if not said.holds:
                    alone = entry != next(iter(answers))
                    return said, replace(relation, entry=entry), entry if alone else None
                used = larger(used, said.used)
            return Judgement(None, used), relation, None

        self._each_mode(pair, judged)

    def paths_agree(self, pair: Pair) -> None:
        """Every entry point reports what `test_on_batch` reports, or all refuse the batch."""

        def judged(answers: Answered, mode: Mode) -> Found:
            first, *others = answers
            relation = Trained(pair.case)
            used: float | None = None
            for entry in others:
                said = self._agreed(pair.case, mode, answers[first], answers[entry])
                if not said.holds:
                    return said, replace(relation, entry=entry, against=first), entry
                used = larger(used, said.used)
            return Judgement(None, used), relation, None

        self._each_mode(pair, judged)

    def steps_alike(self, pair: Pair) -> None:
        """One training step on either batch has one loss and leaves the same weights, bit for
        bit."""
        assert pair.altered is not None
        cases = (pair.case, pair.altered)
        relation = Identical(cases, name="trained-identical")

        def judged(mode: Mode) -> tuple[Judgement, Identical]:
            answers = [self._step(each, pair, mode) for each in cases]
            for answer in answers:
                if isinstance(answer, Refusal):  # two refusals are alike, and say nothing
                    return Judgement(Mismatch("answer", "a loss", _words(answer), 0.0)), relation
            said = relation.judge(answers)
            return (
                said if said.holds else self._judged_again(pair, mode, relation, answers)
            ), relation

        self._applies()
        self._in_each_mode(pair, self.modes(pair), judged, own_stage="trainer")

    def step_changes_nothing(self, pair: Pair) -> None:
        """One training step has a loss of 0 and leaves the weights as they were, bit for bit."""
        relation = Unmoved(pair.case)

        def judged(mode: Mode) -> tuple[Judgement, Unmoved]:
            done = self._perform("training.step", pair.case, pair, mode)
            if isinstance(done, Refusal):
                return Judgement(Mismatch("answer", "a loss", _words(done), 0.0)), relation
            found = done.arrays
            before = Value(np.zeros(()), found["before"], "float32")
            return relation.judge([before, Value(found["loss"], found["weights"], "float32")]), (
                relation
            )

        self._applies()
        self._in_each_mode(pair, self.modes(pair), judged, own_stage="trainer")

    def _judged_again(
        self, pair: Pair, mode: Mode, relation: Identical, answers: list[Value | Refusal]
    ) -> Judgement:
        """The verdict where one step alone may have several outcomes.

        Both batches are asked again until an outcome of the one is an outcome of the other. Where
        none is, though the same batch differs from itself, the losses alone are compared.
        """
        said = relation.judge(answers)
        if self.semantics.family not in ("objective", "objective-epsilon"):
            return said
        outcomes = [[answer] for answer in answers]
        for _ in range(REPEATS):
            for seen, each in zip(outcomes, relation.cases, strict=True):
                seen.append(self._step(each, pair, mode))
            for one, other in itertools.product(*outcomes):
                if relation.judge([one, other]).holds:
                    return relation.judge([one, other])
        alike = all(relation.judge([seen[0], each]).holds for seen in outcomes for each in seen[1:])
        if alike or not all(isinstance(answer, Value) for answer in answers):
            return said
        losses = [replace(answer, gradient=None) for answer in answers if isinstance(answer, Value)]
        return Identical(relation.cases, gradient=False).judge(losses)

    def expect_trained(self, case: Case, mode: Mode, *, training: bool) -> Expected | Refused:
        """What the subject's family reports of a batch in a compiled model.

        The reported number has been through a tracker: times the batch size, over it.
        """
        # Differentiation traces on JAX, whatever the mode.
        traced = mode != "eager" or (training and self.semantics.loses_mask)
        compiled = replace(self.semantics, path="compiled")
        said = expect(case, compiled, gradient=False, traced=traced)
        if not isinstance(said, Expected):
            return said
        return Expected(reported(said.value, case.format), None)

    def modes(self, pair: Pair) -> tuple[Mode, ...]:
        """The trainer's default mode, or all of them."""
        offered = self.description.modes
        default: tuple[Mode, ...] = ("graph", "xla", "eager")
        if self.description.backend == "torch":
            default = ("eager",)  # what torch compiles is the topic of the loss properties
        own = tuple(mode for mode in default if mode in offered)
        return own if pair.compiled else own[:1]

    def _agreed(
        self, case: Case, mode: Mode, first: Value | Refusal, other: Value | Refusal
    ) -> Judgement:
        said = self.expect_trained(case, mode, training=False)
        if isinstance(first, Refusal) or isinstance(other, Refusal):
            if type(first) is type(other) and isinstance(said, Refused):
                return Judgement(None)
            wanted = "a loss" if isinstance(first, Refusal) else _words(first)
            refused = first if isinstance(first, Refusal) else other
            return Judgement(Mismatch("answer", wanted, _words(refused), 0.0))
        radius = 2.0 * said.value.radius if isinstance(said, Expected) else np.zeros(())
        return judge(other, Expected(Ball(first.value.astype(np.float64), radius), None))

    def _each_mode(self, pair: Pair, judged: Callable[[Answered, Mode], Found]) -> None:
        self._applies()

        def in_mode(mode: Mode) -> tuple[Judgement, Trained]:
            said, relation, self._alone = judged(self._losses(pair, mode), mode)
            return said, relation

        try:
            self._in_each_mode(pair, self.modes(pair), in_mode)
        except Deviation:
            if self._replaying is None and not self._narrowed:
                self._narrowed = (self.entries[0], self._alone or self.entries[1])
            raise

    def _stage(self, pair: Pair, mode: Mode, relation: Relation, *, refused: bool) -> str:
        """The entry point that stands alone, or the stage of the loss object's own failure, or
        `trainer` where the loss object is right."""
        if self._alone is not None:
            return self._alone
        stage = super()._stage(pair, mode, relation, refused=refused)
        return "trainer" if stage == "formula" else stage

    def _applies(self) -> None:
        if self.description.distribution == "seed":
            pytest.skip("the seed's formula is no trainer")
        if self.own is not None:
            pytest.skip("whole models are asked with the built-in losses")

    def _losses(self, pair: Pair, mode: Mode) -> Answered:
        entries = self._narrowed or BRIEFLY.get(mode, ENTRIES)
        done = self._perform("training.losses", pair.case, pair, mode, entries=list(entries))
        return self._by_entry(done, entries)

    def _by_entry(self, done: Done | Refusal, entries: Sequence[str]) -> Answered:
        """What each entry point said, those that the release lacks left out."""
        if isinstance(done, Refusal):
            return dict.fromkeys(entries, done)
        refused = {name: Refusal(*said) for name, said in done.data["refused"].items()}
        answers: Answered = {
            name: refused[name] if name in refused else Value(done.arrays[name], None, "float32")
            for name in entries
        }
        offered = {name: each for name, each in answers.items() if not _lacking(each)}
        return offered or answers

    def _step(self, case: Case, pair: Pair, mode: Mode) -> Value | Refusal:
        done = self._perform("training.step", case, pair, mode)
        if isinstance(done, Refusal):
            return done
        return Value(done.arrays["loss"], done.arrays["weights"], "float32")

    def _perform(
        self, task: str, case: Case, pair: Pair, mode: Mode, **parameters: Any
    ) -> Done | Refusal:
        self.tally.asked[mode] += 1
        arrays: dict[str, AnyArray] = {"x": case.y_pred, "y_true": case.y_true}
        if case.sample_weight is not None:
            arrays["sample_weight"] = case.sample_weight
        given = {
            "model": pair.details["model"],
            "loss": case.loss.kind.keras_class,
            "loss_parameters": dict(case.loss.parameters),
            "reduction": case.reduction,
            "mode": mode,
            **parameters,
        }
        subject = cast(ModelSubject, self._subject)
        done = subject.perform(Task(task, given, arrays), timeout=PATIENCE)
        self.tally.subject_seconds += done.seconds
        if isinstance(done, Crash):
            raise SubjectCrashed(done.reason)
        return done


def _lacking(answer: Value | Refusal) -> bool:
    return isinstance(answer, Refusal) and answer.kind == NOT_OFFERED


def _words(answer: Value | Refusal) -> str:
    if isinstance(answer, Refusal):
        return f"{answer.kind}: {answer.message}"[:300]
    return "a loss"
