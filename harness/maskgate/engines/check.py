"""`maskgate check`: the property suite, run by pytest in a process of its own, one a subject."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from packaging.version import Version

from maskgate import __version__
from maskgate.engines.baseline import accept_findings, checked_baseline
from maskgate.engines.catalogue import (
    PropertyInfo,
    UnknownProperty,
    properties,
    selected,
    suite_folder,
)
from maskgate.engines.events import Event, EventLog, read_events
from maskgate.engines.own_request import check_own
from maskgate.engines.problems import UsageProblem
from maskgate.engines.profiles import DEFAULT_SEED, PROFILES
from maskgate.engines.scenarios import chosen_scenarios
from maskgate.environments import ensure, get, names
from maskgate.subjects import SubjectError, parse_subject
from maskgate.subjects.spec import BACKENDS

OK, UNEXPECTED, USAGE, SUBJECT_FAILED, INTERRUPTED = 0, 1, 2, 3, 130
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class CheckRequest:
    """What `maskgate check` was asked.

    Attributes:
        subjects: subjects as the user wrote them; empty for `current`.
        select: globs of property names; empty for all.
        deselect: globs of property names to leave out.
        profile: `smoke`, `default` or `deep`.
        seed: Hypothesis seed; None for the fixed default, so that a gate repeats.
        jobs: processes; None for one per two cores... at most two.
        events: file that the event log is written to.
        baseline: file of accepted deviations.
        accept: write what is found to the baseline.
        backend: `tensorflow`, `jax`, `torch`, or None for the subject's own.
        device: `cpu` or `gpu`.
        timeout: seconds that a subject may take to answer.
        database: folder of the Hypothesis example database.
        loss: a user's own loss, `pkg.module:NAME`, checked in place of the built-in ones.
        metric: a user's own metric, likewise; not both.
        layer: a user's own layer, held to the laws of layers; none of the other two.
        like: the built-in loss that it computes, as `LossSpec.parse` reads it.
    """

    subjects: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    deselect: tuple[str, ...] = ()
    profile: str = "default"
    seed: int | None = None
    jobs: int | None = None
    events: Path = Path("events.jsonl")
    baseline: Path | None = None
    accept: bool = False
    backend: str | None = None
    device: str = "cpu"
    timeout: float = 60.0
    database: Path | None = None
    loss: str | None = None
    metric: str | None = None
    layer: str | None = None
    like: str | None = None


def run_check(request: CheckRequest, *, on_event: Callable[[Event], None]) -> int:
    """Run the suite and return the exit status of design: 0, 1, 3 or 130.

    Args:
        request: what to run.
        on_event: called with each event, in order, as it comes.

    Raises:
        UsageProblem: when the request itself is wrong.
    """
    check_own(request)
    chosen = _chosen(request)
    known_baseline = checked_baseline(request.baseline, properties(), accepting=request.accept)
    subjects = tuple(dict.fromkeys(request.subjects)) or (default_subject(),)
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
            status = accept_findings(request.baseline, known_baseline, follower.seen, status)
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
        _SubjectRun(request, chosen, subject, each, log, peers=_peers(subject, subjects[number:]))
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


class _SubjectRun:
    """The pytest process of one subject."""

    def __init__(
        self,
        request: CheckRequest,
        chosen: Sequence[PropertyInfo],
        subject: str,
        jobs: int,
        log: EventLog,
        peers: Sequence[str],
    ) -> None:
        self._peers = peers
        self._request, self._chosen, self._subject = request, chosen, subject
        self._jobs, self._log = jobs, log
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = threading.Event()

    def run(self) -> int:
        """Run to the end: 0 when every property gave a verdict that is no error, else 3."""
        try:
            self._make_environment()
        except SubjectError as problem:
            asked, found, hint = problem.asked, problem.found, problem.hint
            self._tell("subject-failed", asked=asked, found=found, hint=hint)
            return SUBJECT_FAILED
        with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryFile() as output:
            if self._stopped.is_set():
                return SUBJECT_FAILED
            with _started(self._command(scratch), output, scratch=scratch) as self._process:
                self._process.wait()
            output.seek(0)
            said = output.read().decode("utf-8", "replace")
        return self._account_for(said)

    def _tell(self, event: str, **fields: str) -> None:
        self._log.emit(event, subject=self._subject, **fields)

    def _make_environment(self) -> None:
        """Make a named environment once, before the processes of the run all ask for it."""
        spec = parse_subject(self._subject)
        if spec.place == "environment":
            ensure(get(spec.target), progress=lambda step: self._tell("progress", text=step))

    def stop(self) -> None:
        """End the process and everything it started."""
        self._stopped.set()
        if self._process is not None:
            _end_group(self._process)

    def _command(self, scratch: str) -> list[str]:
        request = self._request
        options = {
            "--subject": self._subject,
            "--profile": request.profile,
            "--hypothesis-seed": DEFAULT_SEED if request.seed is None else request.seed,
            "--events": request.events,
            "--device": request.device,
            "--timeout": request.timeout,
            "--baseline": request.baseline if _is_file(request.baseline) else None,
            "--backend": request.backend,
            "--database": request.database,
            "--loss": request.loss,
            "--metric": request.metric,
            "--layer": request.layer,
            "--like": request.like,
        }
        # A configuration of the user's own project must not leak into the run, nor any plug-in that
        # happens to be installed.
        command = [sys.executable, "-m", "pytest", "-c", str(suite_folder() / "suite.ini")]
        command += ["--rootdir", str(suite_folder()), "-p", "no:cacheprovider", "-q"]
        # Else xdist makes a folder that nobody removes.
        command += ["-p", "_hypothesis_pytestplugin", "--basetemp", str(Path(scratch) / "pytest")]
        if self._jobs > 1 and len(self._chosen) > 1:
            command += ["-p", "xdist.plugin", "-n", str(self._jobs), "--dist", "worksteal"]
        command += [f"{name}={value}" for name, value in options.items() if value is not None]
        command += [f"--peer={peer}" for peer in self._peers]
        scenarios = chosen_scenarios(request.select, request.deselect)
        command += [f"--scenario={name}" for name in scenarios]
        return [*command, *(info.node for info in self._chosen)]

    def _account_for(self, said: str) -> int:
        """Whether each property was heard of; log an error for each that was not."""
        events = [event for _, event in read_events(self._log.path)]
        if any(e["event"] == "subject-failed" and e["subject"] == self._subject for e in events):
            return SUBJECT_FAILED
        mine = [
            e["result"]
            for e in events
            if e["event"] == "result" and e["result"]["subject"] == self._subject
        ]
        missing = {info.name for info in self._chosen} - {result["property"] for result in mine}
        if missing and not self._stopped.is_set():
            self._tell(
                "subject-failed",
                asked=self._subject,
                found=f"the run ended without a verdict on {', '.join(sorted(missing))}",
                hint="this is what it said last: " + " | ".join(said.strip().splitlines()[-8:]),
            )
        failed = missing or any(result["verdict"] == "error" for result in mine)
        return SUBJECT_FAILED if failed else OK


def _is_file(path: Path | None) -> bool:
    return path is not None and path.is_file()


@contextlib.contextmanager
def _started(
    command: list[str], output: IO[bytes], *, scratch: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own, which is gone when the block ends."""
    environment = {
        **os.environ,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        # Else it leaves a `.hypothesis` in the user's folder.
        "HYPOTHESIS_STORAGE_DIRECTORY": scratch,
    }
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "HYPOTHESIS_PROFILE"):
        environment.pop(name, None)
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end_group(process)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
