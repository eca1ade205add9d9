"""From the place where two subjects part ways to a cause, and to a difference with its evidence."""

from __future__ import annotations

from collections.abc import Sequence

from maskgate.case import Case, number_to_json
from maskgate.engines.diff_pair import Answers, Modes, SideBySide
from maskgate.oracle import expect, ledger
from maskgate.subjects.protocol import Answer, Refusal
from maskgate.verdicts.compare import Mismatch, judge
from maskgate.verdicts.deviations import KnownDeviation
from maskgate.verdicts.difference import SIDES, Cause, Difference, Label, SideName, answer_to_dict
from maskgate.verdicts.history import Step, changed_by, steps_between
from maskgate.verdicts.parting import Parting

# Characters of either side in a title.
_LONGEST_SIDE = 80


class Causes:
    """Names the causes of differences between two subjects.

    Args:
        both: the two subjects.
        known: listed deviations, for the public threads that they name.
    """

    def __init__(self, both: SideBySide, known: Sequence[KnownDeviation] = ()) -> None:
        self._both, self._known = both, known
        self._steps = steps_between(*(side.semantics for side in both.sides))

    def cause(self, parting: Parting, modes: Modes) -> Cause:
        """What a difference comes from; asks no more than was asked to find it."""
        doubted = self._both.doubted(parting.case, modes)
        changes = () if doubted else self._changes(parting)
        explained = all(self._listed(name, parting) for name in doubted)
        first = self._both.modes(compiled=False)[0]
        return Cause(
            part=parting.part,
            refused_by=self._refused_by(parting, modes),
            stage=parting.stage,
            topic=parting.topic,
            shape_class=parting.shape_class,
            mode="" if modes == first else modes[1],
            label=_label(explained=explained, changes=changes),
            releases=tuple(step.version for step in changes),
            doubted=doubted,
        )

    def difference(
        self, cause: Cause, parting: Parting, modes: Modes, answers: Answers
    ) -> Difference:
        """The difference, with both answers and what the oracles and the ledger say of it."""
        changes = () if cause.doubted else self._changes(parting)
        switches = [step.switch for step in changes if step.switch is not None]
        links = [switch.link for switch in switches if switch.link]
        return Difference(
            cause=cause,
            verdict="new",
            title=_title(cause, parting),
            case=parting.case.to_dict(),
            mode=dict(zip(SIDES, modes, strict=True)),
            old=answer_to_dict(answers[0]),
            new=answer_to_dict(answers[1]),
            place=_place(parting.mismatch),
            follows={
                side: families_following(parting.case, answer)
                for side, answer in zip(SIDES, answers, strict=True)
            },
            switches=tuple(
                {"version": each.version, "summary": each.summary, "link": each.link or None}
                for each in switches
            ),
            thread=links[0] if links else self._listed_thread(cause),
        )

    def _changes(self, parting: Parting) -> tuple[Step, ...]:
        """The releases that explain it; only those with a switch of family, where there are any."""
        changes = changed_by(parting.case, self._steps, part=parting.part)
        return tuple(step for step in changes if step.switch is not None) or changes

    def _refused_by(self, parting: Parting, modes: Modes) -> SideName | str:
        if parting.part != "refusal":
            return ""
        old, _ = self._both.ask([parting.case], modes)[0]
        return SIDES[0] if isinstance(old, Refusal) else SIDES[1]

    def _listed(self, name: SideName, parting: Parting) -> bool:
        """Whether a listed deviation of that side says that it departs there."""
        side = self._both.sides[SIDES.index(name)]
        return any(
            (entry.stage, entry.shape_class) == (parting.stage, parting.shape_class)
            and entry.case.loss.name == parting.case.loss.name
            and entry.applies(side.semantics.family, side.description)
            for entry in self._known
        )

    def _listed_thread(self, cause: Cause) -> str | None:
        """The thread of a listed deviation of either family that is about the same."""
        families = {side.semantics.family for side in self._both.sides}
        fitting = (
            entry.link
            for entry in self._known
            if (entry.property == cause.topic or (cause.doubted and entry.stage == cause.stage))
            and entry.shape_class == cause.shape_class
            and families & set(entry.families)
        )
        return next((link for link in fitting if link), None)


def families_following(case: Case, answer: Answer) -> tuple[str, ...]:
    """The families whose formula, in some listed release, gives this answer."""
    listed = {
        ledger.lookup(distribution, version).semantics
        for distribution in ledger.DISTRIBUTIONS
        for version in ledger.versions(distribution)
    }
    found = {each.family for each in listed if judge(answer, expect(case, each)).holds}
    return tuple(sorted(found))


def _label(*, explained: bool, changes: Sequence[Step]) -> Label:
    if not explained:
        return "doubt"
    return "documented" if any(step.switch for step in changes) else "undocumented"


def _title(cause: Cause, parting: Parting) -> str:
    mismatch, dtype = parting.mismatch, parting.case.dtype
    about = cause.topic if dtype == "float32" else f"{cause.topic} in {dtype}"
    return f"{about}: {_change(mismatch)}"


def _change(mismatch: Mismatch) -> str:
    ends = (mismatch.expected, mismatch.observed)
    old, new = (_short(side) for side in ends)
    if old == new:
        # As many digits as tell them apart.
        old, new = (str(side) for side in ends)
    if mismatch.part == "answer":
        return f"{old} -> {new}"
    place = f"[{', '.join(map(str, mismatch.index))}]" if mismatch.index else ""
    return f"{mismatch.part}{place} {old} -> {new}"


def _short(value: float | str) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    line = value.splitlines()[0]
    return line if len(line) <= _LONGEST_SIDE else line[: _LONGEST_SIDE - 3].rstrip() + "..."


def _place(mismatch: Mismatch) -> dict[str, object]:
    def plain(value: float | str) -> float | str:
        return value if isinstance(value, str) else number_to_json(value)

    return {
        "part": mismatch.part,
        "index": list(mismatch.index),
        "old": plain(mismatch.expected),
        "new": plain(mismatch.observed),
        "bound": plain(mismatch.bound),
        "elements": mismatch.count,
    }
