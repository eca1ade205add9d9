"""Two live subjects, asked the same questions at the same time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from maskgate.case import Case
from maskgate.engines.listing import listed
from maskgate.oracle import Semantics, expect, ledger
from maskgate.subjects.protocol import (
    Answer,
    Crash,
    Description,
    Mode,
    Question,
    Subject,
    SubjectError,
)
from maskgate.verdicts.compare import Expectation, Judgement, judge
from maskgate.verdicts.contrast import contrast
from maskgate.verdicts.difference import SIDES, SideName

Modes = tuple[Mode, Mode]
Answers = tuple[Answer, Answer]
_REMEMBERED = 512


@dataclass
class Side:
    """One of the two subjects.

    Attributes:
        name: `old` or `new`.
        subject: the live subject.
        description: who it is.
        semantics: the formula that the ledger lists for it.
        listed: the ledger's entry.
        asked: number of answers judged by its own oracle.
        followed: how many of them its oracle allows.
    """

    name: SideName
    subject: Subject
    description: Description
    semantics: Semantics
    listed: ledger.LedgerEntry
    asked: int = 0
    followed: int = 0
    _expected: OrderedDict[Any, list[Expectation]] = field(default_factory=OrderedDict, repr=False)

    @classmethod
    def of(cls, name: SideName, subject: Subject) -> Side:
        """Start a subject and look it up. Raises `SubjectError`."""
        description = subject.describe()
        entry = listed(description)
        return cls(name, subject, description, entry.semantics, entry)

    def expectations(self, case: Case, mode: Mode) -> list[Expectation]:
        """What its oracle allows: any of them."""
        key = (_key(case), mode)
        if key not in self._expected:
            self._expected[key] = allowances(case, self.semantics, mode)
            if len(self._expected) > _REMEMBERED:
                self._expected.popitem(last=False)
        return self._expected[key]

    def conforms(self, answer: Answer, case: Case, mode: Mode) -> bool:
        """Whether an answer is what its own oracle allows."""
        return any(judge(answer, each).holds for each in self.expectations(case, mode))


def allowances(case: Case, semantics: Semantics, mode: Mode) -> list[Expectation]:
    """What the oracle of some semantics allows a subject that is asked in a mode: any of them."""
    expected = [expect(case, semantics, traced=mode != "eager")]
    if mode == "xla" and case.dtype in ("float16", "bfloat16"):
        # XLA may keep intermediate results of the small formats in float32.
        expected.append(expect(case, semantics, traced=True, excess_precision=True))
    return expected


class SideBySide:
    """Both subjects. Each question is put to both at once; a few answers are remembered.

    Args:
        old: the one subject.
        new: the other.

    Raises:
        SubjectError: one of them cannot be started. Both are stopped then.
    """

    def __init__(self, old: Subject, new: Subject) -> None:
        self._subjects = (old, new)
        self._pool = ThreadPoolExecutor(len(SIDES), thread_name_prefix="maskgate-diff")
        self._answers: OrderedDict[Any, Answers] = OrderedDict()
        try:
            one, other = self._pool.map(Side.of, SIDES, self._subjects)
        except BaseException:
            self.close()
            raise
        self.sides = (one, other)

    def modes(self, *, compiled: bool) -> list[Modes]:
        """How a case is asked: in each side's first mode, or also in every mode that both have."""
        old, new = (side.description.modes for side in self.sides)
        first = (old[0], new[0])
        shared = [(mode, mode) for mode in old if mode in new]
        return [first, *(pair for pair in shared if pair != first)] if compiled else [first]

    def ask(self, cases: Sequence[Case], modes: Modes) -> list[Answers]:
        """Put cases to both subjects; answers that are still remembered are not asked again.

        Raises:
            SubjectError: a subject died, hung or sent rubbish over a case.
        """
        keys = [(_key(case), modes) for case in cases]
        missing = {
            key: case for key, case in zip(keys, cases, strict=True) if key not in self._answers
        }
        known = {key: self._answers[key] for key in keys if key in self._answers}
        if missing:
            asked = [
                self._pool.submit(
                    side.subject.evaluate, [Question(c, mode, True) for c in missing.values()]
                )
                for side, mode in zip(self.sides, modes, strict=True)
            ]
            old, new = (future.result() for future in asked)
            self._refuse_crashes(old, new)
            known.update(zip(missing, zip(old, new, strict=True), strict=True))
        self._remember(known)
        return [known[key] for key in keys]

    def contrast(self, case: Case, modes: Modes) -> Judgement:
        """Ask both and compare."""
        old, new = self.ask([case], modes)[0]
        allowed = [
            side.expectations(case, mode) for side, mode in zip(self.sides, modes, strict=True)
        ]
        return contrast(old, new, (allowed[0], allowed[1]))

    def doubted(self, case: Case, modes: Modes) -> tuple[SideName, ...]:
        """The sides that depart from their own family's oracle over a case."""
        answers = self.ask([case], modes)[0]
        return tuple(
            side.name
            for side, answer, mode in zip(self.sides, answers, modes, strict=True)
            if not side.conforms(answer, case, mode)
        )

    def tally(self, case: Case, modes: Modes) -> None:
        """Count for each side whether it follows its own family's oracle over a case."""
        doubted = self.doubted(case, modes)
        for side in self.sides:
            side.asked += 1
            side.followed += side.name not in doubted

    def close(self) -> None:
        """Stop both subjects, after the answers that are under way."""
        self._pool.shutdown(cancel_futures=True)
        for subject in self._subjects:
            subject.close()

    def _refuse_crashes(self, *answers: Sequence[Answer]) -> None:
        for side, answered in zip(self.sides, answers, strict=True):
            for answer in answered:
                if isinstance(answer, Crash):
                    hint = f"`maskgate check {side.description.id}` shows the case"
                    raise SubjectError(side.description.id, answer.reason, hint)

    def _remember(self, answers: dict[Any, Answers]) -> None:
        self._answers.update(answers)
        while len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)


def _key(case: Case) -> tuple[Any, ...]:
    """Everything that a case holds, bit for bit."""
    arrays = (case.y_true, case.y_pred, case.mask, case.sample_weight)
    held = (None if a is None else (a.dtype.str, a.shape, a.tobytes()) for a in arrays)
    return (case.loss, case.reduction, case.dtype, *held)
