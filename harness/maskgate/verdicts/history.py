"""Which releases between two subjects change the answer to a case, by the oracle and the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from maskgate.case import Case
from maskgate.oracle import Refused, Semantics, expect, ledger
from maskgate.oracle.ledger import Switch
from maskgate.subjects.protocol import Answer, Refusal, Value
from maskgate.verdicts.compare import Expectation
from maskgate.verdicts.contrast import contrast


@dataclass(frozen=True)
class Step:
    """Two neighbours in the history of Keras.

    Attributes:
        version: first release with the later semantics; empty where none is listed.
        before: semantics until then.
        after: semantics from then on.
        switch: the change of family that the ledger lists there, if it does.
    """

    version: str
    before: Semantics
    after: Semantics
    switch: Switch | None = None


def steps_between(old: Semantics, new: Semantics) -> tuple[Step, ...]:
    """Every change of semantics on the way from one subject to the other, in that order.

    The way follows Keras's own releases, backwards where `new` is the older one. A tf_keras or the
    seed's formula starts from the release of Keras that has its semantics.
    """
    listed = _history()
    start, end = (_place(listed, each) for each in (old, new))
    forwards = start <= end
    between = listed[start + 1 : end] if forwards else listed[end + 1 : start][::-1]
    elements = old.elements or new.elements
    stops = [old, *(replace(each, elements=elements) for _, each in between), new]
    versions = [version for version, _ in listed]
    names = versions[start + 1 : end + 1] if forwards else versions[end + 1 : start + 1][::-1]
    steps = zip(names or [""], stops, stops[1:])  # noqa: B905 - one stop alone makes no step
    return tuple(
        Step(version, before, after, _switch(before, after))
        for version, before, after in steps
        if before != after
    )


def changed_by(case: Case, steps: Sequence[Step], *, part: str) -> tuple[Step, ...]:
    """The steps that a difference between both ends comes from, by the oracle's answers.

    A change that a later one takes back is none. A step keeps its switch only where the change of
    family, and not a lesser change in the same release, changes the answer.

    Args:
        case: the case.
        steps: as `steps_between` gives them.
        part: what differs: `refusal`, `shape`, `value` or `gradient`. For the first two no more
            than whether the case is refused, or the shape of the loss, is looked at.
    """
    if not steps:
        return ()
    stops = [steps[0].before, *(step.after for step in steps)]
    answers = [_answer(expect(case, each), part) for each in stops]
    changing, at = [], 0
    while True:
        alike = (i for i in range(len(stops) - 1, at, -1) if not _apart(answers[at], answers[i]))
        at = next(alike, at)
        if at == len(steps):
            break
        changing.append(steps[at])
        at += 1
    return tuple(
        step if _by_family(case, step, part) else replace(step, switch=None) for step in changing
    )


def told_apart(case: Case, one: Semantics, other: Semantics) -> bool:
    """Whether no answer to a case can be that of both."""
    return _apart(*(_answer(expect(case, each), "value") for each in (one, other)))


def _history() -> list[tuple[str, Semantics]]:
    """Keras's semantics, oldest first, each with the first release that has it."""
    found: dict[Semantics, str] = {}
    for version in ledger.versions("keras"):
        found.setdefault(ledger.lookup("keras", version).semantics, version)
    return [(version, semantics) for semantics, version in found.items()]


def _place(listed: Sequence[tuple[str, Semantics]], semantics: Semantics) -> int:
    wanted = (semantics.family, semantics.generation)
    return [(each.family, each.generation) for _, each in listed].index(wanted)


def _switch(before: Semantics, after: Semantics) -> Switch | None:
    families = {before.family, after.family}
    return next((s for s in ledger.switches() if {s.before, s.after} == families), None)


def _by_family(case: Case, step: Step, part: str) -> bool:
    """Whether the change of family alone changes the answer."""
    if step.switch is None:
        return False

    def changes(asked: Case, one: Semantics, other: Semantics) -> bool:
        return _apart(*(_answer(expect(asked, each), part) for each in (one, other)))

    before, after = step.before, step.after
    if before.rules.own_mask != after.rules.own_mask and case.mask is not None:
        # Which masks a loss looks at is part of such a switch, though a rule of the generation.
        return not changes(case.with_(mask=None), before, after)
    return changes(case, before, replace(before, family=after.family)) or changes(
        case, replace(after, family=before.family), after
    )


def _apart(one: _Exact, other: _Exact) -> bool:
    """Whether two expectations differ by more than both bounds."""
    return not contrast(one.answer, other.answer, ([one.allowed], [other.allowed])).holds


@dataclass(frozen=True)
class _Exact:
    """The answer of a subject that makes no error, and what it is allowed."""

    answer: Answer
    allowed: Expectation


def _answer(expectation: Expectation, part: str) -> _Exact:
    """As much of an expectation as the part is about."""
    if isinstance(expectation, Refused):
        return _Exact(Refusal("Refused", expectation.reason), expectation)
    value, gradient = expectation.value.value, expectation.gradient
    if part == "refusal":
        return _Exact(Value(np.zeros(()), None, "float64"), expectation)
    if part == "shape":
        return _Exact(Value(np.zeros(value.shape), None, "float64"), expectation)
    slope = None if gradient is None else gradient.value
    return _Exact(Value(value, slope, "float64"), expectation)
