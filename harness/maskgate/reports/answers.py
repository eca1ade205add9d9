"""What a run says to the questions that people come with, before the table of all properties."""

from __future__ import annotations

from collections.abc import Sequence

from maskgate.reports.report import Report
from maskgate.reports.wording import findings_of
from maskgate.verdicts.model import Finding, Result

# In the order of the answers: the property that a statement is of.
STATEMENTS = {
    "labels-under-mask": "labels of masked steps are ignored",
    "mask-reaches-loss": "labels of masked steps are ignored when a model trains",
    "labels-under-mask-nonfinite": "NaN and infinity there are ignored",
    "padding-invariance": "more masked steps change nothing",
    "empty-mask": "a batch of masked steps alone has a loss of 0",
    "weight-broadcast": "weights of (batch,) weigh samples, or are refused",
}


def answers(report: Report, results: Sequence[Result]) -> list[tuple[str, str]]:
    """Each statement that was tried, and whether it is so.

    Args:
        report: what the results are of.
        results: of one subject.
    """
    by_name = {result.property: result for result in results}
    asked = [(said, by_name[name]) for name, said in STATEMENTS.items() if name in by_name]
    told = [(said, _answer(report, result)) for said, result in asked]
    return [(said, answer) for said, answer in told if answer]


def _answer(report: Report, result: Result) -> str:
    if result.verdict == "holds":
        return "yes"
    if result.verdict in ("new", "fixed"):
        return "not as listed: see below"
    if result.verdict != "known":
        return ""
    # What is met in everyday dtypes comes first.
    found = sorted(findings_of(report, result), key=_in_half_precision)
    titles = list(dict.fromkeys(finding.title for finding in found))
    more = f" (and {len(titles) - 1} more: see Known, below)" if len(titles) > 1 else ""
    return f"not always: {titles[0]}{more}" if titles else ""


def _in_half_precision(finding: Finding) -> bool:
    return finding.case is not None and finding.case.get("dtype") in ("float16", "bfloat16")
