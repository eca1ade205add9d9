"""`maskgate check` as a user runs it: real processes, real interruptions, real crashes.

The subjects are environments whose framework is the oracle itself, right or bent on purpose.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from fake_framework import make_environment
from fake_subject import case
from oracle_framework import MASK_FAULT, RIGHT, make_oracle_environment, rebend

from maskgate.case import Case
from maskgate.engines import check as engine
from maskgate.engines.catalogue import PropertyInfo, properties
from maskgate.engines.check_request import CheckRequest
from maskgate.reports import schema
from maskgate.verdicts.deviations import KnownDeviation, save_deviations

MARK = "MASKGATE_TEST_MARK"
DEAD_ENOUGH = 20.0  # seconds until a process that was told to go must be gone
PROPERTY = "empty-mask"


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment of a subject that is right."""
    return make_oracle_environment(tmp_path_factory.mktemp("right") / "venv")


@pytest.fixture
def bent(tmp_path: Path) -> Path:
    """An environment of a subject that is off where a mask masks anything."""
    return make_oracle_environment(tmp_path / "bent", MASK_FAULT)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The folder that the command is run in."""
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "pyproject.toml").write_text("")
    return folder


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **more}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "maskgate", "check", *map(str, arguments)]


def check(here: Path, *arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=here,
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def report(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The JSON document that a run printed, which is of the schema."""
    return document(done.stdout)


def document(text: str) -> dict[str, Any]:
    loaded = json.loads(text)
    jsonschema.Draft202012Validator(schema()).validate(loaded)
    return dict(loaded)


def verdicts(said: dict[str, Any]) -> dict[str, str]:
    return {each["property"]: each["verdict"] for each in said["results"]}


def one_sentence(text: str) -> str:
    """The only line of an error: what was asked, what was found, what to do next."""
    assert "Traceback" not in text
    (line,) = text.splitlines()
    assert line.startswith("maskgate: ")
    assert "; " in line
    return line


def quick(subject: Path, *more: object) -> list[object]:
    return [f"venv:{subject}", "--profile", "smoke", "--jobs", "1", "--format", "json", *more]


# -- wrong usage and configuration: 2


def entry(**changes: Any) -> KnownDeviation:
    fields: dict[str, Any] = {
        "id": "one",
        "property": PROPERTY,
        "families": ("valid-where",),
        "stage": "mask",
        "shape_class": "plain",
        "sentence": "accepted: it is off",
        "link": None,
        "case": case(mask=((0, 0, 0),)),
        "altered": None,
    }
    return KnownDeviation(**{**fields, **changes})


def no_json(here: Path) -> list[str]:
    (here / "base.json").write_text('{"schema": 1, "deviations": [')
    return ["--baseline", "base.json"]


def no_case(here: Path) -> list[str]:
    save_deviations(here / "base.json", [entry()])
    data = json.loads((here / "base.json").read_text())
    del data["deviations"][0]["case"]["y_pred"]
    (here / "base.json").write_text(json.dumps(data))
    return ["--baseline", "base.json"]


def no_such_property(here: Path) -> list[str]:
    save_deviations(here / "base.json", [entry(property="empty-masks")])
    return ["--baseline", "base.json"]


def folder_for_baseline(_here: Path) -> list[str]:
    return ["--baseline", "."]


def baseline_below_a_file(here: Path) -> list[str]:
    (here / "file").write_text("")
    return ["--baseline", "file/base.json", "--accept"]


def baseline_nowhere(_here: Path) -> list[str]:
    return ["--baseline", "absent/base.json", "--accept"]


def out_below_a_file(here: Path) -> list[str]:
    (here / "file").write_text("")
    return ["--out", "file/out"]


def unknown_key(here: Path) -> list[str]:
    (here / "pyproject.toml").write_text("[tool.maskgate]\nselct = ['a']\n")
    return []


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lambda _: ["--select", "labels-undr-mask"], "did you mean labels-under-mask"),
        (lambda _: ["--deselect", "qqq"], "see `maskgate check --list` for the names"),
        (lambda _: ["--select", PROPERTY, "--deselect", "*"], "they leave no property"),
        (no_json, "baseline base.json: it cannot be read (Expecting value"),
        (no_case, "it cannot be read (not a case: "),
        (no_such_property, "entry 'one' is about 'empty-masks', which is no property; take the"),
        (folder_for_baseline, "baseline .: it cannot be read ("),
        (baseline_below_a_file, "baseline file/base.json: it cannot be written ("),
        (baseline_nowhere, "baseline absent/base.json: it cannot be written ("),
        (out_below_a_file, "--out file/out: it cannot be written (Not a directory)"),
        (unknown_key, "[tool.maskgate] selct: there is no such key; did you mean 'select'?"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_2_before_anything_runs(
    here: Path, prepare: Callable[[Path], list[str]], said: str
) -> None:
    arguments = prepare(here)
    done = check(here, "venv:never-asked", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in one_sentence(done.stderr)


# -- subjects that cannot be asked: 3

BROKEN = 'raise ImportError("libcudart.so.99: cannot open shared object file")'
DIES = "import os; os._exit(7)"


def make_bare(folder: Path) -> None:
    make_environment(folder, numpy=False)


def make_folder(folder: Path) -> None:
    folder.mkdir()


def make_nothing(_folder: Path) -> None:
    pass


def make_broken(folder: Path) -> None:
    make_environment(folder, keras=BROKEN, tensorflow="")


def make_dying(folder: Path) -> None:
    make_environment(folder, keras=DIES, tensorflow="")


def make_no_interpreter(folder: Path) -> None:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text("#!/nothing/there\n")
    (folder / "bin" / "python").chmod(0o755)


def make_lost(folder: Path) -> None:
    make_oracle_environment(folder, "import os\ndef bend(*given):\n    os._exit(9)\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (make_bare, "no framework is installed there: neither tf_keras nor keras; install it"),
        (make_nothing, "nothing is at "),
        (make_folder, "is no environment: there is no bin/python in it; give the folder of"),
        (make_broken, "importing keras there raised ImportError: libcudart.so.99: cannot open"),
        (make_dying, "it did not start: it ended with exit status 7; "),
        (make_no_interpreter, "cannot be executed (No such file or directory); give a python"),
        (make_lost, "it was lost over a plain case: it ended with exit status 9; "),
    ],
)
def test_a_subject_that_cannot_be_asked_is_one_sentence_and_exit_3(
    here: Path, tmp_path: Path, make: Callable[[Path], Any], said: str
) -> None:
    make(tmp_path / "venv")
    done = check(here, *quick(tmp_path / "venv", "--select", "labels-*"))
    assert done.returncode == 3
    assert said in one_sentence(done.stderr)
    (failure,) = report(done)["failures"]
    assert failure["subject"] == f"venv:{tmp_path / 'venv'}"
    assert said in f"{failure['found']}; {failure['hint']}"


@pytest.mark.slow
@pytest.mark.parametrize("text", ["venv", "keras-9.9.9", "/usr/bin/python3"])
def test_a_text_that_names_no_subject_is_one_sentence_and_exit_2(here: Path, text: str) -> None:
    done = check(here, text)
    assert done.returncode == 2
    assert one_sentence(done.stderr).startswith(f"maskgate: {text}: ")


@pytest.mark.slow
def test_one_subject_that_cannot_be_asked_leaves_the_answers_of_the_others(
    here: Path, right: Path, tmp_path: Path
) -> None:
    done = check(here, f"venv:{tmp_path}/none", *quick(right, "--select", PROPERTY))
    assert done.returncode == 3
    said = report(done)
    assert [each["asked"] for each in said["failures"]] == [f"venv:{tmp_path}/none"]
    assert verdicts(said) == {PROPERTY: "holds"}


# -- subjects that die on the way: 3, and everything else is answered

DIES_OF_NONE = """
    import os
    def bend(case, value, slope):
        if case.reduction == "none":
            os._exit(5)
        return value, slope
"""
HANGS_ONCE = """
    import os, time
    def bend(case, value, slope):
        if case.reduction == "none" and not os.path.exists("HUNG"):
            open("HUNG", "w").close()
            time.sleep(600)
        return value, slope
"""


@pytest.mark.slow
def test_a_subject_that_dies_of_some_cases_keeps_one_and_answers_the_rest(
    here: Path, tmp_path: Path
) -> None:
    venv = make_oracle_environment(tmp_path / "venv", DIES_OF_NONE)
    # A property of means is never asked for the reduction `none`.
    names = ["gradient-under-mask", "constant-loss"]
    done = check(here, *quick(venv, *[f"--select={name}" for name in names], "--out=out"))
    assert done.returncode == 3
    said = report(done)
    assert verdicts(said) == {"gradient-under-mask": "error", "constant-loss": "holds"}
    (shown,) = said["findings"]
    assert (shown["verdict"], shown["stage"]) == ("error", "crash")
    assert "it ended with exit status 5" in shown["observed"]
    kept = Case.load(here / "out" / "findings" / shown["id"] / "case.json")
    assert kept.reduction == "none"
    assert kept.identical(Case.from_dict(shown["case"]))


@pytest.mark.slow
def test_a_subject_that_hangs_is_given_up_after_the_time_allowed(
    here: Path, tmp_path: Path
) -> None:
    flag = repr(str(tmp_path / "hung"))
    venv = make_oracle_environment(tmp_path / "venv", HANGS_ONCE.replace('"HUNG"', flag))
    done = check(here, *quick(venv, "--select", "gradient-under-mask", "--timeout", "2"))
    assert done.returncode == 3
    said = report(done)
    (shown,) = said["findings"]
    assert shown["observed"] == "no answer within 2 s"
    assert said["results"][0]["examples"] >= 15


# -- runs under way


class Run:
    """A check in the background, its event log, and every process that it started."""

    def __init__(self, here: Path, *arguments: object) -> None:
        self.mark = uuid.uuid4().hex
        self.scratch = here.parent / "scratch"
        self.scratch.mkdir()
        variables = {MARK: self.mark, "TMPDIR": str(self.scratch)}
        self.process = subprocess.Popen(
            command(*arguments),
            cwd=here,
            env=environment(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def events(self) -> list[dict[str, Any]]:
        logs = list(self.scratch.glob("maskgate-*/events.jsonl"))
        text = logs[0].read_text() if logs else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line[-1] == "\n"]

    def wait_for(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until the run has logged so many events of a kind."""

        def seen() -> list[dict[str, Any]]:
            found = [each for each in self.events() if each["event"] == kind]
            return found if len(found) >= count else []

        found: list[dict[str, Any]] = until(seen, 120.0)
        return found

    def processes(self, part: str = "") -> list[int]:
        """Those of the run that are alive, whoever is their parent now: all carry its mark."""
        return [pid for pid in marked(self.mark) if part in command_line(pid)]

    def finish(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=120)
        return self.process.returncode, out, err

    def left(self) -> list[str]:
        """What is still alive when everything has had the time to go."""
        with contextlib.suppress(TimeoutError):
            until(lambda: not self.processes(), DEAD_ENOUGH)
        return [command_line(pid) for pid in self.processes()]


def until(found: Callable[[], Any], seconds: float) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := found():
            return answer
        time.sleep(0.05)
    raise TimeoutError(f"nothing within {seconds} s")


def marked(mark: str) -> Iterator[int]:
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes():
                yield int(folder.name)


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


# Slow only for what is not asked by the first property.
SLOW = """
    import time
    def bend(case, value, slope):
        time.sleep(0.2 if case.reduction == "sum" else 0.0)
        return value, slope
"""
WORKER = "worker/__main__.py"


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    return make_oracle_environment(tmp_path / "slow", SLOW)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("jobs", "signalled"), [(1, signal.SIGINT), (2, signal.SIGINT), (2, signal.SIGTERM)]
)
def test_an_interrupted_run_prints_what_was_found_and_leaves_no_process(
    here: Path, slow: Path, jobs: int, signalled: signal.Signals
) -> None:
    names = ["--select=gradient-under-mask", "--select=labels-under-mask"]
    options = ["--profile", "deep", "--format", "json", "--out", "out"]
    run = Run(here, f"venv:{slow}", "--jobs", jobs, *options, *names)
    run.wait_for("property-started", jobs)
    until(lambda: run.processes(WORKER), 60.0)
    assert len(run.processes()) >= 3
    run.process.send_signal(signalled)
    status, out, err = run.finish()
    assert (status, run.left()) == (130, [])
    assert "Traceback" not in err
    said = document(out)
    assert (said["exit_status"], said["complete"]) == (130, False)
    assert document((here / "out" / "report.json").read_text()) == said
    assert list(run.scratch.iterdir()) == []


@pytest.mark.slow
def test_ctrl_c_keeps_the_verdicts_that_were_there(here: Path, slow: Path) -> None:
    names = ["--select=constant-loss", "--select=gradient-under-mask"]
    run = Run(here, *quick(slow, *names))
    # The order is that of the suite's modules: content under the mask comes before padding.
    done = run.wait_for("result")[0]["result"]["property"]
    run.process.send_signal(signal.SIGINT)
    status, out, _ = run.finish()
    said = document(out)
    assert (status, run.left()) == (130, [])
    assert verdicts(said) == {done: "holds"}
    assert said["counts"]["holds"] == 1


@pytest.mark.slow
def test_a_worker_killed_from_outside_costs_one_example(here: Path, slow: Path) -> None:
    names = ["--select=gradient-under-mask", "--select=constant-loss"]
    run = Run(here, *quick(slow, *names, "--profile=default"))
    run.wait_for("property-started")
    (worker,) = until(lambda: run.processes(WORKER), 60.0)
    time.sleep(1.0)  # the forced failure is over, and the first property under way
    os.kill(worker, signal.SIGKILL)
    status, out, err = run.finish()
    said = document(out)
    assert (status, run.left(), err) == (3, [], "")
    assert sorted(verdicts(said).values()) == ["error", "holds"]
    (shown,) = said["findings"]
    assert (shown["verdict"], shown["observed"]) == ("error", "it ended with signal SIGKILL")
    assert Case.from_dict(shown["case"]).y_pred.size
    assert min(each["examples"] for each in said["results"]) >= 90


@pytest.mark.slow
def test_a_runner_killed_from_outside_is_told_and_leaves_no_process(here: Path, slow: Path) -> None:
    run = Run(here, *quick(slow, "--select=gradient-under-mask"))
    run.wait_for("property-started")
    until(lambda: run.processes(WORKER), 60.0)
    (runner,) = run.processes("-m pytest")
    os.kill(runner, signal.SIGKILL)
    status, out, err = run.finish()
    assert (status, run.left()) == (3, [])
    assert "the run ended without a verdict on gradient-under-mask" in one_sentence(err)
    assert document(out)["failures"]


# -- the same answer every time


def essence(said: dict[str, Any]) -> dict[str, Any]:
    """A report without its times and what it was called with."""
    results = [
        {key: value for key, value in each.items() if "seconds" not in key}
        for each in said["results"]
    ]
    return {**said, "results": results, "seconds": 0, "run": None}


TOPICS = ["--select=*mask*", "--select=loss-gradient", "--deselect=mask-rank"]


@pytest.mark.slow
def test_jobs_and_repetition_change_nothing_and_the_seed_does(here: Path, bent: Path) -> None:
    first, again, side_by_side, other = (
        report(check(here, *quick(bent, *TOPICS), *options))
        for options in ([], ["--seed=0"], ["--jobs=2"], ["--seed=7"])
    )
    assert first["counts"]["new"] >= 3
    assert essence(first) == essence(again)
    assert essence(first) == essence(side_by_side)
    assert (side_by_side["run"]["jobs"], other["run"]["seed"]) == (2, 7)
    used = [[each["worst"] for each in said["results"]] for said in (first, other)]
    assert used[0] != used[1]


@pytest.mark.slow
def test_several_subjects_are_one_report(here: Path, right: Path, bent: Path) -> None:
    done = check(here, f"venv:{bent}", *quick(right, "--select", PROPERTY, "--jobs", "2"))
    said = report(done)
    assert done.returncode == 1
    assert [each["subject"] for each in said["results"]] == [f"venv:{bent}", f"venv:{right}"]
    assert [each["verdict"] for each in said["results"]] == ["new", "holds"]
    assert {each["id"] for each in said["subjects"]} == {f"venv:{bent}", f"venv:{right}"}
    assert {each["subject"] for each in said["findings"]} == {f"venv:{bent}"}


@pytest.mark.slow
def test_a_subject_named_twice_is_asked_once(here: Path, right: Path) -> None:
    said = report(check(here, f"venv:{right}", *quick(right, "--select", PROPERTY)))
    assert len(said["results"]) == 1


# -- what is checked where nothing is named


@pytest.mark.parametrize(("named", "notices"), [((), 1), (("keras-3.15.1",), 0)])
def test_a_release_in_place_of_a_missing_framework_is_told(
    named: tuple[str, ...], notices: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "default_subject", lambda: "keras-3.15.1")
    monkeypatch.setattr(engine, "_run_subjects", lambda *_request: 0)
    told: list[str] = []
    request = CheckRequest(subjects=named, events=tmp_path / "events.jsonl")
    engine.run_check(request, on_event=lambda _event: None, on_notice=told.append)
    assert len(told) == notices
    assert all("no framework" in notice and "keras-3.15.1" in notice for notice in told)


# -- the gate


@pytest.mark.slow
def test_an_accepted_deviation_passes_until_it_changes(here: Path, bent: Path) -> None:
    gate = quick(bent, "--select", PROPERTY, "--baseline", "accepted.json")
    path = here / "accepted.json"

    path.write_text('{"schema": 1, "deviations": []}')
    assert check(here, *gate).returncode == 1

    done = check(here, *gate, "--accept")
    assert (done.returncode, verdicts(report(done))) == (0, {PROPERTY: "new"})
    said = check(here, *gate[:-2], "--baseline", "other.json", "--accept", "--format", "pretty")
    assert re.search(r"Accepted: \d+ deviations? written to other.json\.$", said.stdout.strip())
    accepted = json.loads(path.read_text())
    assert accepted["deviations"]

    done = check(here, *gate)
    assert (done.returncode, verdicts(report(done))) == (0, {PROPERTY: "known"})
    ids = {each["id"] for each in accepted["deviations"]}
    assert {each["id"] for each in report(done)["findings"]} == ids

    # An entry taken out: what it listed is new again.
    path.write_text(json.dumps({**accepted, "deviations": accepted["deviations"][1:]}))
    assert check(here, *gate).returncode == 1

    # Entries whose case is edited to one that does not deviate: fixed, though others still show it.
    edited = json.loads(json.dumps(accepted))
    for each in edited["deviations"]:
        each["case"].update(mask=None, y_pred=each["case"]["y_true"])
    path.write_text(json.dumps(edited))
    done = check(here, *gate)
    assert done.returncode == 1
    said = report(done)["findings"]
    assert {each["verdict"] for each in said} == {"fixed"}, said

    # The behaviour itself gone: fixed, until the list is written anew.
    path.write_text(json.dumps(accepted))
    rebend(bent, RIGHT)
    done = check(here, *gate)
    assert (done.returncode, verdicts(report(done))) == (1, {PROPERTY: "fixed"})
    assert check(here, *gate, "--accept").returncode == 0
    assert json.loads(path.read_text())["deviations"] == []
    done = check(here, *gate)
    assert (done.returncode, verdicts(report(done))) == (0, {PROPERTY: "holds"})


@pytest.mark.slow
def test_accepting_does_not_hide_a_subject_that_cannot_be_asked(here: Path, bent: Path) -> None:
    gate = quick(bent, "--select", PROPERTY, "--baseline", "accepted.json", "--accept")
    done = check(here, "venv:nowhere", *gate)
    assert done.returncode == 3
    assert json.loads((here / "accepted.json").read_text())["deviations"]


@pytest.mark.slow
def test_a_listed_case_that_lacks_what_its_law_needs_is_an_error_of_that_property_alone(
    here: Path, right: Path
) -> None:
    save_deviations(here / "base.json", [entry(property="empty-row", altered=case())])
    names = ["--select=empty-row", f"--select={PROPERTY}"]
    done = check(here, *quick(right, *names, "--baseline=base.json"))
    said = report(done)
    assert (done.returncode, done.stderr) == (3, "")
    assert verdicts(said) == {"empty-row": "error", PROPERTY: "holds"}
    (shown,) = [each for each in said["findings"] if each["verdict"] == "error"]
    assert (shown["id"], shown["observed"]) == ("one", "KeyError: 'row'")


# -- what stands around


@pytest.mark.slow
def test_nothing_of_the_user_s_project_leaks_in_and_nothing_is_left_there(
    here: Path, right: Path
) -> None:
    (here / "conftest.py").write_text("raise RuntimeError('not mine')")
    (here / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    before = sorted(path.name for path in here.iterdir())
    stray = {
        "PYTEST_ADDOPTS": "--no-such-option",
        "PYTEST_PLUGINS": "no_such_plugin",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "HYPOTHESIS_PROFILE": "no-such-profile",
        "CI": "true",
    }
    names = ["--select=empty-mask", "--select=constant-loss"]
    for jobs in ("1", "2"):
        done = check(here, *quick(right, *names, "--jobs", jobs), **stray)
        assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in here.iterdir()) == before


def of_models(info: PropertyInfo) -> bool:
    """Whether a property is about more than the loss object: its test says so by a marker."""
    tree = ast.parse(info.path.read_text(encoding="utf-8"))
    tests = {part.name: part for part in tree.body if isinstance(part, ast.FunctionDef)}
    marks = map(ast.unparse, tests[info.function].decorator_list)
    return any("whole_models" in mark for mark in marks) and not info.of_layer


@pytest.mark.slow
def test_every_property_is_answered_in_every_mode(here: Path, right: Path) -> None:
    """The whole suite on the oracle itself: it follows its own formula to the last bit."""
    # It has no layers, of which models could be built.
    left_out = {"loss-value", "backends"} | {info.name for info in properties() if of_models(info)}
    deselect = [f"--deselect={name}" for name in sorted(left_out)]
    done = check(here, *quick(right, "--jobs=2", *deselect))
    said = report(done)
    asked = verdicts(said)
    assert set(asked) == {info.name for info in properties() if not info.of_layer} - left_out
    assert asked["loss-gradient"] == "holds"
    assert {each["stage"] for each in said["findings"]} <= {"formula"}
    assert not {"new", "error", "skipped"} & set(asked.values())
    for each in said["results"]:
        missing = {"eager-graph-xla": {"eager"}}.get(each["property"], set())
        assert set(each["modes"]) >= {"eager", "graph", "xla"} - missing


@pytest.mark.slow
def test_pretty_output_ends_in_one_line_that_sums_up(here: Path, bent: Path) -> None:
    done = check(here, f"venv:{bent}", "--profile=smoke", f"--select={PROPERTY}", "--jobs=1")
    assert (done.returncode, done.stderr) == (1, "")
    last = done.stdout.splitlines()[-1]
    assert last.startswith(f"Unexpected: {PROPERTY} deviates in a way that is not listed.")
    again = f"maskgate check venv:{bent} --select {PROPERTY} --profile smoke --seed 0"
    assert again in textwrap.dedent(done.stdout).replace("\n", " ")


@pytest.mark.parametrize("subject", ["kears-3.15.1", "/nowhere", "path:/nowhere"])
def test_a_subject_of_no_known_form_is_one_sentence(here: Path, subject: str) -> None:
    done = check(here, subject, "--select", PROPERTY)
    assert done.returncode == 2
    assert re.search(r"; (did you mean|write) ", one_sentence(done.stderr))
