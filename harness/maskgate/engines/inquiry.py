"""Asking one subject about one property: questions, judgement, what is known, and the evidence."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from hypothesis.errors import UnsatisfiedAssumption

from maskgate.case import Case
from maskgate.engines.own_loss import OwnLoss
from maskgate.engines.standard import Standard
from maskgate.engines.tally import Tally
from maskgate.oracle import Semantics
from maskgate.strategies import NotTaken
from maskgate.strategies.pairs import Pair
from maskgate.subjects.protocol import (
    Answer,
    Description,
    Mode,
    Question,
    Subject,
    SubjectError,
)
from maskgate.verdicts.blame import blame
from maskgate.verdicts.compare import Judgement, Mismatch, SubjectCrashed, larger
from maskgate.verdicts.deviations import KnownDeviation
from maskgate.verdicts.evidence import make_finding
from maskgate.verdicts.model import Finding, Identity, Verdict
from maskgate.verdicts.relations import Conforms, Relation
from maskgate.verdicts.shapes import shape_class

# After this many crashes a property asks no more: each costs a restart of the subject.
CRASHES_ENOUGH = 3

HALF = ("float16", "bfloat16")

# How a worker names what its release does not have: such a question does not apply to it.
NOT_OFFERED = "NotOfferedError"


class Deviation(AssertionError):
    """A failure of one identity. Each identity has a class of its own (see `_class_of`), because
    Hypothesis tells failures apart, and shrinks them apart, by exception class."""

    def __init__(self, evidence: Finding) -> None:
        super().__init__(evidence.message)
        self.finding = evidence


_CLASSES: dict[Identity, type[Deviation]] = {}


def _class_of(identity: Identity) -> type[Deviation]:
    if identity not in _CLASSES:
        name = "".join(c if c.isalnum() else "_" for c in str(identity))
        _CLASSES[identity] = type(name, (Deviation,), {})
    return _CLASSES[identity]


class Inquiry:
    """One property of one subject: it is asked, its answers are judged, and what is not listed is
    raised.

    Attributes:
        every_mode: whether the question put eagerly can be put traced and compiled as it is.
    """

    every_mode = True

    def __init__(
        self,
        *,
        subject: Subject,
        description: Description,
        semantics: Semantics,
        property_name: str,
        known: Sequence[KnownDeviation] = (),
        peers: Sequence[Subject] = (),
        own: OwnLoss | None = None,
    ) -> None:
        self.own = own
        self.description = description
        self.semantics = semantics
        standard = Standard(semantics, own)
        self.expect, self.element_sum = standard.expect, standard.element_sum
        self.property = property_name
        self.tally = Tally()
        self._subject = subject
        # In terms of the loss under test, beside the entry as it is listed.
        self._listed = [(own.with_loss(each) if own else each, each) for each in known]
        self.known = tuple(each for each, _ in self._listed if each is not None)
        self.peers = tuple(peers)
        self._replaying: KnownDeviation | None = None
        self._only: Mode | None = None
        self._do: Callable[[Callable[[], None]], None] = _at_once

    @contextlib.contextmanager
    def asking_by(self, do: Callable[[Callable[[], None]], None]) -> Iterator[None]:
        """Hand what asks the subject and judges its answers, one job an example, to `do`."""
        self._do = do
        try:
            yield
        finally:
            self._do = _at_once

    @property
    def replays(self) -> tuple[KnownDeviation, ...]:
        """The listed deviations whose minimal case can be asked."""
        own = self.own
        return tuple(
            each
            for each, listed in self._listed
            if each is not None and (own is None or own.replayable(each, listed))
        )

    def finish(self) -> None:
        """End what the property alone has started: nothing, for most."""

    def _require_applicable(self) -> None:
        reason = None if self.own is None else self.own.reason_to_skip(self.property)
        if reason is not None:
            raise NotTaken(reason)

    def _in_each_mode(
        self,
        pair: Pair,
        modes: Sequence[Mode],
        judged: Callable[[Mode], tuple[Judgement, Relation]],
        *,
        own_stage: str | None = None,
    ) -> None:
        """Judge one example mode by mode; what fails in a later mode alone is that mode's fault."""
        self._require_applicable()
        weighted = any(case.sample_weight is not None for case in both(pair))
        if weighted and self.own is not None and not self.own.scope.weights:
            # Such as a mask that an alteration turns into weights.
            raise NotTaken("it takes no sample weight")
        self._do(lambda: self._judge_each_mode(pair, modes, judged, own_stage))

    def _judge_each_mode(
        self,
        pair: Pair,
        modes: Sequence[Mode],
        judged: Callable[[Mode], tuple[Judgement, Relation]],
        own_stage: str | None,
    ) -> None:
        if len(self.tally.crashes) >= CRASHES_ENOUGH:
            return
        self.tally.examples += 1
        first_held, known = False, None
        for number, mode in enumerate(modes):
            try:
                verdict, relation = judged(mode)
            except SubjectCrashed as crash:
                self._crashed(pair, mode, str(crash))
                return
            first_held = first_held or (number == 0 and verdict.holds)
            if known is not None and not verdict.holds:
                # The first mode has shown the listed deviation on this very example.
                self._count(known, mode)
                continue
            stage = own_stage or ("mode" if first_held and number > 0 else None)
            known = self._settle(pair, mode, verdict, relation, stage)

    def modes(self, pair: Pair) -> tuple[Mode, ...]:
        """The modes in which a pair is asked: the subject's first one, or all of them."""
        if self._only is not None:
            return (self._only,)
        entry = self._replaying
        if entry is not None and entry.modes:
            # That a mode stands alone shows only beside the first one.
            asked = (*self.description.modes[:1], *entry.modes)
            return tuple(mode for mode in self.description.modes if mode in asked)
        return self.description.modes if pair.compiled else self.description.modes[:1]

    def ask(self, cases: Iterable[Case], mode: Mode, *, gradient: bool = False) -> list[Answer]:
        """Put cases to the subject in one mode."""
        self.tally.asked[mode] += 1
        answers = self._subject.evaluate([Question(case, mode, gradient) for case in cases])
        self.tally.subject_seconds += sum(answer.seconds for answer in answers)
        return answers

    def _settle(
        self, pair: Pair, mode: Mode, judged: Judgement, relation: Relation, stage: str | None
    ) -> KnownDeviation | None:
        """Pass what holds, count and return what is known, raise the rest as a `Deviation`."""
        if judged.mismatch is None:
            self.tally.worst = larger(self.tally.worst, judged.used)
            return None
        if str(judged.mismatch.observed).startswith(NOT_OFFERED):
            self.tally.not_offered += 1
            return None
        refused = judged.mismatch.part == "answer"
        stage = stage or self._stage(pair, mode, relation, refused=refused)
        if stage == "formula" and refused:
            # The family refuses such a case, and says so: no law is broken by a clear error.
            self.tally.refused += 1
            return None
        identity = self._identity(stage, pair)
        entry = next((each for each in self.known if each.matches(identity)), None)
        finding = self._finding(
            "new", identity, pair, mode, judged.mismatch, relation.recipe(judged.mismatch)
        )
        if entry is not None and self._replaying is None:
            self._count(entry, mode)
            if self.own is not None:
                self.tally.show(entry, finding)
            return entry
        raise _class_of(identity)(finding)

    def _count(self, entry: KnownDeviation, mode: Mode) -> None:
        self.tally.known[entry.id] += 1
        self.tally.deviating[mode] += 1

    def replay(self, entry: KnownDeviation, run: Callable[[Pair], None]) -> Deviation | None:
        """Run a property on a listed deviation's minimal case; what it raises, or None."""
        self._replaying = entry
        examples = self.tally.examples
        try:
            run(Pair(entry.case, entry.altered, entry.details, compiled=bool(entry.modes)))
        except Deviation as deviation:
            return deviation
        except UnsatisfiedAssumption:
            return None  # a case edited by hand, which the property does not take
        finally:
            self._replaying = None
            self.tally.examples = examples
        return None

    def lists(self, finding: Finding) -> bool:
        """Whether a finding is one of the listed deviations."""
        return any(each.matches(Identity(**finding.identity)) for each in self.known)

    def fails_in(self, mode: Mode, finding: Finding, run: Callable[[Pair], None]) -> bool:
        """Whether what the first mode has shown, shrunk, is so in another mode as well: there the
        examples went unasked, since a failure in the first mode ends an example."""
        assert finding.case is not None
        altered = None if finding.altered is None else Case.from_dict(finding.altered)
        before, self.tally = self.tally, Tally()
        self._only = mode
        try:
            run(Pair(Case.from_dict(finding.case), altered, dict(finding.details), compiled=True))
        except Deviation as deviation:
            return deviation.finding.identity == finding.identity
        except (UnsatisfiedAssumption, SubjectError):
            return False
        finally:
            self._only = None
            before.asked[mode] += self.tally.asked[mode]
            self.tally = before
        return False

    def _conformance(
        self, case: Case, mode: Mode, *, gradient: bool, by_formula: bool = False
    ) -> Conforms:
        """That the family's formula holds: of a user's own loss, over its own elements, or over
        those of the formula that the user says it computes."""
        asked = case.with_(loss=case.loss.definition) if by_formula else case
        if (mode == "xla" or self.description.backend in ("jax", "torch")) and not _finite(case):
            # XLA rewrites selections, and the slope of |NaN| is 0 in PyTorch and -1 in JAX: which
            # parts of a gradient a NaN reaches is their own affair.
            gradient = False
        traced = mode != "eager"
        said = partial(self.expect, asked, gradient=gradient, singly=True)
        expectations = [said(traced=traced)]
        if mode == "xla" and case.dtype in HALF:
            # XLA may keep intermediate results of the small formats in float32, where they do not
            # overflow and are not rounded: either prediction is right.
            expectations.append(said(traced=traced, excess_precision=True))
        return Conforms(case, tuple(expectations), gradient=gradient)

    def _stage(self, pair: Pair, mode: Mode, relation: Relation, *, refused: bool) -> str:
        """Where the subject leaves its family's formula first; `formula` where it never does.

        `own` for a loss that masks, weighs and reduces by code of its own: the family's formula
        says nothing about it.
        """
        gradient, by_formula = relation.gradient, isinstance(relation, Conforms)
        if self.own is not None and self.own.reduces_itself and not by_formula and not refused:
            return "own"

        def judged(case: Case) -> Judgement:
            if self.own is not None and case.loss.own and not self.own.takes(case):
                return Judgement(None)  # such as `none`, which many do not heed
            said = self._conformance(case, mode, gradient=gradient, by_formula=by_formula)
            return said.judge(self.ask([case], mode, gradient=gradient))

        try:
            stages = [blame(case, judged) for case in both(pair)]
        except SubjectCrashed:
            return "crash"
        return next((stage for stage in stages if stage != "none"), "formula")

    def _identity(self, stage: str, pair: Pair) -> Identity:
        kind = shape_class(pair.case, pair.altered, stage=stage)
        return Identity(self.property, self.semantics.family, stage, kind)

    def _crashed(self, pair: Pair, mode: Mode, reason: str) -> None:
        mismatch = Mismatch("answer", "an answer", reason, 0.0)
        identity = self._identity("crash", pair)
        self.tally.crashes.append(self._finding("error", identity, pair, mode, mismatch, {}))

    def _finding(
        self,
        verdict: Verdict,
        identity: Identity,
        pair: Pair,
        mode: Mode,
        mismatch: Mismatch,
        recipe: dict[str, Any],
    ) -> Finding:
        return make_finding(
            verdict,
            identity,
            case=pair.case,
            altered=pair.altered,
            details=pair.details,
            mode=mode,
            mismatch=mismatch,
            recipe=recipe,
            description=self.description,
        )


def _at_once(job: Callable[[], None]) -> None:
    job()


def _finite(case: Case) -> bool:
    return bool(np.isfinite(case.y_true).all() and np.isfinite(case.y_pred).all())


def both(pair: Pair) -> tuple[Case, ...]:
    """The cases of a pair: one, or two."""
    return (pair.case,) if pair.altered is None else (pair.case, pair.altered)
