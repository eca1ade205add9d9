"""The worked example of a user's own loss: saved, checked and tested as the page says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from test_docs import ROOT, blocks, commands

PAGE = ROOT / "docs" / "own-loss.md"


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "harness")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    losses, pooling, suite, suite_of_layers = blocks(PAGE, "python")
    (tmp_path / "losses.py").write_text(losses)
    (tmp_path / "test_losses.py").write_text(suite)
    (tmp_path / "pooling.py").write_text(pooling)
    (tmp_path / "test_pooling.py").write_text(suite_of_layers)
    (tmp_path / "pyproject.toml").write_text("")
    return tmp_path


@pytest.mark.slow
def test_the_commands_answer_as_the_page_says(folder: Path) -> None:
    wrong, right, layer = (shlex.split(command) for command in commands(PAGE))
    done = run(folder, *wrong)
    (said,) = re.findall(r"`(empty-mask: .*)`", PAGE.read_text())
    assert said in done.stdout
    assert (done.returncode, done.stderr) == (1, "")
    done = run(folder, *right)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    done = run(folder, *layer)
    (said,) = re.findall(r"`(layer-padding: .*?)`", PAGE.read_text())
    assert said in done.stdout
    assert done.stdout.splitlines()[-1].startswith("Unexpected: layer-padding deviates")
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.slow
def test_the_suite_of_the_page_passes(folder: Path) -> None:
    done = run(folder, "pytest", "-p", "maskgate.pytest_plugin", "-q")
    assert "2 passed" in done.stdout, done.stdout + done.stderr
