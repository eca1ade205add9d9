"""Settings of pyproject.toml: read from the nearest one, and every mistake in one sentence."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from maskgate.cli.app import check
from maskgate.cli.config import PROFILE_NAMES, Settings, load_settings
from maskgate.engines.check_request import CheckRequest
from maskgate.engines.problems import UsageProblem
from maskgate.engines.profiles import PROFILES

EVERY_KEY = """
[tool.maskgate]
subjects = ["current", "venv:old"]
select = ["labels-*"]
deselect = ["*-nonfinite"]
profile = "smoke"
seed = 3
jobs = 2
out = "reports"
format = "json"
baseline = "accepted.json"
backend = "tensorflow"
device = "gpu"
timeout = 5
"""


def configure(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


def test_every_key_is_read(tmp_path: Path) -> None:
    assert load_settings(configure(tmp_path, EVERY_KEY)) == Settings(
        subjects=("current", "venv:old"),
        select=("labels-*",),
        deselect=("*-nonfinite",),
        profile="smoke",
        seed=3,
        jobs=2,
        out=tmp_path / "reports",
        format="json",
        baseline=tmp_path / "accepted.json",
        backend="tensorflow",
        device="gpu",
        timeout=5.0,
    )


def test_option_setting_and_request_have_the_same_names() -> None:
    names = {field.name for field in fields(Settings)}
    options = {parameter.name for parameter in check.params}
    assert options - names == {"accept", "list_"}
    assert names <= options
    assert names - {"out", "format"} <= {field.name for field in fields(CheckRequest)}
    assert set(PROFILE_NAMES) == set(PROFILES)


def test_nearest_file_counts_even_without_a_table(tmp_path: Path) -> None:
    configure(tmp_path, EVERY_KEY)
    inner = configure(tmp_path / "inner", "[project]\nname = 'x'\n")
    assert load_settings(inner) == Settings()
    deep = tmp_path / "other" / "deep"
    deep.mkdir(parents=True)
    assert load_settings(deep).out == tmp_path / "reports"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("selct = ['a']", "selct: there is no such key; did you mean 'select'?"),
        ("zzz = 1", "zzz: there is no such key; the keys are subjects, select, "),
        ("accept = true", "accept: there is no such key; "),
        ("jobs = 'four'", "jobs: found 'four', a string; give a whole number of at least 1"),
        ("jobs = 0", "jobs: found 0, a whole number; give a whole number of at least 1"),
        ("seed = true", "seed: found True, a boolean; give a whole number of at least 0"),
        ("seed = 1.5", "seed: found 1.5, a number; give a whole number"),
        ("timeout = 0", "timeout: found 0, a whole number; give a number of seconds"),
        ("select = 'a'", "select: found 'a', a string; give a list of strings"),
        ("select = [1]", "select: found [1], a list; give a list of strings"),
        ("profile = 'fast'", "profile: found 'fast', a string; give one of smoke, default, deep"),
        ("format = 'xml'", "format: found 'xml', a string; give one of pretty, json, markdown"),
        ("out = 3", "out: found 3, a whole number; give a folder's path as a string"),
        ("out = ''", "out: found '', a string; give a folder's path as a string"),
        ("baseline = {}", "baseline: found {}, a table; give a file's path as a string"),
        ("device = 2020-01-01", "device: found datetime.date(2020, 1, 1), date; give one of"),
    ],
)
def test_wrong_key_or_value(tmp_path: Path, line: str, said: str) -> None:
    folder = configure(tmp_path, f"[tool.maskgate]\n{line}\n")
    with pytest.raises(UsageProblem) as problem:
        load_settings(folder)
    assert str(problem.value).startswith(f"{folder / 'pyproject.toml'}: [tool.maskgate] {said}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.maskgate\n", "it cannot be read ("),
        ("[tool]\nmaskgate = 3\n", "found 3, a whole number; write a table, [tool.maskgate]"),
        ("tool = 3\n", "found 3, a whole number; write a table, [tool]"),
    ],
)
def test_file_that_is_no_configuration(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageProblem) as problem:
        load_settings(configure(tmp_path, text))
    assert said in str(problem.value)


def test_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe[tool]")
    with pytest.raises(UsageProblem, match="it cannot be read"):
        load_settings(tmp_path)


def test_a_backend_that_compiles_every_shape_is_asked_less() -> None:
    assert PROFILES["default"].on("tensorflow") == PROFILES["default"]
    sparing = PROFILES["default"].on("jax")
    assert (sparing.examples, sparing.conformance, sparing.models) == (20, 80, 5)
    assert sparing.corners == 5
    # Who waits for `deep` gets all of it.
    assert PROFILES["deep"].on("jax") == PROFILES["deep"]
