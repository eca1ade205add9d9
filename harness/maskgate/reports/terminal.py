"""The report on a terminal: progress on stderr while the run goes, then the answer on stdout."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from maskgate.engines.events import Event
from maskgate.reports.answers import answers
from maskgate.reports.batch import Batch, batch
from maskgate.reports.links import followed
from maskgate.reports.report import Report
from maskgate.reports.verdict_table import show_table, verdict_word
from maskgate.reports.wording import (
    brief,
    counted,
    known_findings,
    loss_line,
    of_layer,
    outcome,
    repeat_command,
    subject_line,
    subject_notes,
    unexpected_findings,
)
from maskgate.verdicts.model import Finding

# Of more unexpected findings than these, those that most likely have one cause are told together.
ALL_IN_FULL = 6


class Terminal:
    """Shows the progress of a run. A context manager: it is shown inside it.

    Args:
        progress: where the progress goes; nothing does unless it is a terminal.
    """

    def __init__(self, *, progress: Console) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=progress,
            transient=True,
            disable=not progress.is_terminal,
        )
        self._task = self._bar.add_task("starting", total=None)

    def __enter__(self) -> Terminal:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def on_event(self, event: Event) -> None:
        """Move the progress on, and say at once what fails the run."""
        if self._bar.disable:
            return
        if event["event"] == "run-started":
            planned = len(event["subjects"]) * len(event["properties"])
            self._bar.update(self._task, total=planned)
        elif event["event"] == "progress":
            self._bar.update(self._task, description=f"{event['subject']} {event['text']}")
        elif event["event"] == "property-started":
            running = f"{event['subject']} {event['property']}"
            self._bar.update(self._task, description=running)
        elif event["event"] == "result":
            self._bar.advance(self._task)
        elif event["event"] == "finding" and event["finding"]["verdict"] != "known":
            finding = event["finding"]
            self._bar.console.print(verdict_word(finding["verdict"]), Text(finding["title"]))


def show_report(report: Report, out: Console, *, folder: Path | None = None) -> None:
    """Print a report: a table a subject, what is unexpected, what is known, and the outcome.

    Args:
        report: what to print.
        out: where to.
        folder: where the findings' scripts were written.
    """
    for subject in report.subject_ids():
        _show_subject(report, subject, out)
    _show_unexpected(report, out, folder)
    _show_known(known_findings(report), out)
    out.print(Text(outcome(report), "bold"), soft_wrap=True)


def _show_subject(report: Report, subject: str, out: Console) -> None:
    description = report.description(subject)
    out.print(Text.assemble((subject, "bold"), ": ", subject_line(description)), soft_wrap=True)
    for text in subject_notes(description):
        out.print(Text(f"  note: {text}", "dim"), soft_wrap=True)
    results = [result for result in report.results if result.subject == subject]
    out.print()
    told = answers(report, results)
    width = max((len(said) for said, _ in told), default=0)
    for said, answer in told:
        out.print(Text.assemble((f"  {said:<{width}}  ", "dim"), answer), soft_wrap=True)
    if told:
        out.print()
    if results:
        show_table(report, results, out)
        out.print()


def _show_unexpected(report: Report, out: Console, folder: Path | None) -> None:
    """Each finding in full; of many, the first of each stage, and the others in a line each."""
    unexpected = unexpected_findings(report)
    if unexpected:
        out.print(Text(f"Unexpected: {counted(len(unexpected), 'finding')}", "bold"))
        out.print()
    if len(unexpected) <= ALL_IN_FULL:
        for finding in unexpected:
            _show_finding(report, finding, out, folder)
        return
    alike: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in unexpected:
        alike.setdefault((finding.subject, finding.verdict, finding.stage), []).append(finding)
    for first, *others in alike.values():
        _show_finding(report, first, out, folder)
        if others:
            _show_likewise(first, others, out, folder)


def _show_likewise(
    first: Finding, others: Sequence[Finding], out: Console, folder: Path | None
) -> None:
    """Findings of the stage of the first, most often with the same cause, in a line each."""
    where = "" if folder is None else ", in full in report.md"
    many = counted(len(others), "more finding")
    out.print(Text(f"  and {many} of the stage {first.stage}{where}:"), soft_wrap=True)
    for finding in others:
        line = Text(f"    {finding.title}")
        if finding.repro and folder is not None:
            line.append(f"  {folder / finding.repro}", "dim")
        out.print(line, soft_wrap=True)
    out.print()


def _show_finding(report: Report, finding: Finding, out: Console, folder: Path | None) -> None:
    heading = Text.assemble(
        verdict_word(finding.verdict), " ", (finding.property, "bold"), f"  {finding.subject}, "
    )
    out.print(heading.append(f"{finding.mode} mode"), soft_wrap=True)
    out.print(Text(f"  {finding.title}"), soft_wrap=True)
    _show_case(finding, out)
    out.print()
    for name, text in _facts(report, finding, folder):
        out.print(Text.assemble((f"  {name:<9} ", "dim"), text), soft_wrap=True)
    out.print()


def show_evidence(finding: Finding, out: Console) -> None:
    """Print a finding without its report: its title, its minimal batch, and the numbers."""
    out.print(Text(finding.title, "bold"), soft_wrap=True)
    _show_case(finding, out)
    for name in ("expected", "observed", "bound"):
        out.print(f"  {name:<9} {brief(getattr(finding, name))}", soft_wrap=True)


def _show_case(finding: Finding, out: Console) -> None:
    """Print the minimal batch of a finding, if it has one."""
    if finding.case is not None and not of_layer(finding):
        out.print()
        out.print(Text(f"  {loss_line(finding.case)}"), soft_wrap=True)
        _show_batch(batch(finding.case, finding.altered), out)


def _facts(report: Report, finding: Finding, folder: Path | None) -> Iterable[tuple[str, str]]:
    yield "expected", brief(finding.expected)
    yield "observed", brief(finding.observed)
    yield "bound", brief(finding.bound)
    yield "stage", f"{finding.stage} ({finding.identity['shape_class']})"
    if finding.message and finding.message not in finding.title:
        yield "message", finding.message
    if finding.link:
        yield "thread", followed(finding.link)
    yield "again", repeat_command(report, finding)
    if finding.repro and folder is not None:
        yield "script", f"python {shlex.quote(str(folder / finding.repro))}"


def _show_batch(small: Batch, out: Console) -> None:
    if small.rows:
        table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
        for name in small.columns:
            table.add_column(name, overflow="fold")
        for row in small.rows:
            table.add_row(*(Text(cell) for cell in row))
        out.print(Padding(table, (0, 0, 0, 4), expand=False))
    if small.left_out:
        out.print(Text(f"    and {small.left_out} more", "dim"))
    for line in small.beside:
        out.print(Text(f"    {line}"), soft_wrap=True)


def _show_known(known: Sequence[Finding], out: Console) -> None:
    if not known:
        return
    out.print(Text(f"Known: {counted(len(known), 'listed deviation')}", "bold"))
    for finding in known:
        link = f"  {followed(finding.link)}" if finding.link else ""
        line = Text.assemble("  ", (finding.property, "yellow"), f": {finding.title}{link}")
        out.print(line, soft_wrap=True)
    out.print()
