"""One difference between two subjects, as plain data that goes into a report or a baseline."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from maskgate.case import array_to_dict
from maskgate.subjects.protocol import Answer, Crash, Value

SideName = Literal["old", "new"]
SIDES: tuple[SideName, SideName] = ("old", "new")
Label = Literal["documented", "undocumented", "doubt"]
LABELS: tuple[Label, ...] = ("doubt", "undocumented", "documented")
PARTS = ("value", "gradient", "refusal", "shape")
DiffVerdict = Literal["new", "accepted", "fixed"]
DIFF_VERDICTS: tuple[DiffVerdict, ...] = ("new", "fixed", "accepted")


@dataclass(frozen=True)
class Cause:
    """What makes two examples one difference; it does not change while an example shrinks.

    Attributes:
        part: what differs: `value`, `gradient`, `shape` of the loss, or `refusal` by one side.
        refused_by: the side that refuses, or empty.
        stage: first stage at which the subjects part ways, see `parting.Parting`.
        topic: what is special about the case at that stage.
        shape_class: coarse class of its shapes.
        mode: execution mode, where the subjects agree in their first one; else empty.
        label: `documented`: a switch that the ledger lists explains it; `undocumented`: both sides
            follow their own family's oracle, or depart from it as a listed deviation says, but no
            switch explains it; `doubt`: a side departs from its own family's oracle.
        releases: releases between the two that change the answer, by the oracle.
        doubted: the sides that depart from their own family's oracle.
    """

    part: str
    refused_by: str
    stage: str
    topic: str
    shape_class: str
    mode: str
    label: Label
    releases: tuple[str, ...] = ()
    doubted: tuple[SideName, ...] = ()

    def __str__(self) -> str:
        fields = (
            value if isinstance(value, str) else "+".join(value) for value in vars(self).values()
        )
        return "/".join(fields)

    def covers(self, other: Cause) -> bool:
        """Whether the other says nothing new: the same of the gradient, or of an empty batch."""
        gradient = (self.part, other.part) == ("value", "gradient")
        empty = other.shape_class == "empty-batch" != self.shape_class
        if not (gradient or empty):
            return False
        plainer = replace(other, part=self.part) if gradient else other
        if empty:
            plainer = replace(plainer, shape_class=self.shape_class, releases=self.releases)
        return plainer == self

    @property
    def id(self) -> str:
        """A short name, stable between runs and fit for a file name."""
        digest = hashlib.sha256(str(self).encode()).hexdigest()[:6]
        refused = f"-by-{self.refused_by}" if self.refused_by else ""
        return f"{self.topic}-{self.part}{refused}-{digest}"

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Cause:
        """The cause that `asdict` made plain.

        Raises:
            TypeError: when a field is missing or unknown.
        """
        lists = {key: tuple(data[key]) for key in ("releases", "doubted") if key in data}
        return cls(**{**data, **lists})


@dataclass(frozen=True)
class Difference:
    """One difference with its evidence.

    Attributes:
        cause: what it is.
        verdict: `new`, `accepted` (listed in the baseline) or `fixed` (listed, and gone).
        title: one line.
        case: the minimal case, `Case.to_dict()`.
        mode: execution mode of each side.
        old: the old answer: `{"value", "gradient", "dtype"}` as `array_to_dict`, or `{"refused"}`.
        new: the new answer, likewise.
        place: part, index, both numbers and the allowed error at the worst place.
        follows: for each side the families whose formula, in some release, gives its answer.
        switches: the ledger's switches that explain it: version, summary, link (or None).
        thread: a public thread about it, or None.
        examples: number of examples that showed it, shrinking not counted.
        repro: path of the script below the report's folder, or None.
    """

    cause: Cause
    verdict: DiffVerdict
    title: str
    case: Mapping[str, Any]
    mode: Mapping[str, str]
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None
    place: Mapping[str, Any]
    follows: Mapping[str, tuple[str, ...]]
    switches: tuple[Mapping[str, Any], ...] = ()
    thread: str | None = None
    examples: int = 1
    repro: str | None = None

    @property
    def id(self) -> str:
        """Short, stable, fit for a file name."""
        return self.cause.id

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a report."""
        return {"id": self.id, **asdict(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Difference:
        """What `to_dict` wrote.

        Raises:
            KeyError, TypeError: when a field is missing or unknown.
        """
        fields = {key: value for key, value in data.items() if key != "id"}
        fields["cause"] = Cause.from_dict(data["cause"])
        fields["follows"] = {side: tuple(data["follows"][side]) for side in SIDES}
        return cls(**{**fields, "switches": tuple(data["switches"])})


@dataclass(frozen=True)
class Failure:
    """A subject that could not be asked, as data: what was asked, what was found, what to do."""

    asked: str
    found: str
    hint: str

    def __str__(self) -> str:
        return f"{self.asked}: {self.found}; {self.hint}"


@dataclass(frozen=True)
class Comparison:
    """One run of two subjects side by side, as far as it went.

    Attributes:
        subjects: the description of each side that answered, with its family: key `old`, `new`.
        differences: every one, new ones first.
        followed: for each side how many of its answers followed its own family's oracle.
        examples: number of examples tried.
        differing: how many of them differed.
        run: profile, seed and command.
        failures: what could not be asked.
        seconds: wall time.
        exit_status: 0 no difference but accepted ones, 1 differences, 2 wrong usage, 3 a subject
            failed, 130 interrupted.
    """

    subjects: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    followed: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    examples: int = 0
    differing: int = 0
    run: Mapping[str, Any] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    seconds: float = 0.0
    exit_status: int = 0


def answer_to_dict(answer: Answer) -> dict[str, Any]:
    """An answer as plain data."""
    if isinstance(answer, Value):
        return {
            "value": array_to_dict(answer.value),
            "gradient": array_to_dict(answer.gradient),
            "dtype": answer.dtype,
        }
    if isinstance(answer, Crash):
        return {"crashed": answer.reason}
    return {"refused": f"{answer.kind}: {answer.message}"}
