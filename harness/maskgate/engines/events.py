"""The one log between engines and reporters: JSON objects, one a line, each with an `event`.

run-started    tool, profile, seed, jobs, subjects (ids), properties (names), command
subject        subject: {id, keras, backend, framework, python, numpy, family, device, ...}
progress       subject, text             (a step before the first property: making an environment)
property-started   subject, property
result         result: Result
finding        finding: Finding          (before the result that names it)
subject-failed subject, asked, found, hint   (it could not be made, started, or died for good)
baseline-written   path, added, removed  (numbers of deviations, accepted and taken out)
run-finished   seconds, exit_status      (a log without it is of an interrupted run)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Event = Mapping[str, Any]


class EventLog:
    """Appends events to a file, one whole line a write, so that several processes can share it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def emit(self, event: str, **fields: Any) -> None:
        """Append one event."""
        line = json.dumps({"event": event, **fields}, default=str, allow_nan=False)
        with self.path.open("a", encoding="utf-8") as log:
            log.write(line + "\n")


def read_events(path: Path, *, offset: int = 0) -> Iterator[tuple[int, Event]]:
    """Whole lines of a log from `offset` on, as (offset after the line, event)."""
    with path.open("rb") as log:
        log.seek(offset)
        for line in log:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            yield offset, json.loads(line)
