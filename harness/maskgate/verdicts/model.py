"""The words of an answer: verdicts, results and findings, as plain data that goes into a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Verdict = Literal["holds", "known", "new", "fixed", "skipped", "error"]
VERDICTS: tuple[Verdict, ...] = ("holds", "known", "new", "fixed", "skipped", "error")
Kind = Literal["conformance", "law", "agreement"]
KINDS: tuple[Kind, ...] = ("conformance", "law", "agreement")


def worst_of(verdicts: list[Verdict]) -> Verdict:
    """The one verdict that stands for several: what fails a run comes before what does not."""
    order: tuple[Verdict, ...] = ("error", "new", "fixed", "known", "holds", "skipped")
    return next((verdict for verdict in order if verdict in verdicts), "skipped")


@dataclass(frozen=True)
class Identity:
    """What makes two failures one finding; it does not change while an example shrinks.

    Attributes:
        property: public name of the property.
        family: family of semantics of the subject.
        stage: first stage that differs: `elementwise`, `mask`, `weight`, `reduction`, `gradient`,
            `mode`, `refusal`, or `formula` where the subject follows its family exactly and the
            family itself breaks the law; `own` for a user's own loss that reduces by its own code.
        shape_class: coarse class of shapes and values, e.g. `weight-rank-1-coincident`.
    """

    property: str
    family: str
    stage: str
    shape_class: str

    def __str__(self) -> str:
        return f"{self.property}/{self.family}/{self.stage}/{self.shape_class}"


@dataclass(frozen=True)
class Finding:
    """One deviation with its evidence.

    Attributes:
        id: short, stable, from the identity: usable as a file name.
        subject: the subject's id.
        property: public name of the property.
        verdict: `known`, `new`, `fixed` or `error`.
        title: one line.
        identity: the identity's four parts.
        case: the minimal case, `Case.to_dict()`.
        altered: the case that it is compared with, for laws about two cases; else None.
        details: how the one came from the other, plain data.
        mode: execution mode it was seen in: `eager`, `graph`, `xla`.
        expected: what the property asks for: a number, a nested list, or words such as `refused`.
        observed: what the subject answered, likewise.
        bound: largest error allowed, a number (`inf` where any value is).
        stage: as in `identity`.
        link: public thread, or None.
        message: a few lines for a person.
        repro: path of the script below the report's folder, or None before it is written.
        reproducer: everything the script needs beyond the cases: distribution, comparison.
    """

    id: str
    subject: str
    property: str
    verdict: Verdict
    title: str
    identity: Mapping[str, str]
    case: Mapping[str, Any] | None
    altered: Mapping[str, Any] | None
    details: Mapping[str, Any]
    mode: str
    expected: Any
    observed: Any
    bound: Any
    stage: str
    link: str | None = None
    message: str = ""
    repro: str | None = None
    reproducer: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for an event or a report."""
        return asdict(self)


@dataclass(frozen=True)
class Result:
    """What one property said of one subject.

    Attributes:
        subject: the subject's id.
        property: public name of the property.
        kind: `conformance`, `law` or `agreement`.
        verdict: the verdict of the whole property.
        examples: number of examples tried, replays of known deviations not counted.
        worst: largest observed error as a fraction of the bound, over examples that held; None
            where nothing was compared with a bound.
        reason: why it was skipped, or what is wrong; None otherwise.
        findings: ids of the findings.
        modes: verdict per execution mode.
        seconds: wall time of the property.
        subject_seconds: the part of it that the framework's calls took.
    """

    subject: str
    property: str
    kind: Kind
    verdict: Verdict
    examples: int = 0
    worst: float | None = None
    reason: str | None = None
    findings: tuple[str, ...] = ()
    modes: Mapping[str, Verdict] = field(default_factory=dict)
    seconds: float = 0.0
    subject_seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain data for an event or a report."""
        return asdict(self)
