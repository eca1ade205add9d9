"""The wheel alone, without a checkout, runs the main job."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("uv") is None, reason="uv, which builds it, is not installed"),
]


@pytest.fixture(scope="module")
def maskgate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of an environment that holds the wheel and what it depends on, nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(["uv", "build", "-q", "--wheel", "-o", folder, ROOT], check=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run(["uv", "venv", "-q", "-p", sys.executable, folder / "venv"], check=True)
    python = folder / "venv/bin/python"
    subprocess.run(["uv", "pip", "install", "-q", "-p", python, wheel], check=True)
    return folder / "venv/bin/maskgate"


def run(maskgate: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    command = [maskgate, *arguments]
    return subprocess.run(
        command, cwd=folder, env=clean, capture_output=True, text=True, check=False
    )


def test_it_checks_another_environment(maskgate: Path, tmp_path: Path) -> None:
    select = ("--select", "labels-under-mask", "--profile", "smoke")
    done = run(maskgate, tmp_path, "check", f"venv:{sys.executable}", *select)
    assert done.returncode == 0, done.stderr
    assert "labels-under-mask" in done.stdout


def test_it_lists_properties_and_environments(maskgate: Path, tmp_path: Path) -> None:
    assert "empty-mask" in run(maskgate, tmp_path, "check", "--list").stdout
    assert "keras-3.15.1" in run(maskgate, tmp_path, "env", "list").stdout


def test_links_to_findings_lead_into_the_installed_package(maskgate: Path, tmp_path: Path) -> None:
    names = sorted(path.name for path in (ROOT / "reports" / "findings").iterdir())
    links = [f"reports/findings/{name}" for name in names]
    ask = "import sys; from maskgate.reports.links import followed; print(*map(followed, sys.argv))"
    done = run(maskgate.with_name("python"), tmp_path, "-c", ask, *links)
    folders = [Path(folder) for folder in done.stdout.split()[1:]]
    assert [folder.name for folder in folders] == names, done.stderr
    for folder in folders:
        assert folder.is_relative_to(maskgate.parents[1])
        assert {path.name for path in folder.iterdir()} >= {"README.md", "repro.py"}
