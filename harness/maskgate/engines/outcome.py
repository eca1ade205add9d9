"""From what a property's run left behind to its verdict and findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from unittest import SkipTest

import pytest

from maskgate.engines.diagnosis import diagnosed
from maskgate.engines.examination import Examination
from maskgate.engines.inquiry import Deviation
from maskgate.engines.listing import listed
from maskgate.strategies.pairs import Pair
from maskgate.subjects.protocol import SubjectError
from maskgate.verdicts.deviations import KnownDeviation
from maskgate.verdicts.evidence import fixed_finding, known_finding, unreplayed_finding
from maskgate.verdicts.model import Finding, Identity, Kind, Result, Verdict, worst_of

# New findings that are asked in the other modes: each costs a compilation.
_TRIED_ELSEWHERE = 4


@dataclass(frozen=True)
class Outcome:
    """What one property said, ready to be logged."""

    subject: dict[str, Any]
    result: Result
    findings: tuple[Finding, ...]

    @property
    def unexpected(self) -> bool:
        """Whether this fails a run."""
        return self.result.verdict in ("new", "fixed", "error")

    def to_dict(self) -> dict[str, Any]:
        """Plain data for an event."""
        return {
            "subject": self.subject,
            "result": self.result.to_dict(),
            "findings": [finding.to_dict() for finding in self.findings],
        }

    def summary(self) -> str:
        """What to tell a person who runs the suite by pytest."""
        lines = [f"{self.result.property}: {self.result.verdict}", self.result.reason or ""]
        lines += [f"{f.verdict}: {f.title}\n    {f.message}" for f in self.findings]
        return "\n".join(line for line in lines if line)


def replay_known(examination: Examination, run: Callable[[Pair], None]) -> list[Finding]:
    """Run a property on the minimal case of each of its listed deviations.

    Args:
        examination: the property and its subject.
        run: runs the property on one pair.
    """
    return [
        finding for entry in examination.replays for finding in _replay(examination, entry, run)
    ]


class CornersDeviate(AssertionError):
    """What the corner cases of a property showed.

    Attributes:
        exceptions: one deviation of each identity, as in an exception group.
    """

    def __init__(self, exceptions: Sequence[Deviation]) -> None:
        super().__init__(f"{len(exceptions)} deviations in corner cases")
        self.exceptions = tuple(exceptions)


def try_corners(
    corners: Sequence[Pair], run: Callable[[Pair], None], *, compiled: int
) -> CornersDeviate | None:
    """Run a property on its corner cases; the deviations that they show, one of each identity.

    Args:
        corners: the pairs, in their order.
        run: runs the property on one pair.
        compiled: how many of those that ask compiled modes are asked in them: each costs a
            compilation. The others are asked eagerly.
    """
    shown: dict[type[Deviation], Deviation] = {}
    for pair in corners:
        compiled -= pair.compiled
        if pair.compiled and compiled < 0:
            pair = replace(pair, compiled=False)
        try:
            run(pair)
        except Deviation as deviation:
            shown.setdefault(type(deviation), deviation)
    return CornersDeviate(list(shown.values())) if shown else None


def try_other_modes(
    examination: Examination, problem: BaseException | None, run: Callable[[Pair], None]
) -> None:
    """Ask what the first mode has shown in the other modes, until each has failed, or has held on
    a few: `holds` of a mode that was hardly asked would be read as the answer.

    Args:
        examination: the property and its subject; its tally keeps which modes fail.
        problem: what the run raised.
        run: runs the property on one pair.
    """
    first, *others = examination.description.modes
    found = [
        deviation.finding
        for deviation in _deviations(problem)
        if deviation.finding.mode == first and deviation.finding.case is not None
    ]
    for mode in others if examination.every_mode else ():
        if any(examination.fails_in(mode, finding, run) for finding in found[:_TRIED_ELSEWHERE]):
            examination.tally.failing.add(mode)


def conclude(
    examination: Examination,
    *,
    kind: Kind,
    replayed: list[Finding],
    problem: BaseException | None,
    seconds: Callable[[], float],
) -> Outcome:
    """Give the verdict of one property.

    Args:
        examination: what was seen.
        kind: the property's kind.
        replayed: what `replay_known` found.
        problem: what the run raised.
        seconds: wall time so far.
    """
    tally = examination.tally
    deviations = list(_deviations(problem))
    listed = {finding.id for finding in replayed}
    shown = [finding for finding in tally.shown.values() if finding.id not in listed]
    new = [diagnosed(examination, deviation.finding) for deviation in deviations]
    findings = [*replayed, *shown, *new, *tally.crashes]
    reason = _reason(problem, deviations)
    verdicts: list[Verdict] = [finding.verdict for finding in findings]
    if isinstance(problem, pytest.skip.Exception | SkipTest):
        verdicts.append("skipped")
    elif reason is not None:
        verdicts.append("error")
    elif not verdicts and tally.examples and tally.not_offered >= tally.examples:
        verdicts.append("skipped")
        reason = "this release has none of what the property asks for"
    elif not verdicts:
        verdicts.append("holds" if tally.examples else "error")
        reason = None if tally.examples else "no example was tried"
    if reason is None and "error" in verdicts:
        reason = next(finding.message for finding in findings if finding.verdict == "error")
    distinct = {finding.id: finding for finding in findings}
    verdict = worst_of(verdicts)
    result = Result(
        subject=examination.description.id,
        property=examination.property,
        kind=kind,
        verdict=verdict,
        examples=tally.examples,
        worst=tally.worst,
        reason=reason,
        findings=tuple(distinct),
        modes={} if verdict == "skipped" else _by_mode(examination, findings),
        seconds=round(seconds(), 3),
        subject_seconds=round(tally.subject_seconds, 3),
    )
    return Outcome(described(examination), result, tuple(distinct.values()))


def described(examination: Examination) -> dict[str, Any]:
    """The subject as a report names it."""
    who = examination.description
    entry = listed(who)
    return {
        "id": who.id,
        "distribution": who.distribution,
        "keras": who.keras,
        "backend": who.backend,
        "framework": who.framework,
        "python": who.python,
        "numpy": who.numpy,
        "device": who.device,
        "family": entry.semantics.family,
        "listed": entry.exact,
        "checked_as": entry.nearest,
        "notes": list(who.notes),
    }


def _replay(
    examination: Examination, entry: KnownDeviation, run: Callable[[Pair], None]
) -> Iterator[Finding]:
    identity = Identity(
        entry.property, examination.semantics.family, entry.stage, entry.shape_class
    )
    try:
        deviation = examination.replay(entry, run)
    except (SkipTest, pytest.skip.Exception):  # the latter is no exception of the former's kind
        return
    except Exception as problem:  # what is wrong with one entry must not end the others
        yield unreplayed_finding(entry, identity, examination.description, problem)
        return
    if deviation is not None and deviation.finding.identity == vars(identity):
        yield known_finding(entry, deviation.finding)
        return
    if deviation is None and examination.tally.crashes:
        # No answer is not the right answer; the crash is told as what it is.
        return
    if examination.own is None or entry.link is None:
        # What is listed of built-in losses need not be so of a user's own.
        yield fixed_finding(entry, identity, examination.description)
    if deviation is not None and not examination.lists(deviation.finding):
        yield deviation.finding


def _deviations(problem: BaseException | None) -> Iterator[Deviation]:
    if isinstance(problem, Deviation):
        yield problem
    for each in getattr(problem, "exceptions", ()):
        yield from _deviations(each)


def _reason(problem: BaseException | None, deviations: list[Deviation]) -> str | None:
    if problem is None or deviations:
        return None
    if isinstance(problem, pytest.skip.Exception | SkipTest):
        return str(problem)
    if isinstance(problem, SubjectError):
        return str(problem)
    return f"{type(problem).__name__}: {problem}"[:2000]


def _by_mode(examination: Examination, findings: list[Finding]) -> dict[str, Verdict]:
    tally = examination.tally
    said: dict[str, Verdict] = {}
    for mode in tally.asked:
        verdicts: list[Verdict] = [f.verdict for f in findings if f.mode == mode]
        if tally.deviating[mode]:
            verdicts.append("known")
        if mode in tally.failing:
            verdicts.append("new")
        said[mode] = worst_of(verdicts or ["holds"])
    return said
