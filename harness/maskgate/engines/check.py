"""`maskgate check`: the property suite, run by pytest in a process of its own, one a subject."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from packaging.version import Version

from maskgate import __version__
from maskgate.engines.baseline import accept_findings, checked_baseline
from maskgate.engines.catalogue import (
    PropertyInfo,
    UnknownProperty,
    properties,
    selected,
)
from maskgate.engines.check_request import (
    INTERRUPTED,
    OK,
    SUBJECT_FAILED,
    UNEXPECTED,
    CheckRequest,
)
from maskgate.engines.events import Event, EventLog, read_events
from maskgate.engines.own_request import check_own
from maskgate.engines.problems import UsageProblem
from maskgate.engines.profiles import DEFAULT_SEED, PROFILES
from maskgate.engines.scenarios import chosen_scenarios
from maskgate.engines.subject_run import SubjectRun
from maskgate.environments import names
from maskgate.subjects import SubjectError, parse_subject
from maskgate.subjects.spec import BACKENDS

_POLL_SECONDS = 0.1


def run_check(
    request: CheckRequest,
    *,
    on_event: Callable[[Event], None],
    on_notice: Callable[[str], None] | None = None,
) -> int:
    """Run the suite and return the exit status of design: 0, 1, 3 or 130.

    Args:
        request: what to run.
        on_event: called with each event, in order, as it comes.
        on_notice: called with what a person must know before anything runs, a sentence each.

    Raises:
        UsageProblem: when the request itself is wrong.
    """
    check_own(request)
    chosen = _chosen(request)
    known_baseline = checked_baseline(request.baseline, properties(), accepting=request.accept)
    subjects = tuple(dict.fromkeys(request.subjects)) or (default_subject(),)
    if on_notice is not None and not request.subjects and subjects != ("current",):
        on_notice(
            f"no framework is installed beside maskgate, so {subjects[0]} is checked, in an "
            "environment of its own; name a subject to check another"
        )
    log = EventLog(request.events)
    request.events.write_text("", encoding="utf-8")
    started = time.monotonic()
    jobs = request.jobs or min(2, os.cpu_count() or 1)
    log.emit(
        "run-started",
        tool={"name": "maskgate", "version": __version__},
        profile=request.profile,
        seed=DEFAULT_SEED if request.seed is None else request.seed,
        jobs=jobs,
        subjects=list(subjects),
        properties=[info.name for info in chosen],
        command=shlex.join(["maskgate", *sys.argv[1:]]),
    )
    follower = _Follower(request.events, on_event)
    status = INTERRUPTED
    try:
        status = _run_subjects(request, chosen, subjects, jobs, log, follower)
        if request.accept and request.baseline is not None:
            added, removed = accept_findings(request.baseline, known_baseline, follower.seen)
            path = str(request.baseline)
            log.emit("baseline-written", path=path, added=added, removed=removed)
            status = OK if status == UNEXPECTED else status
    except KeyboardInterrupt:
        pass
    finally:
        log.emit("run-finished", seconds=round(time.monotonic() - started, 3), exit_status=status)
        follower.catch_up()
    return status


def default_subject() -> str:
    """What is checked where no subject is named: `current`, or the newest named environment where
    maskgate runs in an interpreter without a framework."""
    if any(importlib.util.find_spec(package) for package in ("keras", "tf_keras", "tensorflow")):
        return "current"
    plain = [name for name in names() if re.fullmatch(r"keras-[\d.]+", name)]
    return max(plain, key=lambda name: Version(name.removeprefix("keras-")))


def _chosen(request: CheckRequest) -> tuple[PropertyInfo, ...]:
    if request.profile not in PROFILES:
        raise UsageProblem(
            f"profile {request.profile!r}", "there is no such profile", f"use {', '.join(PROFILES)}"
        )
    try:
        layer = request.layer is not None
        chosen = selected(request.select, request.deselect, layer=layer)
        chosen_scenarios(request.select, request.deselect)
    except UnknownProperty as problem:
        near = f"did you mean {', '.join(problem.nearest)}?" if problem.nearest else ""
        hint = near or "see `maskgate check --list` for the names"
        raise UsageProblem(f"property {problem.glob!r}", "no property matches", hint) from problem
    if not chosen:
        raise UsageProblem(
            "--select with --deselect", "they leave no property", "deselect fewer properties"
        )
    return chosen


class _Follower:
    """Reads the event log as it grows and passes each event on, once."""

    def __init__(self, path: Path, on_event: Callable[[Event], None]) -> None:
        self._path, self._on_event, self._offset = path, on_event, 0
        self.seen: list[Event] = []

    def catch_up(self) -> None:
        for offset, event in read_events(self._path, offset=self._offset):
            self._offset = offset
            self.seen.append(event)
            self._on_event(event)


def _run_subjects(
    request: CheckRequest,
    chosen: Sequence[PropertyInfo],
    subjects: Sequence[str],
    jobs: int,
    log: EventLog,
    follower: _Follower,
) -> int:
    """Run every subject, up to `jobs` processes in all; the worst exit status of them."""
    side_by_side = min(jobs, len(subjects))
    each = max(1, jobs // side_by_side)
    runs = [
        SubjectRun(request, chosen, subject, each, log, peers=_peers(subject, subjects[number:]))
        for number, subject in enumerate(subjects)
    ]
    with ThreadPoolExecutor(side_by_side) as pool:
        futures = [pool.submit(run.run) for run in runs]
        try:
            while not all(future.done() for future in futures):
                time.sleep(_POLL_SECONDS)
                follower.catch_up()
        except KeyboardInterrupt:
            for run in runs:
                run.stop()
            pool.shutdown(cancel_futures=True)
            raise
    follower.catch_up()
    statuses = [future.result() for future in futures]
    unexpected = any(
        event["event"] == "result" and event["result"]["verdict"] in ("new", "fixed")
        for event in follower.seen
    )
    return max([SUBJECT_FAILED if any(statuses) else OK, UNEXPECTED if unexpected else OK])


def _peers(subject: str, others: Sequence[str]) -> list[str]:
    """Those of the others that may be the same release; for named environments the name tells."""
    own = _release_named(subject)
    return [
        other
        for other in others
        if other != subject and (own is None or _release_named(other) in (None, own))
    ]


def _release_named(subject: str) -> str | None:
    try:
        spec = parse_subject(subject)
    except SubjectError:  # told when its own turn comes
        return None
    if spec.place != "environment" or spec.target.startswith("pip:") or spec.seed:
        return None
    return re.sub(rf"-({'|'.join(BACKENDS)})$", "", spec.target)
