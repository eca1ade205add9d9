"""One worker process and the channel to it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from maskgate.subjects.worker import frames
from maskgate.subjects.worker.__main__ import TOO_OLD

WORKER = Path(__file__).parent / "worker" / "__main__.py"
TAIL = 4096  # bytes kept of what a worker prints
CHANNEL_PROBLEMS = (EOFError, OSError, frames.RubbishError)


class LostError(Exception):
    """The worker died, hung or sent rubbish. The message is one clause; it must be stopped."""


class WorkerProcess:
    """A started worker, in a session of its own, tied to this process's life.

    Args:
        python: interpreter to start it with.
        settings: keyword arguments of `worker.detection.load`, plain data.
        environment: its environment variables.

    Raises:
        OSError: when the interpreter cannot be executed.
    """

    def __init__(
        self, python: Path, settings: Mapping[str, Any], environment: Mapping[str, str]
    ) -> None:
        here, channel = socket.socketpair()
        self._channel = frames.Channel(here)
        self._lifeline, lifeline = socket.socketpair()
        fds = (channel.fileno(), lifeline.fileno())
        with channel, lifeline, contextlib.ExitStack() as on_failure:
            on_failure.callback(self._channel.close)
            on_failure.callback(self._lifeline.close)
            self._process = subprocess.Popen(
                [python, WORKER, *map(str, fds), json.dumps(settings)],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=fds,
                # A Ctrl-C at the terminal is for maskgate, which then stops its workers.
                start_new_session=True,
            )
            on_failure.pop_all()
        assert self._process.stdout is not None
        self._tail = Tail(self._process.stdout)
        self._stop = weakref.finalize(
            self, _stop, os.getpid(), self._process, self._channel, self._lifeline
        )

    @property
    def pid(self) -> int:
        """Its process id, which is that of its process group too."""
        return self._process.pid

    def send(self, header: dict[str, Any], body: bytes, *, timeout: float) -> None:
        """Send one frame. Raises `LostError`."""
        try:
            self._channel.send(header, body, timeout)
        except CHANNEL_PROBLEMS as problem:
            raise LostError(self._said(problem, timeout)) from problem

    def receive(self, *, timeout: float) -> tuple[dict[str, Any], bytearray]:
        """The next frame. Raises `LostError`."""
        try:
            return self._channel.receive(timeout)
        except CHANNEL_PROBLEMS as problem:
            raise LostError(self._said(problem, timeout)) from problem

    def stop(self) -> None:
        """Kill it and everything it started. Safe to call twice."""
        self._stop()

    def _said(self, problem: Exception, timeout: float) -> str:
        """What the problem with the channel means, in one clause."""
        if isinstance(problem, TimeoutError):
            return f"no answer within {timeout:g} s"
        if isinstance(problem, frames.RubbishError):
            return f"sent {problem}"
        return self._end()

    def _end(self) -> str:
        """How it ended, in one clause."""
        try:
            status = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "it closed the channel"
        last = self._tail.last_line()
        if status == TOO_OLD:
            return f"its interpreter is Python {last}, too old"
        how = f"signal {_signal_name(-status)}" if status < 0 else f"exit status {status}"
        return f"it ended with {how}" + (f" after printing {last!r}" if last else "")


class Tail:
    """The end of what a process prints, read by a thread so that the process never blocks."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._kept = b""
        self._reader = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._reader.start()

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            while chunk := os.read(stream.fileno(), TAIL):
                self._kept = (self._kept + chunk)[-TAIL:]

    def last_line(self) -> str:
        """The last line that is not empty, at most 200 characters."""
        # What it started may still hold the stream open.
        self._reader.join(timeout=1)
        lines = self._kept.decode("utf-8", "replace").split("\n")
        return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _stop(
    owner: int, process: subprocess.Popen[bytes], *channels: frames.Channel | socket.socket
) -> None:
    """Kill the worker's process group and collect it; a fork of the owner only drops its copies."""
    if os.getpid() == owner:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for channel in channels:
        channel.close()
