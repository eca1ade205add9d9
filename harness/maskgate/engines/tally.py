"""What was seen while a property ran."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from maskgate.verdicts.deviations import KnownDeviation
from maskgate.verdicts.evidence import known_finding
from maskgate.verdicts.model import Finding


@dataclass
class Tally:
    """What was seen while a property ran.

    Attributes:
        examples: examples asked.
        worst: largest observed error as a fraction of its bound.
        asked: questions per mode.
        known: examples that showed a listed deviation, per entry.
        shown: the smallest of these examples, per entry: of a user's own loss, which an entry's
            minimal case need not be about.
        deviating: examples that showed a listed deviation, per mode.
        failing: modes in which what the first mode has shown is so as well.
        not_offered: answers that the release lacks what was asked for (a loss, a dtype).
        refused: examples that the family refuses, as its formula says.
        crashes: one finding per crash.
        subject_seconds: time that the framework's calls took.
    """

    examples: int = 0
    worst: float | None = None
    asked: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    shown: dict[str, Finding] = field(default_factory=dict)
    deviating: Counter[str] = field(default_factory=Counter)
    failing: set[str] = field(default_factory=set)
    not_offered: int = 0
    refused: int = 0
    crashes: list[Finding] = field(default_factory=list)
    subject_seconds: float = 0.0

    def show(self, entry: KnownDeviation, finding: Finding) -> None:
        """Keep the smallest example of a listed deviation."""
        before = self.shown.get(entry.id)
        if before is None or _size(finding) < _size(before):
            self.shown[entry.id] = known_finding(entry, finding)


def _size(finding: Finding) -> int:
    """How many predictions the case of a finding has."""
    assert finding.case is not None
    return math.prod(finding.case["y_pred"]["shape"])
