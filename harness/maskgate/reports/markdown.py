"""The report as Markdown, for a pull request or a wiki."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from maskgate.reports.answers import answers
from maskgate.reports.batch import batch
from maskgate.reports.links import in_markdown
from maskgate.reports.report import Report
from maskgate.reports.wording import (
    brief,
    in_mode,
    known_findings,
    loss_line,
    modes_of,
    note,
    of_layer,
    outcome,
    repeat_command,
    rounded,
    subject_line,
    subject_notes,
    unexpected_findings,
)
from maskgate.verdicts.model import KINDS, Finding, Result


def to_markdown(report: Report) -> str:
    """The whole report as one Markdown document."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield "# maskgate report"
    yield ""
    yield _escaped(outcome(report))
    for subject in report.subject_ids():
        yield from _subject(report, subject)
    unexpected = unexpected_findings(report)
    if unexpected:
        yield from ("", "## Unexpected")
    for finding in unexpected:
        yield from _finding(report, finding)
    known = known_findings(report)
    if known:
        yield from ("", "## Known deviations", "")
    for finding in known:
        link = in_markdown(finding.link)
        yield f"- `{finding.property}`: {_escaped(finding.title)} {link}".rstrip()
    if report.failures:
        yield from ("", "## Not asked", "")
    for failure in report.failures:
        yield f"- {_escaped(str(failure))}"


def _subject(report: Report, subject: str) -> Iterator[str]:
    description = report.description(subject)
    results = [result for result in report.results if result.subject == subject]
    modes = modes_of(results) or ("verdict",)
    yield from ("", f"## `{subject}`", "", _escaped(subject_line(description)))
    for text in subject_notes(description):
        yield from ("", f"Note: {_escaped(text)}")
    told = answers(report, results)
    if told:
        yield ""
    for said, answer in told:
        yield f"- {_escaped(said)}: {_escaped(answer)}"
    yield ""
    yield from _table_head(["property", *modes, "examples", "worst error / bound", "note"])
    for kind in KINDS:
        rows = [result for result in results if result.kind == kind]
        if rows:
            yield _row([f"**{kind}**", *[""] * (len(modes) + 3)])
        for result in rows:
            yield _row(_cells(report, result, modes))


def _cells(report: Report, result: Result, modes: Sequence[str]) -> list[str]:
    return [
        f"`{result.property}`",
        *(in_mode(result, mode) for mode in modes),
        str(result.examples),
        rounded(result.worst),
        _escaped(note(report, result)),
    ]


def _finding(report: Report, finding: Finding) -> Iterator[str]:
    yield from ("", f"### {finding.verdict}: {_escaped(finding.title)}", "")
    yield f"`{finding.subject}`, property `{finding.property}`, mode {finding.mode}"
    if finding.case is not None and not of_layer(finding):
        yield from _batch(finding)
    yield from ("", f"- expected: {_escaped(brief(finding.expected))}")
    yield f"- observed: {_escaped(brief(finding.observed))}"
    yield f"- bound: {brief(finding.bound)}"
    yield f"- stage: {finding.stage} ({finding.identity['shape_class']})"
    if finding.link:
        yield f"- thread: {in_markdown(finding.link)}"
    yield f"- again: `{repeat_command(report, finding)}`"
    if finding.repro:
        yield f"- script: [`{finding.repro}`]({finding.repro})"


def _batch(finding: Finding) -> Iterator[str]:
    assert finding.case is not None
    small = batch(finding.case, finding.altered)
    yield from ("", f"`{loss_line(finding.case)}`")
    if small.rows:
        yield ""
        yield from _table_head(small.columns)
        yield from (_row(row) for row in small.rows)
    if small.left_out:
        yield from ("", f"and {small.left_out} more")
    for line in small.beside:
        yield from ("", _escaped(line))


def _table_head(names: Sequence[str]) -> Iterator[str]:
    yield _row(names)
    yield _row(["---"] * len(names))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """Text that Markdown must not read as its own, nor a table as a border."""
    for sign in "\\`*_<>|":
        text = text.replace(sign, "\\" + sign)
    return " ".join(text.split())
