"""`maskgate check` from its arguments to its exit status, with a made-up engine underneath."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sample_run import all_results, new_finding, write_calm_run, write_every_verdict, write_run

from maskgate import __version__
from maskgate.cli.app import run
from maskgate.engines.check_request import CheckRequest
from maskgate.engines.events import EventLog, read_events
from maskgate.engines.problems import UsageProblem
from maskgate.reports import schema

Engine = Callable[[CheckRequest], int]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No pyproject.toml but the test's own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Callable[[Engine], list[CheckRequest]]:
    """Put a made-up engine in place; the list of the requests that it gets."""

    def put(behave: Engine) -> list[CheckRequest]:
        asked: list[CheckRequest] = []

        def run_check(request: CheckRequest, *, on_event: Any, **_notices: Any) -> int:
            asked.append(request)
            status = behave(request)
            for _, event in read_events(request.events):
                on_event(event)
            return status

        monkeypatch.setattr("maskgate.engines.check.run_check", run_check)
        return asked

    return put


def calm(request: CheckRequest) -> int:
    write_calm_run(request.events)
    return 0


def every_verdict(request: CheckRequest) -> int:
    write_every_verdict(request.events)
    return 3


def document(text: str) -> dict[str, Any]:
    """The one JSON document that a text is."""
    loaded = json.loads(text)
    jsonschema.Draft202012Validator(schema()).validate(loaded)
    return dict(loaded)


def test_calm_run_exits_0(engine: Any, capfd: pytest.CaptureFixture[str]) -> None:
    engine(calm)
    assert run(["check"]) == 0
    out, err = capfd.readouterr()
    assert out.endswith("As expected: 2 properties hold, 1 deviates as listed, 1 was skipped.\n")
    assert err == ""


def test_every_option_reaches_the_engine(engine: Any, tmp_path: Path) -> None:
    asked = engine(calm)
    options = "--select a*,b --select d --deselect c --profile smoke --seed 5 --jobs 2 --accept"
    more = (
        f"--baseline base.json --backend tensorflow --device gpu --timeout 7.5 --out {tmp_path}/o"
    )
    assert run(["check", "current", "venv:x", *options.split(), *more.split()]) == 0
    request = asked[0]
    assert request == CheckRequest(
        subjects=("current", "venv:x"),
        select=("a*", "b", "d"),
        deselect=("c",),
        profile="smoke",
        seed=5,
        jobs=2,
        events=request.events,
        baseline=Path("base.json"),
        accept=True,
        backend="tensorflow",
        device="gpu",
        timeout=7.5,
    )
    assert not request.events.parent.exists()


def test_command_line_wins_over_the_file(engine: Any, tmp_path: Path) -> None:
    asked = engine(calm)
    (tmp_path / "pyproject.toml").write_text(
        "[tool.maskgate]\nseed = 1\nprofile = 'deep'\nsubjects = ['venv:x']\nselect = ['a']\n"
    )
    run(["check", "--seed", "0", "--select", "b"])
    assert (asked[0].seed, asked[0].profile) == (0, "deep")
    assert (asked[0].subjects, asked[0].select) == (("venv:x",), ("b",))


def test_json_is_one_document_whatever_is_printed(
    engine: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    def noisy(request: CheckRequest) -> int:
        print("from Python")
        os.write(1, b"from C\n")
        subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
        return every_verdict(request)

    engine(noisy)
    assert run(["check", "--format", "json"]) == 3
    out, err = capfd.readouterr()
    assert document(out)["counts"]["new"] == 1
    assert [line for line in err.splitlines() if line] == [
        "from Python",
        "from C",
        "from a child",
    ]
    print("stdout is itself again")
    assert capfd.readouterr().out == "stdout is itself again\n"


def test_markdown(engine: Any, capfd: pytest.CaptureFixture[str]) -> None:
    engine(every_verdict)
    assert run(["check", "--format=markdown"]) == 3
    assert capfd.readouterr().out.startswith("# maskgate report\n")


def test_out_holds_the_reports_and_pretty_names_the_script(
    engine: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    engine(every_verdict)
    assert run(["check", "--out", "reports"]) == 3
    name = new_finding().id
    assert document((tmp_path / "reports/report.json").read_text())["exit_status"] == 3
    assert (tmp_path / "reports/findings" / name / "repro.py").is_file()
    assert f"script    python reports/findings/{name}/repro.py" in capfd.readouterr().out


@pytest.mark.parametrize("format_", ["pretty", "json", "markdown"])
def test_unwritable_out_is_found_before_the_run(
    engine: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str], format_: str
) -> None:
    asked = engine(calm)
    (tmp_path / "file").write_text("")
    assert run(["check", "--out", "file/out", "--format", format_]) == 2
    out, err = capfd.readouterr()
    assert err == (
        "maskgate: --out file/out: it cannot be written (Not a directory); "
        "name a folder that you may write to\n"
    )
    assert not asked
    if format_ == "json":
        assert document(out)["exit_status"] == 2
        assert document(out)["failures"][0]["asked"] == "--out file/out"
    else:
        assert out == ""


def test_out_that_fails_at_the_end_still_gives_the_answer(
    engine: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def spoil(request: CheckRequest) -> int:
        shutil.rmtree(tmp_path / "out")
        (tmp_path / "out").write_text("")
        return calm(request)

    engine(spoil)
    assert run(["check", "--out", "out", "--format", "json"]) == 2
    out, err = capfd.readouterr()
    assert err.startswith("maskgate: --out out: the reports could not be written (")
    assert document(out)["counts"]["holds"] == 2


@pytest.mark.parametrize("command", [["check"], ["diff", "current", "current"]])
def test_out_that_is_a_file_is_said_to_be_one(
    command: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("kept")
    assert run([*command, "--out", "file"]) == 2
    assert capfd.readouterr() == (
        "",
        "maskgate: --out file: it is a file, where a folder is needed; "
        "name a folder, which need not exist yet\n",
    )
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("command", [["check"], ["diff", "current", "current"]])
def test_accept_with_a_damaged_baseline_says_what_helps(
    command: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "base.json").write_text("{")
    assert run([*command, "--baseline", "base.json", "--accept"]) == 2
    said = capfd.readouterr().err
    assert "; restore it, or move or delete it and write a new one with --accept\n" in said
    assert (tmp_path / "base.json").read_text() == "{"


def test_the_forms_of_a_subject_are_listed_whole(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "zzz"]) == 2
    said = capfd.readouterr().err
    assert "seed, seed:epsilon, seed:no-epsilon, seed:epsilon-on-count, keras-VERSION" in said
    assert said.endswith(" or pip:REQUIREMENT[,REQUIREMENT]\n")
    assert run(["check", "--help"]) == 0
    help_ = capfd.readouterr().out
    assert "seed:no-epsilon" in help_
    assert "...." not in help_ + said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "--profil", "x"], "maskgate: check: No such option"),
        (["check", "--profile", "fast"], "Invalid value for '--profile': 'fast' is not one of"),
        (["check", "--jobs", "0"], "Invalid value for '--jobs': 0 is not in the range"),
        (["check", "--timeout", "0"], "Invalid value for '--timeout'"),
        (["chek"], "maskgate: No such command 'chek'"),
        (["check", "--select", "labels-under-msk"], "did you mean labels-under-mask"),
        (["check", "--list", "--select", "labels-under-msk"], "did you mean labels-under-mask"),
        (["check", "--accept"], "maskgate: --accept: no baseline is named; add --baseline FILE"),
        (["check", "--baseline", "absent.json"], "baseline absent.json: there is no such file"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_2(
    arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1
    assert err.count("; ") >= 1
    assert run([*arguments, "--format", "json"]) == 2
    assert document(capfd.readouterr().out)["exit_status"] == 2


def test_wrong_configuration_with_json_asked_for(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.maskgate]\nformatt = 'json'\n")
    assert run(["check", "--format", "json"]) == 2
    out, err = capfd.readouterr()
    assert "did you mean 'format'?" in err
    assert document(out)["failures"][0]["hint"] == "did you mean 'format'?"
    assert run(["check"]) == 2
    assert capfd.readouterr().out == ""


def test_json_of_the_file_counts_for_wrong_usage(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.maskgate]\nformat = 'json'\n")
    assert run(["check", "--jobs", "x"]) == 2
    assert document(capfd.readouterr().out)["exit_status"] == 2
    assert run(["check", "--jobs", "x", "--format", "pretty"]) == 2
    assert capfd.readouterr().out == ""


def test_engine_that_refuses_the_request(engine: Any, capfd: pytest.CaptureFixture[str]) -> None:
    def refuse(_request: CheckRequest) -> int:
        raise UsageProblem("baseline x", "it is damaged", "restore it")

    engine(refuse)
    assert run(["check", "--format", "json"]) == 2
    out, err = capfd.readouterr()
    assert err == "maskgate: baseline x: it is damaged; restore it\n"
    assert document(out)["run"] is None


def test_failed_subject_exits_3(engine: Any, capfd: pytest.CaptureFixture[str]) -> None:
    def fail(request: CheckRequest) -> int:
        log = EventLog(request.events)
        log.emit("run-started", profile="smoke", seed=0, jobs=1, subjects=["venv:x"], properties=[])
        log.emit(
            "subject-failed", subject="venv:x", asked="venv:x", found="no Python", hint="make one"
        )
        log.emit("run-finished", seconds=0.1, exit_status=3)
        return 3

    engine(fail)
    assert run(["check", "venv:x"]) == 3
    out, err = capfd.readouterr()
    assert err == "maskgate: venv:x: no Python; make one\n"
    assert out == ""


@pytest.mark.parametrize("raised", [False, True])
def test_interruption_keeps_what_was_found(
    engine: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str], raised: bool
) -> None:
    def interrupted(request: CheckRequest) -> int:
        status = None if raised else 130
        done = all_results()[:2]
        planned = [r.property for r in all_results()]
        write_run(request.events, done, [new_finding()], exit_status=status, planned=planned)
        if raised:
            raise KeyboardInterrupt
        return 130

    engine(interrupted)
    assert run(["check", "--format", "json", "--out", "out"]) == 130
    printed = document(capfd.readouterr().out)
    assert (printed["exit_status"], printed["complete"]) == (130, False)
    assert printed["counts"]["new"] == 1
    assert document((tmp_path / "out/report.json").read_text()) == printed
    assert (tmp_path / "out/findings" / new_finding().id / "repro.py").is_file()


def test_fault_of_ours_keeps_what_was_found_and_shows_a_traceback(
    engine: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(request: CheckRequest) -> int:
        write_run(request.events, all_results()[:1], [], exit_status=0, planned=["loss-value"])
        raise RuntimeError("what\nnow")

    engine(broken)
    assert run(["check", "--format", "json"]) == 3
    out, err = capfd.readouterr()
    printed = document(out)
    assert printed["exit_status"] == 3
    assert printed["failures"][0]["found"] == "RuntimeError: what"
    assert "Traceback" in err


def test_version_and_help(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capfd.readouterr().out == f"maskgate {__version__}\n"
    assert run(["--help"]) == 0
    assert "Exit status: 0 as expected" in capfd.readouterr().out
    assert run(["check", "-h"]) == 0
    said = capfd.readouterr().out
    for word in ("--select GLOB", "[smoke|default|deep]", "--accept", "venv:PATH"):
        assert word in said


def test_no_command_shows_the_help(capfd: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    out, err = capfd.readouterr()
    assert (out, "Usage: maskgate" in err) == ("", True)


def test_list(engine: Any, capfd: pytest.CaptureFixture[str]) -> None:
    asked = engine(calm)
    assert run(["check", "--list", "--select", "empty-*"]) == 0
    assert "empty-mask  law" in capfd.readouterr().out
    assert run(["check", "--list", "--format", "json"]) == 0
    listed = json.loads(capfd.readouterr().out)["properties"]
    assert {"loss-value", "epoch-value", "layer-mask"} <= {entry["name"] for entry in listed}
    kinds = [entry["kind"] for entry in listed]
    assert kinds == sorted(kinds, key=["conformance", "law", "agreement"].index)
    assert run(["check", "--list", "--format", "markdown", "--deselect", "*e*"]) == 0
    assert capfd.readouterr().out.startswith("- `")
    assert not asked


SLOW_ENGINE = """
import sys, time
from pathlib import Path
import maskgate.engines.check as engine
from maskgate.cli import main
from sample_run import all_results, write_run

def run_check(request, *, on_event, on_notice):
    planned = [r.property for r in all_results()]
    write_run(request.events, all_results()[:1], [], exit_status=None, planned=planned)
    Path("started").touch()
    time.sleep(60)

engine.run_check = run_check
main(sys.argv[1:])
"""


def start(tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    script = tmp_path / "cli.py"
    script.write_text(textwrap.dedent(SLOW_ENGINE))
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    return subprocess.Popen(
        [sys.executable, str(script), "check", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_ctrl_c_on_a_real_process(tmp_path: Path) -> None:
    process = start(tmp_path, "--format", "json", "--out", "out")
    deadline = time.monotonic() + 300
    while not (tmp_path / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (130, "")
    assert document(out)["counts"]["holds"] == 1
    assert document((tmp_path / "out/report.json").read_text())["complete"] is False


def test_ctrl_c_while_the_command_line_is_being_imported(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt\n")
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-m", "maskgate", "--version"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "maskgate: interrupted\n")


@pytest.mark.parametrize("what", ["create", "remove"])
def test_an_environment_that_is_not_named_so_is_wrong_usage(
    what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["env", what, "tf-2.15.9"]) == 2
    err = capsys.readouterr().err
    assert "tf-2.15.9: no environment is so named; write tf-2.15.1" in err
    assert err.count("\n") == 1


def test_closed_pipe_is_no_traceback(tmp_path: Path) -> None:
    script = SLOW_ENGINE.replace("time.sleep(60)", "return 130")
    (tmp_path / "cli.py").write_text(script)
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    command = f"{sys.executable} cli.py check --format json | true"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stderr == ""
