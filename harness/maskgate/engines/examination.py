"""The words that properties are written in: what is put to one subject about one pair of cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis.errors import UnsatisfiedAssumption

from maskgate.case import Case, FloatArray
from maskgate.engines.inquiry import HALF, Inquiry, both
from maskgate.oracle import Ball, Expected, Refused
from maskgate.oracle.ledger import on_backend
from maskgate.strategies import NotTaken
from maskgate.strategies.pairs import Pair
from maskgate.subjects.protocol import Answer, Mode, Question, Subject, Value
from maskgate.verdicts.compare import Judgement, judge
from maskgate.verdicts.relations import Close, Conforms, Identical, Relation

# Of an element loss of a user's own, besides those of its sum: a few elementary functions.
OWN_ROUNDINGS = 16


class Examination(Inquiry):
    """What a property's test function is given as `subject`.

    `conforms`, `identical` and `close` are the words that properties are written in; `holds` takes
    any relation. Each asks the subject in every mode of the pair, and raises a `Deviation` where
    the answer is neither as the property says nor a listed deviation.
    """

    @staticmethod
    def requires(condition: object) -> None:
        """As `hypothesis.assume`, also outside of Hypothesis, where listed cases are replayed."""
        if not condition:
            raise UnsatisfiedAssumption

    def exact(self, case: Case) -> Expected | Refused:
        """The loss as float64 gives it: the family's formula, or a user's own loss itself."""
        self._require_applicable()
        fine = case.with_(dtype="float64")
        if self.own is None:
            return self.expect(fine, gradient=False)
        if not self.own.takes(fine):
            raise NotTaken("it does not compute in float64, which would tell the exact value")
        (answer,) = self.ask([fine], self.description.modes[0])
        if not isinstance(answer, Value):
            return Refused(str(answer))
        value = answer.value.astype(np.float64)
        return Expected(Ball(value, np.zeros(value.shape)), None)

    def rounding(self, case: Case, value: FloatArray) -> FloatArray | None:
        """How far a loss that is exactly `value` may be off in the case's dtype; None where the
        family's formula does not take the case.

        The formula's bound, and for a loss that masks, weighs and reduces by code of its own also
        that of a sum of `n` terms of one sign, which is `n` roundings of the result. Where its mask
        is of no effect the formula, which sums fewer terms, would allow less.
        """
        rounded = self.expect(case, gradient=False)
        if isinstance(rounded, Refused):
            return None
        radius = rounded.value.radius
        if self.own is None or not self.own.reduces_itself or radius.shape != value.shape:
            return radius
        roundings = case.y_pred.size + OWN_ROUNDINGS
        return np.maximum(radius, roundings * case.format.unit_roundoff * np.abs(value))

    def conforms(self, pair: Pair, *, gradient: bool = False) -> None:
        """The answer is what the family's formula says, inside the derived bound."""
        self._require_applicable()
        if pair.case.loss.own and pair.case.loss.like is None:
            raise NotTaken("needs a formula: --like NAME")

        def conformance(mode: Mode) -> Conforms:
            return self._conformance(pair.case, mode, gradient=gradient, by_formula=True)

        self.holds(pair, conformance)

    def identical(self, pair: Pair) -> None:
        """Both cases have the same loss and the same gradient, bit for bit."""
        relation = Identical(both(pair))
        self.holds(pair, lambda _mode: relation)

    def close(self, pair: Pair, **law: Any) -> None:
        """The second loss is the first one times a factor, inside the bounds of both.

        Args:
            pair: the two cases.
            law: as the fields of `Close`: `factor`, `slack`, `of_case`, `of_altered`, `gradient`,
                `or_refused`.
        """
        case, altered = both(pair)
        gradient = law.get("gradient", True)

        def relation(mode: Mode) -> Close:
            excess = mode == "xla" and case.dtype in HALF
            how = {"gradient": gradient, "traced": mode != "eager", "excess_precision": excess}
            return Close(
                case, altered, (self.expect(case, **how), self.expect(altered, **how)), **law
            )

        self.holds(pair, relation)

    def holds(self, pair: Pair, relation: Callable[[Mode], Relation]) -> None:
        """Ask in every mode of the pair and judge by a relation, which may depend on the mode."""
        modes = self.modes(pair)
        # What to expect can be worked out while the subject is busy with the example before.
        ready = {mode: relation(mode) for mode in modes[:1]}

        def judged(mode: Mode) -> tuple[Judgement, Relation]:
            said = ready.get(mode) or relation(mode)
            return said.judge(self.ask(said.cases, mode, gradient=said.gradient)), said

        self._in_each_mode(pair, modes, judged)

    def repeats(self, pair: Pair) -> None:
        """The same case gives the same bits again, also after another case."""
        case, between = both(pair)
        relation = Identical((case, case), name="repeats")

        def judged(mode: Mode) -> tuple[Judgement, Relation]:
            first, _, again = self.ask((case, between, case), mode, gradient=True)
            return relation.judge((first, again)), relation

        self._in_each_mode(pair, self.modes(pair), judged)

    def modes_agree(self, pair: Pair) -> None:
        """Every mode of the subject gives the answer of its first one, inside the bound."""
        case = pair.case
        relation = Close(case, case, (self.expect(case), self.expect(case, traced=True)))
        first, *others = self.modes(pair)
        if not others and len(self.description.modes) > 1:
            return  # a corner beyond the compilations that the profile allows
        eager: list[Answer] = []

        def as_expected(answer: Answer) -> bool:
            return all(judge(answer, bound).holds for bound in relation.bounds[:1])

        def judged(mode: Mode) -> tuple[Judgement, Relation]:
            if not eager:
                eager.extend(self.ask([case], first, gradient=True))
            (answer,) = self.ask([case], mode, gradient=True)
            agreed = relation.judge((eager[0], answer))
            if not agreed.holds and mode == "xla" and case.dtype in HALF:
                # Eager code overflows where compiled code, with more precision, need not.
                conforms = self._conformance(case, mode, gradient=True).judge([answer])
                agreed = conforms if conforms.holds else agreed
            if not agreed.holds and not as_expected(eager[0]):
                # What is computed is not what the bounds are of: a finding of another property.
                roundings = 2 * (case.y_pred.size + OWN_ROUNDINGS)
                wide = replace(relation, relative=roundings * case.format.unit_roundoff)
                return wide.judge((eager[0], answer)), wide
            return agreed, relation

        self._in_each_mode(pair, others, judged, own_stage="mode")

    def backends_agree(self, pair: Pair) -> None:
        """The same release on other backends gives this one's answer, inside the bound."""
        case, first = pair.case, self.description.modes[:1]
        for peer in self.peers:
            against = peer.describe()
            question = Question(case, against.modes[0], gradient=True)
            there = on_backend(self.semantics, against.backend)
            relation = Close(case, case, (self.expect(case), self.expect(case, semantics=there)))

            def judged(
                mode: Mode,
                peer: Subject = peer,
                question: Question = question,
                relation: Close = relation,
            ) -> tuple[Judgement, Relation]:
                (own,) = self.ask([case], mode, gradient=True)
                return relation.judge((own, *peer.evaluate([question]))), relation

            beside = Pair(case, None, {**pair.details, "backend": against.backend})
            self._in_each_mode(beside, first, judged, own_stage="backend")
