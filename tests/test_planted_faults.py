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
from faults import keras_3_15, tf_keras_2_21
from faults.planting import Fault, plant

from maskgate import environments

# One of each topic; the others take minutes.
IN_EVERY_RUN = {
    "mask-lost",
    "weights-lost-beside-a-mask",
    "epsilon-back-in-the-count",
    "only-when-traced",
    "only-in-the-gradient",
}


def installed(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def check(
    select: str,
    *,
    path: Path | None = None,
    subject: str = "current",
    profile: str = "default",
) -> tuple[int, Any]:
    """Run `maskgate check` on one property, with a folder put before everything else."""
    environment = dict(os.environ)
    if path is not None:
        environment["PYTHONPATH"] = os.pathsep.join([str(path), environment.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "maskgate", "check", subject, "--select", select]
    run = subprocess.run(
        [*command, "--profile", profile, "--format", "json", "--jobs", "1"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    return run.returncode, json.loads(run.stdout)


def judge(fault: Fault, status: int, report: Any) -> None:
    new = [each for each in report["findings"] if each["verdict"] == "new"]
    assert status == 1, report["results"]
    assert new
    assert {each["property"] for each in new} == {fault.killed_by}
    if fault.stage is not None:
        assert fault.stage in {each["stage"] for each in new}


def test_the_faults_of_every_run_exist() -> None:
    assert {fault.name for fault in keras_3_15.FAULTS} >= IN_EVERY_RUN


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(
            fault, id=fault.name, marks=[] if fault.name in IN_EVERY_RUN else pytest.mark.slow
        )
        for fault in keras_3_15.FAULTS
    ],
)
def test_a_fault_in_keras_3_is_killed_by_the_property_of_its_topic(
    fault: Fault, tmp_path: Path
) -> None:
    judge(fault, *check(fault.killed_by, path=plant(fault, installed("keras"), tmp_path)))


@pytest.mark.releases
@pytest.mark.parametrize("fault", tf_keras_2_21.FAULTS, ids=lambda fault: fault.name)
def test_a_fault_in_keras_2_is_killed_by_the_property_of_its_topic(
    fault: Fault, tmp_path: Path
) -> None:
    python = environments.ensure(environments.get("tf_keras-2.21.0"))
    (package,) = python.parents[1].glob("lib/python*/site-packages/tf_keras")
    plant(fault, package, tmp_path)
    planted = tmp_path / "python"
    planted.write_text(f'#!/bin/sh\nPYTHONPATH="{tmp_path}" exec "{python}" "$@"\n')
    planted.chmod(0o755)
    judge(fault, *check(fault.killed_by, subject=f"venv:{planted}"))


@pytest.mark.slow
def test_the_unchanged_framework_passes_the_same_gate(tmp_path: Path) -> None:
    """A copy without a fault: what kills the others is the fault, not the copying."""
    unchanged = Fault("unchanged", "src/losses/loss.py", "class Loss(", "class Loss(", "loss-value")
    status, report = check("*", path=plant(unchanged, installed("keras"), tmp_path))
    assert status == 0, [each["title"] for each in report["findings"]]
