"""The report as JUnit XML: a suite a subject, a test case a property."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

from junitparser import Error, JUnitXml, Skipped, TestCase, TestSuite
from junitparser import Failure as JUnitFailure

from maskgate.reports.files import write_text
from maskgate.reports.links import followed
from maskgate.reports.report import Failure, Report
from maskgate.reports.wording import brief, findings_of, repeat_command
from maskgate.verdicts.model import Finding, Result


def write_junit(report: Report, path: Path) -> None:
    """Write the JUnit file; the file is replaced as a whole."""
    write_text(path, junit_text(report))


def junit_text(report: Report) -> str:
    """The JUnit document.

    `new` and `fixed` are failures, `error` is an error, and so is what could not be asked.
    `known` passes: its listed deviations are in the test case's output.
    """
    document = JUnitXml("maskgate")
    for subject in report.subject_ids():
        suite = TestSuite(_printable(subject))
        for name, value in report.description(subject).items():
            suite.add_property(name, _printable(brief(value)))
        results = [result for result in report.results if result.subject == subject]
        suite.add_testcases([_test_case(report, result) for result in results])
        document.add_testsuite(suite)
    failures = report.failures
    if not report.complete and not failures:
        # Else a run that was cut short would look as if all had passed.
        done = f"{len(report.results)} of {report.planned} property runs were finished"
        failures = (
            Failure(None, "maskgate check", f"the run was cut short: {done}", "run it again"),
        )
    if failures:
        document.add_testsuite(_failures(failures))
    document.update_statistics()  # type: ignore[no-untyped-call]
    buffer = io.BytesIO()
    document.write(buffer, pretty=True)
    return buffer.getvalue().decode("utf-8")


def _test_case(report: Report, result: Result) -> TestCase:
    case = TestCase(result.property, f"maskgate.{result.kind}", result.seconds)
    findings = findings_of(report, result)
    reason = _printable(result.reason or "no answer")
    if result.verdict in ("new", "fixed"):
        bad = [finding for finding in findings if finding.verdict in ("new", "fixed")]
        titles = _printable("; ".join(finding.title for finding in bad))
        failure = JUnitFailure(titles, result.verdict)
        failure.text = _printable(_evidence(report, bad))
        case.result = [failure]
    elif result.verdict == "error":
        case.result = [Error(reason, "error")]
    elif result.verdict == "skipped":
        case.result = [Skipped(reason, "skipped")]
    known = [finding for finding in findings if finding.verdict == "known"]
    if known:
        case.system_out = "\n".join(_known_line(finding) for finding in known)
    return case


def _evidence(report: Report, findings: Iterable[Finding]) -> str:
    return "\n\n".join(
        f"{finding.title}\nexpected {brief(finding.expected)}\nobserved {brief(finding.observed)}\n"
        f"bound {brief(finding.bound)}, stage {finding.stage}, mode {finding.mode}\n"
        f"again: {repeat_command(report, finding)}"
        for finding in findings
    )


def _known_line(finding: Finding) -> str:
    link = followed(finding.link) if finding.link else ""
    return _printable(f"known: {finding.title} {link}".rstrip())


def _failures(failures: Iterable[Failure]) -> TestSuite:
    suite = TestSuite("not asked")
    for failure in failures:
        case = TestCase(_printable(failure.asked), "maskgate")
        case.result = [Error(_printable(str(failure)), "error")]
        suite.add_testcase(case)
    return suite


def _printable(text: str) -> str:
    """Without the control characters that XML cannot hold; frameworks' messages may have some."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
