"""The suite can fail: every planted fault is killed, by the property that names its topic."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from faults.keras_3_15 import FAULTS
from faults.planting import Fault, plant

pytestmark = pytest.mark.slow


def installed(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def check(select: str, *, path: Path | None = None, subject: str = "current") -> tuple[int, Any]:
    """Run `maskgate check` on one property, with a folder put before everything else."""
    environment = dict(os.environ)
    if path is not None:
        environment["PYTHONPATH"] = os.pathsep.join([str(path), environment.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "maskgate", "check", subject, "--select", select]
    run = subprocess.run(
        [*command, "--format", "json", "--jobs", "1"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    return run.returncode, json.loads(run.stdout)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_is_killed_by_the_property_of_its_topic(
    fault: Fault, tmp_path: Path
) -> None:
    status, report = check(fault.killed_by, path=plant(fault, installed("keras"), tmp_path))
    new = [each for each in report["findings"] if each["verdict"] == "new"]
    assert status == 1, report["results"]
    assert new
    assert {each["property"] for each in new} == {fault.killed_by}
    if fault.stage is not None:
        assert fault.stage in {each["stage"] for each in new}


def test_the_unchanged_framework_passes_the_same_gate(tmp_path: Path) -> None:
    """A copy without a fault: what kills the others is the fault, not the copying."""
    unchanged = Fault("unchanged", "src/losses/loss.py", "class Loss(", "class Loss(", "loss-value")
    status, report = check("*", path=plant(unchanged, installed("keras"), tmp_path))
    assert status == 0, [each["title"] for each in report["findings"]]
