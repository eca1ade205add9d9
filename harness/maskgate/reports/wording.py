"""The sentences and short forms that every report for people shares."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from maskgate.case import LossSpec
from maskgate.reports.links import FINDINGS, is_finding
from maskgate.reports.report import INTERRUPTED, Report
from maskgate.verdicts.model import Finding, Result, Verdict

MODE_ORDER = ("eager", "graph", "xla")
UNEXPECTED: tuple[Verdict, ...] = ("new", "fixed", "error")
# How many numbers of a nested list are spelled out.
_SHOWN = 8


def outcome(report: Report) -> str:
    """How a run came out, in a sentence or two."""
    if not report.complete and report.exit_status == INTERRUPTED:
        done = f"{len(report.results)} of {report.planned} property runs were finished"
        return f"Interrupted: {done}. {_verdict_sentence(report)}"
    if report.failures:
        failed = "; ".join(f"{failure.asked}: {failure.found}" for failure in report.failures)
        rest = f" {_verdict_sentence(report)}" if report.results else ""
        return f"No answer: {failed}.{rest}"
    if report.accepted is not None:
        return f"{_verdict_sentence(report)} {_accepted(report.accepted)}"
    return _verdict_sentence(report)


def _accepted(written: Mapping[str, Any]) -> str:
    """What became of the baseline."""
    added = counted(written["added"], "deviation")
    removed = f", {written['removed']} taken out" if written["removed"] else ""
    return f"Accepted: {added} written to {written['path']}{removed}."


def _verdict_sentence(report: Report) -> str:
    counts = report.counts
    unexpected = [verdict for verdict in UNEXPECTED if counts[verdict]]
    calm = _calm(counts)
    if not report.results:
        return "Nothing was asked yet."
    if not unexpected:
        lead = "As expected" if report.complete else "So far as expected"
        return f"{lead}: {calm}."
    parts = "; ".join(_unexpected_part(report, verdict) for verdict in unexpected)
    return f"Unexpected: {parts}. Otherwise: {calm}."


def _calm(counts: Mapping[str, int]) -> str:
    parts = [
        _count(counts["holds"], "property holds", "properties hold"),
        _count(counts["known"], "deviates as listed", "deviate as listed"),
        _count(counts["skipped"], "was skipped", "were skipped"),
    ]
    return ", ".join(part for part in parts if part) or "nothing else was asked"


def _unexpected_part(report: Report, verdict: Verdict) -> str:
    names = dict.fromkeys(r.property for r in report.results if r.verdict == verdict)
    says = {
        "new": ("deviates in a way that is not listed", "deviate in a way that is not listed"),
        "fixed": ("no longer deviates as listed", "no longer deviate as listed"),
        "error": ("got no answer", "got no answer"),
    }[verdict]
    return f"{', '.join(names)} {says[0] if len(names) == 1 else says[1]}"


def _count(number: int, one: str, many: str) -> str:
    return "" if not number else f"{number} {one if number == 1 else many}"


def modes_of(results: Iterable[Result]) -> tuple[str, ...]:
    """The execution modes that results speak of: the usual ones first, in their usual order."""
    seen = dict.fromkeys(mode for result in results for mode in result.modes)
    return tuple(sorted(seen, key=lambda m: (m not in MODE_ORDER, (*MODE_ORDER, m).index(m))))


def in_mode(result: Result, mode: str) -> str:
    """The verdict of a property in one mode; a property about all modes says one thing in each."""
    return result.modes.get(mode, "-") if result.modes else result.verdict


def findings_of(report: Report, result: Result) -> list[Finding]:
    """The findings that a result names."""
    return [
        finding
        for finding in report.findings
        if finding.subject == result.subject and finding.id in result.findings
    ]


def unexpected_findings(report: Report) -> list[Finding]:
    """Findings that fail the run, in the order of the log."""
    return [finding for finding in report.findings if finding.verdict in UNEXPECTED]


def known_findings(report: Report) -> list[Finding]:
    """Listed deviations that were seen, each once a subject."""
    known = [finding for finding in report.findings if finding.verdict == "known"]
    return list({(f.subject, f.property, f.title, f.link): f for f in known}.values())


def note(report: Report, result: Result) -> str:
    """What a table says beside a verdict: the reason, or where the deviation is discussed."""
    if result.reason:
        return result.reason
    links = dict.fromkeys(f.link for f in findings_of(report, result) if f.link)
    first = next(iter(links), None)
    more = f" +{len(links) - 1}" if len(links) > 1 else ""
    return "" if first is None else short_link(first) + more


def short_link(link: str) -> str:
    """`keras #18829` for a GitHub thread, `finding NAME`, any other address without its scheme."""
    if is_finding(link):
        return f"finding {link.removeprefix(FINDINGS)}"
    thread = re.fullmatch(r"https://github\.com/[^/]+/([^/]+)/(?:issues|pull)/(\d+)(?:#.*)?", link)
    if thread:
        return f"{thread[1]} #{thread[2]}"
    parts = urlsplit(link)
    return f"{parts.netloc}{parts.path}" if parts.netloc else link


def subject_line(description: Mapping[str, Any]) -> str:
    """Who answered, in one line, without its id."""
    if not description:
        return "it did not say what it is"
    name = {"tf_keras": "tf_keras", "seed": "seed formula"}.get(
        description.get("distribution", ""), "keras"
    )
    return (
        f"{name} {description['keras']} on {description['backend']} {description['framework']}, "
        f"python {description['python']}, numpy {description['numpy']}, {description['device']}, "
        f"family {description['family']}"
    )


def subject_notes(description: Mapping[str, Any]) -> list[str]:
    """What a reader should know of a subject: its own notes, and how its version was taken."""
    notes = list(description.get("notes", ()))
    if not description.get("listed", True):
        listed = description["checked_as"]
        notes.insert(0, f"{description['keras']} is not listed; it is checked as {listed}")
    return notes


def loss_line(case: Mapping[str, Any]) -> str:
    """The loss of a case, its reduction and its dtype."""
    loss = LossSpec.from_dict(case["loss"])
    if loss.role != "loss":
        return f"{loss.name} in {case['dtype']}"
    inside = "".join(f", {key}={value!r}" for key, value in loss.parameters)
    return f"{loss.kind.keras_class}(reduction={case['reduction']!r}{inside}) in {case['dtype']}"


def of_layer(finding: Finding) -> bool:
    """Whether the evidence is one layer's call, which its message tells, and no batch of labels."""
    return finding.reproducer.get("relation") == "layer-mask"


def repeat_command(report: Report, finding: Finding) -> str:
    """The command that runs this property of this subject again, with the same examples."""
    peers = _peers(report, finding)
    named = "/".join([finding.property, *filter(None, [finding.details.get("scenario")])])
    words = ["maskgate", "check", finding.subject, *peers, "--select", named]
    loss = LossSpec.from_dict(finding.case["loss"]) if finding.case is not None else None
    if loss is not None and loss.own:
        words += [f"--{loss.role}", loss.name] + (
            [] if loss.like is None else ["--like", str(loss.like)]
        )
    run = report.run or {}
    for option in ("profile", "seed"):
        if run.get(option) is not None:
            words += [f"--{option}", str(run[option])]
    who = report.description(finding.subject)
    if who.get("backend", "tensorflow") != "tensorflow" and not peers:
        words += ["--backend", who["backend"]]
    if who.get("device", "cpu") != "cpu":
        words += ["--device", who["device"]]
    return shlex.join(words)


def _peers(report: Report, finding: Finding) -> list[str]:
    """The subjects beside which a backend answers otherwise: its release on other backends."""
    if finding.stage != "backend":
        return []

    def release(who: Mapping[str, Any]) -> tuple[Any, Any]:
        return who.get("distribution"), who.get("keras")

    own = report.description(finding.subject)
    return [
        who["id"]
        for who in report.subjects
        if who["id"] != finding.subject and release(who) == release(own)
    ]


def brief(value: Any) -> str:
    """A number, a nested list or words, short enough for one line."""
    if isinstance(value, Mapping):
        parts = (f"{key} {brief(item)}" for key, item in value.items() if item is not None)
        return ", ".join(parts)
    if isinstance(value, list | tuple):
        return _brief_list(value)
    if isinstance(value, bool) or value is None:
        return "-" if value is None else str(value)
    return f"{value:.9g}" if isinstance(value, int | float) else str(value)


def _brief_list(values: Sequence[Any]) -> str:
    shown = ", ".join(brief(item) for item in values[:_SHOWN])
    rest = f", ... {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    return f"[{shown}{rest}]"


def counted(number: int, thing: str) -> str:
    """`1 finding`, `2 findings`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def rounded(worst: float | str | None) -> str:
    """A fraction of a bound for a table."""
    if worst is None:
        return "-"
    return f"{worst:.2f}" if isinstance(worst, float | int) else worst
