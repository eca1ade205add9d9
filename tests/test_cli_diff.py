"""`maskgate diff` as a command: what it prints, how it exits, and what it leaves behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from formula_subject import Formula, seed

from maskgate.cli.app import run

FORMULAS = {"seed": seed("with-epsilon"), "seed:no-epsilon": seed("without-epsilon")}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder, and formulas in the place of live subjects."""

    def opened(text: str, **_options: object) -> Formula:
        return FORMULAS[text]

    monkeypatch.setattr("maskgate.engines.diff.open_subject", opened)
    monkeypatch.chdir(tmp_path)


def test_a_difference_exits_1_and_leaves_nothing_behind(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["diff", "seed", "seed:no-epsilon", "--profile", "smoke", "--format", "json"]
    assert run(command) == 1
    said = json.loads(capfd.readouterr().out)
    assert said["exit_status"] == 1
    assert list(tmp_path.iterdir()) == []


def test_no_difference_exits_0(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", "seed", "seed", "--profile", "smoke"]) == 0
    assert "no difference" in capfd.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_a_mistyped_subject_is_one_sentence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["diff", "seed", "kears-3.15.1", "--out", "here"]) == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.startswith("maskgate: kears-3.15.1: no subject is written so; did you mean ")
    assert said.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
