"""From pytest's reports to the events of a run."""

from __future__ import annotations

import json

import pytest

from maskgate.engines.catalogue import public_name
from maskgate.engines.events import EventLog


class EventReporter:
    """In the process that collects (xdist's controller, or the only one): reports to events."""

    def __init__(self, config: pytest.Config, log: EventLog) -> None:
        self._log = log
        self._subject = config.getoption("--subject")
        self._described = False

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Tell which property has begun."""
        name = public_name(nodeid.rpartition("::")[2])
        self._log.emit("property-started", subject=self._subject, property=name)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Tell the verdict, the findings and, once, the subject; or what is wrong with it."""
        said = dict(report.user_properties)
        if "maskgate-subject-failed" in said and report.when == "setup":
            asked, found, hint = json.loads(str(said["maskgate-subject-failed"]))
            self._log.emit(
                "subject-failed", subject=self._subject, asked=asked, found=found, hint=hint
            )
        if "maskgate" in said and report.when == "call":
            outcome = json.loads(str(said["maskgate"]))
            if not self._described:
                self._described = True
                self._log.emit("subject", subject=outcome["subject"])
            for each in outcome["findings"]:
                self._log.emit("finding", finding=each)
            self._log.emit("result", result=outcome["result"])
