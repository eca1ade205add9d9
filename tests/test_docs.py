"""The pages say what is so: their commands run, and what they list is what there is."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import maskgate
from maskgate import environments
from maskgate.case.losses import KINDS as LOSSES
from maskgate.cli.app import cli
from maskgate.cli.config import _RULES, Settings, load_settings
from maskgate.engines.catalogue import properties
from maskgate.oracle.semantics import FAMILIES
from maskgate.subjects.spec import FORMS
from maskgate.verdicts.model import KINDS, VERDICTS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
HOW_TO = ROOT / "docs" / "how-to.md"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

# Commands of the pages that no test of this file runs, and what does run them.
ELSEWHERE = {
    "python3.11 -m venv .venv && .venv/bin/python -m pip install '.[tensorflow]'"
    " && .venv/bin/maskgate check": "test_wheel.py installs and checks",
    "python3.11 -m venv .venv && .venv/bin/python -m pip install -e '.[tensorflow,dev]'"
    " && .venv/bin/python -m pytest -n 2": ".ci/run is this command",
    "maskgate check --loss losses:MaskedMean --select empty-mask --profile smoke": (
        "test_docs_own_loss.py runs it"
    ),
    "maskgate check --loss losses:LeftToKeras --like mse --select 'empty-*' --select loss-value"
    " --profile smoke": "test_docs_own_loss.py runs it",
    "maskgate check --layer pooling:AverageOfSteps --profile smoke": (
        "test_docs_own_loss.py runs it"
    ),
    "maskgate check venv:path/to/environment": "test_engine_check.py checks such paths",
    "maskgate check venv:path/to/environment --out report --baseline accepted.json": (
        "test_engine_check.py gates such paths"
    ),
    "maskgate trace my_models:tagger": "test_trace_models.py runs the commands of docs/trace.md",
    "maskgate trace my_models:smoothed --out traced": (
        "test_trace_models.py runs the commands of docs/trace.md"
    ),
}
# Commands of the how-to that answer with another status than 0, as it says.
DIFFERENT = {"maskgate diff seed seed:no-epsilon --profile smoke --out changes": 1}


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.M | re.S)


def commands(page: Path) -> list[str]:
    """The commands of a page, in order."""
    return [line for block in blocks(page, "console") for line in block.splitlines() if line]


def table(page: Path, header: str) -> list[str]:
    """The words in the first column of the table with this header."""
    text = page.read_text()
    rows = text[text.index(header) :].split("\n\n")[0].splitlines()[2:]
    return [row.split("|")[1].strip().strip("`") for row in rows]


def on_releases() -> list[str]:
    """The commands of the README that ask named releases, without their comments."""
    lines = [command.partition("  #")[0].strip() for command in commands(ROOT / "README.md")]
    names = environments.names()
    return [line for line in lines if set(line.split()) & {*names, "identify"}]


def of_the_gate() -> list[str]:
    """The commands of the README that compare two environments, without their comments."""
    lines = [command.partition("  #")[0].strip() for command in commands(ROOT / "README.md")]
    return [line for line in lines if {"venv:old", "venv:new"} & set(line.split())]


def test_every_command_of_the_pages_is_run_by_some_test() -> None:
    unknown = [
        (page.name, command)
        for page in PAGES
        for command in commands(page)
        if page != HOW_TO
        and command not in ELSEWHERE
        and command.partition("  #")[0].strip() not in [*on_releases(), *of_the_gate()]
    ]
    assert unknown == []
    assert all(command.startswith("maskgate ") for command in commands(HOW_TO))
    assert commands(HOW_TO)


def test_nothing_is_listed_as_run_elsewhere_that_no_page_has() -> None:
    written = {command for page in PAGES for command in commands(page)}
    assert set(ELSEWHERE) <= written


def test_no_block_of_a_page_is_of_a_language_that_nothing_checks() -> None:
    for page in PAGES:
        fences = re.findall(r"^```(\w*)$", page.read_text(), re.M)
        assert set(fences) <= {"console", "toml", "python", "yaml", ""}, page
        # An opening fence names its language; a closing one names none.
        assert fences[1::2] == [""] * (len(fences) // 2), page
        assert "" not in fences[::2], page


@pytest.mark.slow
def test_the_commands_of_the_how_to_run_in_their_order(tmp_path: Path) -> None:
    """In one folder, so that a file which one writes is there for the next."""
    (tmp_path / "pyproject.toml").write_text("")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    failed = []
    for command in commands(HOW_TO):
        program, *arguments = shlex.split(command)
        assert program == "maskgate"
        done = subprocess.run(
            [sys.executable, "-m", "maskgate", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != DIFFERENT.get(command, 0) or done.stderr:
            failed.append((command, done.returncode, done.stdout[-1000:], done.stderr[-1000:]))
    assert failed == []
    assert (tmp_path / "report" / "report.json").is_file()
    assert (tmp_path / "changes" / "diff.json").is_file()
    assert set(DIFFERENT) <= set(commands(HOW_TO))


@pytest.mark.releases
@pytest.mark.parametrize("command", on_releases())
def test_the_commands_about_releases_answer(command: str, tmp_path: Path) -> None:
    python = environments.ensure(environments.get("keras-3.15.1"))
    _, *arguments = shlex.split(command.replace("path/to/environment", str(python.parents[1])))
    done = subprocess.run(
        [sys.executable, "-m", "maskgate", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    # A diff of two releases finds differences; the others find what is expected.
    assert done.returncode == (1 if arguments[0] == "diff" else 0), done.stdout + done.stderr
    assert done.stdout


@pytest.mark.releases
def test_the_gate_of_the_readme_passes_what_was_accepted(tmp_path: Path) -> None:
    for name, release in (("old", "tf-2.15.1"), ("new", "keras-3.15.1")):
        python = environments.ensure(environments.get(release))
        (tmp_path / name).symlink_to(python.parents[1])
    first, *gate = of_the_gate()
    assert first.endswith(" --baseline changes.json --accept")
    for command in (first, *gate):
        program, *arguments = shlex.split(command)
        assert program == "maskgate"
        done = subprocess.run(
            [sys.executable, "-m", "maskgate", *arguments, "--profile", "smoke"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout[-1000:], done.stderr[-1000:])
    assert '"accepted"' in (tmp_path / "changes" / "diff.json").read_text()
    assert (tmp_path / "report" / "report.json").is_file()


def test_the_workflow_of_the_readme_runs_the_same_gate() -> None:
    (workflow,) = blocks(ROOT / "README.md", "yaml")
    _, *gate = of_the_gate()
    assert re.findall(r"^      - run: (maskgate .+)$", workflow, re.M) == gate
    # What it makes and keeps is what the gate reads and writes.
    assert re.findall(r"-m venv (\w+)", workflow) == ["old", "new"]
    assert workflow.endswith("          path: |\n            changes\n            report\n")
    assert "\t" not in workflow


def test_options_of_the_pages_exist() -> None:
    text = "\n".join(page.read_text() for page in PAGES)
    for name, arguments in re.findall(r"\bmaskgate (check|diff|identify)\b([^`\n]*)", text):
        known = {option for each in cli.commands[name].params for option in each.opts}
        said = arguments.partition("  #")[0]
        assert set(re.findall(r"--[a-z]+", said)) <= known, (name, arguments)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_of_the_pages_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for number, block in enumerate(blocks(page, "python")):
        exec(compile(block, f"{page.name}, block {number}", "exec"), {"__name__": "__main__"})


def test_the_pages_have_python_to_run() -> None:
    assert blocks(HOW_TO, "python")


def test_toml_of_the_pages_is_configuration(tmp_path: Path) -> None:
    shown = [block for page in PAGES for block in blocks(page, "toml")]
    assert shown
    for block in shown:
        (tmp_path / "pyproject.toml").write_text(block)
        settings = load_settings(tmp_path)
        assert settings.subjects == ("current",)


# -- commands that stand in two places


def installed_and_run(text: str) -> tuple[set[str], list[str]]:
    """The extras that a test command installs, and the arguments that it gives to pytest."""
    (extras,) = re.findall(r"install (?:--quiet )?-e '\.\[([\w,]+)\]'", text)
    (arguments,) = re.findall(r"-m pytest\b([^`\n&]*)$", text, re.M)
    return set(extras.split(",")), arguments.split()


def test_ci_runs_the_test_command_of_the_readme() -> None:
    (readme,) = [each for each in commands(ROOT / "README.md") if "pytest" in each]
    script = (ROOT / ".ci" / "run").read_text()
    assert installed_and_run(script) == installed_and_run(readme)
    for text in (readme, script):
        assert re.findall(r"\bpython3[.\d]* -m venv\b", text) == ["python3.11 -m venv"]


def test_extras_of_the_pages_exist() -> None:
    known = set(PYPROJECT["project"]["optional-dependencies"])
    named = {
        extra
        for page in PAGES
        for group in re.findall(r"'\.\[([\w,]+)\]'", page.read_text())
        for extra in group.split(",")
    }
    assert named <= known


def test_markers_and_paths_of_the_pages_exist() -> None:
    text = (ROOT / "README.md").read_text()
    markers = [each.split(":")[0] for each in PYPROJECT["tool"]["pytest"]["ini_options"]["markers"]]
    assert set(re.findall(r"pytest -m (\w+)", text)) <= set(markers)
    for page in PAGES:
        for link in re.findall(r"\]\(([\w./-]+)\)", page.read_text()):
            assert (page.parent / link).exists(), (page.name, link)
        for link, anchor in re.findall(r"\]\(([\w./-]+)#([\w-]+)\)", page.read_text()):
            headings = re.findall(r"^#+ (.+)$", (page.parent / link).read_text(), re.M)
            assert anchor in [each.lower().replace(" ", "-") for each in headings], (link, anchor)


# -- tox


def tox() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "tox.ini")
    return parser


def test_tox_has_one_environment_for_each_named_release() -> None:
    (section,) = [each for each in tox().sections() if each.startswith("testenv:{")]
    listed = section.removeprefix("testenv:{").removesuffix("}").split(",")
    assert sorted(listed) == sorted(environments.names())
    assert len(listed) == len(set(listed))


def test_the_matrix_of_tox_is_all_of_them() -> None:
    lines = tox()["tox"]["labels"].splitlines()
    (matrix,) = [line.partition("=")[2] for line in lines if line.startswith("matrix =")]
    assert sorted(name.strip() for name in matrix.split(",")) == sorted(environments.names())


# -- lists that stand in two places


def test_the_floors_of_the_architecture_are_those_that_are_enforced() -> None:
    (contract,) = [
        each for each in PYPROJECT["tool"]["importlinter"]["contracts"] if each["type"] == "layers"
    ]
    enforced = [
        {name.strip().removeprefix("maskgate.") for name in layer.split(":")}
        for layer in contract["layers"]
    ]
    rows = re.findall(r"^\| (\d) \| (.+?) \|", (ROOT / "ARCHITECTURE.md").read_text(), re.M)
    written = [set(re.findall(r"`(\w+)`", names)) for _, names in rows]
    assert [int(number) for number, _ in rows] == list(range(len(rows), 0, -1))
    assert written == enforced


def test_every_package_is_on_a_floor() -> None:
    (contract,) = [
        each for each in PYPROJECT["tool"]["importlinter"]["contracts"] if each["type"] == "layers"
    ]
    named = set(re.findall(r"maskgate\.(\w+)", " ".join(contract["layers"])))
    package = Path(maskgate.__file__).parent
    assert named == {path.parent.name for path in package.glob("*/__init__.py")}


def test_folders_of_the_architecture_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    for folder in re.findall(r"^\| `([\w/]+/)` \|", text, re.M):
        assert (ROOT / folder).is_dir(), folder


def test_modules_that_the_architecture_names_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    named = re.findall(r"`((?:engines|verdicts|oracle|subjects|strategies)/\w+\.py)`", text)
    assert named
    for module in named:
        assert (Path(maskgate.__file__).parent / module).is_file(), module


def test_the_families_of_the_reference_are_those_of_the_oracle_in_their_order() -> None:
    assert table(ROOT / "docs" / "reference.md", "| family | releases |") == list(FAMILIES)


def cells(page: Path, header: str) -> list[list[str]]:
    """The rows of the table with this header, cell by cell."""
    text = page.read_text()
    rows = text[text.index(header) :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_the_keys_of_the_how_to_are_those_that_are_read() -> None:
    defaults = Settings()
    written = [row[:3] for row in cells(HOW_TO, "| key |")]
    read = []
    for key, (wanted, _) in _RULES.items():
        default = getattr(defaults, key)
        read.append([f"`{key}`", wanted, "-" if default in (None, ()) else f"`{default}`"])
    assert written == read
    assert all(row[3] for row in cells(HOW_TO, "| key |"))


def test_the_forms_of_the_reference_are_all_there_are() -> None:
    assert sorted(table(ROOT / "docs" / "reference.md", "| form |")) == sorted(FORMS)


def test_the_words_of_the_reports_are_explained() -> None:
    words = table(ROOT / "docs" / "reference.md", "| word |")
    assert {"family", "generation", "shim", "stage", "shape class"} <= set(words)


def test_the_verdicts_of_the_readme_are_all_there_are() -> None:
    assert table(ROOT / "README.md", "| verdict |") == list(VERDICTS)


def test_the_readme_names_the_three_kinds() -> None:
    assert re.findall(r"^\* \*\*(\w+)\*\*:", (ROOT / "README.md").read_text(), re.M) == list(KINDS)


def test_properties_that_the_pages_select_exist() -> None:
    names = [info.name for info in properties()]
    for page in PAGES:
        for glob in re.findall(r"--select '?([\w*-]+)'?", page.read_text()):
            pattern = re.compile(glob.replace("*", ".*"))
            assert any(pattern.fullmatch(name) for name in names), (page.name, glob)


def test_the_reference_lists_each_element_loss() -> None:
    text = (ROOT / "docs/reference.md").read_text(encoding="utf-8")
    listed = text.partition("## Element losses")[2].partition("##")[0]
    for name, kind in LOSSES.items():
        assert f"`{name}` ({kind.keras_class})" in listed
