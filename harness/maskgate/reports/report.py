"""An event log as one frozen report, and that report as the JSON document that people build on."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from maskgate import __version__
from maskgate.case import number_to_json
from maskgate.engines.events import Event, read_events
from maskgate.reports.files import write_text
from maskgate.verdicts.model import VERDICTS, Finding, Result

INTERRUPTED = 130
CANNOT_ASK = 3
_RUN = ("profile", "seed", "jobs", "command")


@dataclass(frozen=True)
class Failure:
    """Something that could not be asked at all, as data.

    Attributes:
        subject: the subject's id, or None where no subject is to blame (wrong usage).
        asked: what was asked for.
        found: what was found instead, one clause.
        hint: what to do next, one clause.
    """

    subject: str | None
    asked: str
    found: str
    hint: str

    def __str__(self) -> str:
        return f"{self.asked}: {self.found}; {self.hint}"


@dataclass(frozen=True)
class Report:
    """One run, as far as it went.

    Attributes:
        subjects: each subject that answered: id, keras, backend, framework, python, numpy, family,
            device, and what else its engine says of it.
        results: one for each property and subject that was finished.
        findings: every deviation, listed or not, with its evidence.
        failures: what could not be asked.
        run: profile, seed, jobs and command of the run; empty where it did not start.
        planned: number of results announced at the start.
        seconds: wall time.
        exit_status: 0 as expected, 1 unexpected behaviour, 2 wrong usage, 3 a subject failed, 130
            interrupted.
        accepted: where a baseline was written: its `path`, and how many deviations were `added`
            and `removed`.
        complete: whether the run came to its end: False where it was interrupted, or its log has
            no end.
    """

    subjects: tuple[Mapping[str, Any], ...] = ()
    results: tuple[Result, ...] = ()
    findings: tuple[Finding, ...] = ()
    failures: tuple[Failure, ...] = ()
    run: Mapping[str, Any] | None = None
    planned: int = 0
    seconds: float = 0.0
    exit_status: int = INTERRUPTED
    accepted: Mapping[str, Any] | None = None
    complete: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """Number of results per verdict, every verdict named."""
        seen = Counter(result.verdict for result in self.results)
        return {verdict: seen[verdict] for verdict in VERDICTS}

    def subject_ids(self) -> tuple[str, ...]:
        """Every subject with a description or a result, in the order of the log."""
        described = [str(subject["id"]) for subject in self.subjects]
        return tuple(dict.fromkeys([*described, *(r.subject for r in self.results)]))

    def description(self, subject: str) -> Mapping[str, Any]:
        """What a subject said of itself; empty where it said nothing."""
        return next((s for s in self.subjects if s["id"] == subject), {})


def collect(events_path: Path) -> Report:
    """Read an event log, whole or cut short.

    A property that was announced and has no result in a log that is otherwise whole is a failure:
    what was not asked must not pass for an answer.

    Raises:
        ValueError: when a whole line of the log is no event.
    """
    events = [event for _, event in read_events(events_path)] if events_path.exists() else []
    started: Event = next(iter(_of(events, "run-started")), {})
    ended: Event | None = next(iter(_of(events, "run-finished")), None)
    results = {(e["result"]["subject"], e["result"]["property"]): e for e in _of(events, "result")}
    # Processes side by side finish in any order; a report has the order of the announcement.
    planned = [(s, p) for s in started.get("subjects", ()) for p in started.get("properties", ())]
    report = Report(
        subjects=tuple(event["subject"] for event in _of(events, "subject")),
        results=tuple(_result(results[pair]["result"]) for pair in _ordered(planned, results)),
        findings=_in_order(planned, [Finding(**e["finding"]) for e in _of(events, "finding")]),
        # Processes side by side meet the same failure.
        failures=tuple(dict.fromkeys(_failure(event) for event in _of(events, "subject-failed"))),
        run={key: started.get(key) for key in _RUN} if started else None,
        planned=len(planned),
        accepted=next(iter(_of(events, "baseline-written")), None),
    )
    if ended is None:
        return report
    report = replace(report, seconds=float(ended["seconds"]))
    status = int(ended["exit_status"])
    if status == INTERRUPTED:
        return report
    missing = _missing(report, [pair for pair in planned if pair not in results])
    return replace(
        report,
        failures=report.failures + missing,
        exit_status=CANNOT_ASK if missing and status in (0, 1) else status,
        complete=True,
    )


def to_json(report: Report) -> dict[str, Any]:
    """The report as plain data for JSON: schema 1, NaN and infinities as strings."""
    document = {
        "schema": 1,
        "tool": {"name": "maskgate", "version": __version__},
        "seconds": round(report.seconds, 3),
        "exit_status": report.exit_status,
        "complete": report.complete,
        "run": report.run,
        "subjects": [dict(subject) for subject in report.subjects],
        "results": [result.to_dict() for result in report.results],
        "findings": [finding.to_dict() for finding in report.findings],
        "failures": [vars(failure) for failure in report.failures],
        "counts": report.counts,
    }
    plain: dict[str, Any] = _plain(document)
    return plain


def json_text(report: Report) -> str:
    """The JSON document, without a final line break."""
    return json.dumps(to_json(report), indent=1, allow_nan=False)


def write_json(report: Report, path: Path) -> None:
    """Write the JSON document; the file is replaced as a whole."""
    write_text(path, json_text(report) + "\n")


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the JSON report."""
    text = resources.files("maskgate.reports").joinpath("schema/report.schema.json").read_text()
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def _in_order(planned: list[tuple[str, str]], findings: list[Finding]) -> tuple[Finding, ...]:
    """Findings in the order of the announcement; those of one property as they came."""
    places = {pair: place for place, pair in enumerate(planned)}
    ordered = sorted(
        findings, key=lambda each: places.get((each.subject, each.property), len(places))
    )
    return tuple(ordered)


def _of(events: Iterable[Event], kind: str) -> list[Event]:
    return [event for event in events if event["event"] == kind]


def _ordered(
    planned: Iterable[tuple[str, str]], seen: Iterable[tuple[str, str]]
) -> list[tuple[str, str]]:
    place = {pair: number for number, pair in enumerate(planned)}
    return sorted(seen, key=lambda pair: place.get(pair, len(place)))


def _result(data: Mapping[str, Any]) -> Result:
    return Result(**{**data, "findings": tuple(data["findings"])})


def _failure(event: Event) -> Failure:
    return Failure(event["subject"], event["asked"], event["found"], event["hint"])


def _missing(report: Report, unanswered: list[tuple[str, str]]) -> tuple[Failure, ...]:
    failed = {failure.subject for failure in report.failures}
    hint = "run it again; if that repeats, it is a fault of maskgate"
    return tuple(
        Failure(subject, f"{property_} of {subject}", "the run ended without a result", hint)
        for subject, property_ in unanswered
        if subject not in failed
    )


def _plain(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {str(key): _plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_plain(item) for item in data]
    if isinstance(data, float) and not math.isfinite(data):
        return number_to_json(data)
    return data
