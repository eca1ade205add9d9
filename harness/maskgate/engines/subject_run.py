"""One subject of a run: its pytest process, in a group of its own, and what became of it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from maskgate.engines.catalogue import PropertyInfo, suite_folder
from maskgate.engines.check_request import OK, SUBJECT_FAILED, CheckRequest
from maskgate.engines.events import EventLog, read_events
from maskgate.engines.profiles import DEFAULT_SEED
from maskgate.engines.scenarios import chosen_scenarios
from maskgate.environments import ensure, get
from maskgate.subjects import SubjectError, parse_subject


class SubjectRun:
    """The pytest process of one subject.

    Args:
        request: what the run was asked.
        chosen: the properties to ask.
        subject: as the user wrote it.
        jobs: processes that the properties are divided among.
        log: what happens is told there.
        peers: subjects that may be the same release on another backend.
    """

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
