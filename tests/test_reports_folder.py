"""The folder of `--out`: whole files, replaced one by one; what is not ours stays."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from junitparser import JUnitXml
from sample_run import (
    SUBJECT,
    finding,
    known_finding,
    new_finding,
    result,
    small_case,
    write_calm_run,
    write_every_verdict,
    write_run,
)

from maskgate.case import Case
from maskgate.reports import Report, check_writable, collect, schema, write_folder
from maskgate.reports.files import write_text
from maskgate.reports.junit import junit_text


def report_of(folder: Path, write: object = write_every_verdict) -> Report:
    assert callable(write)
    write(folder / "events.jsonl")
    return collect(folder / "events.jsonl")


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_folder_holds_every_report_and_a_script_a_finding(tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = write_folder(report_of(tmp_path), out)
    name = new_finding().id
    assert files(out) == {
        "report.json",
        "report.md",
        "junit.xml",
        f"findings/{name}/repro.py",
        f"findings/{name}/case.json",
        "findings/nan-under-mask/repro.py",
        "findings/nan-under-mask/case.json",
        "findings/all-masked-nan/case.json",
    }
    assert [f.repro for f in report.findings] == [
        f"findings/{name}/repro.py",
        "findings/nan-under-mask/repro.py",
        None,
    ]
    document = json.loads((out / "report.json").read_text())
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert document["findings"][0]["repro"] == f"findings/{name}/repro.py"


def test_case_file_loads_as_a_case_and_holds_the_evidence(tmp_path: Path) -> None:
    write_folder(report_of(tmp_path), tmp_path / "out")
    path = tmp_path / "out/findings/nan-under-mask/case.json"
    assert Case.load(path).identical(small_case())
    evidence = json.loads(path.read_text())["finding"]
    assert Case.from_dict(evidence["altered"]).identical(
        Case.from_dict(known_finding().altered or {})
    )
    assert evidence["reproducer"]["relation"] == "identical"


def test_second_run_replaces_what_the_first_wrote_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_folder(report_of(tmp_path), out)
    (out / "notes.txt").write_text("mine")
    kept = out / "findings/all-masked-nan/mine.txt"
    kept.write_text("mine")
    (out / "findings/foreign").mkdir()
    (tmp_path / "events.jsonl").unlink()
    write_folder(report_of(tmp_path, write_calm_run), out)
    assert files(out) == {
        "report.json",
        "report.md",
        "junit.xml",
        "notes.txt",
        "findings/nan-under-mask/repro.py",
        "findings/nan-under-mask/case.json",
        "findings/all-masked-nan/mine.txt",
    }
    assert (out / "findings/foreign").is_dir()
    assert not (out / "findings" / new_finding().id).exists()


@pytest.mark.parametrize(
    "damaged",
    [
        "",
        "[]",
        '{"tool": {"name": "maskgate"}}',
        '{"tool": {"name": "other"}, "findings": [{"repro": "findings/mine/repro.py"}]}',
        '{"tool": {"name": "maskgate"}, "findings": [{"id": "../mine", "repro": null}]}',
    ],
)
def test_foreign_or_damaged_report_removes_nothing(tmp_path: Path, damaged: str) -> None:
    out = tmp_path / "out"
    for folder in (out / "findings/mine", out / "mine"):
        folder.mkdir(parents=True)
        (folder / "case.json").write_text("mine")
    (out / "report.json").write_text(damaged)
    write_folder(report_of(tmp_path, write_calm_run), out)
    assert {"findings/mine/case.json", "mine/case.json"} <= files(out)


def test_two_subjects_with_one_finding_have_a_folder_each(tmp_path: Path) -> None:
    other = {**SUBJECT, "id": "venv:other"}
    one = new_finding()
    two = replace(one, subject="venv:other")
    results = [
        result("labels-under-mask", "new", findings=(one.id,)),
        result("labels-under-mask", "new", findings=(one.id,), subject="venv:other"),
    ]
    log = tmp_path / "events.jsonl"
    write_run(log, results, [one, two], exit_status=1, subjects=(SUBJECT, other))
    report = write_folder(collect(log), tmp_path / "out")
    assert [f.repro for f in report.findings] == [
        f"findings/{one.id}/repro.py",
        f"findings/{one.id}.2/repro.py",
    ]


def test_junit_says_the_same(tmp_path: Path) -> None:
    write_folder(report_of(tmp_path), tmp_path / "out")
    suites = list(JUnitXml.fromfile(str(tmp_path / "out/junit.xml")))
    assert [suite.name for suite in suites] == ["current"]
    suite = suites[0]
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (7, 2, 1, 1)
    cases = {case.name: case for case in suite}
    assert cases["labels-under-mask"].is_failure
    assert "--select labels-under-mask" in cases["labels-under-mask"].result[0].text
    assert cases["labels-under-mask-nonfinite"].is_passed
    assert "issues/18829" in cases["labels-under-mask-nonfinite"].system_out
    assert cases["low-precision"].is_error
    assert cases["mask-dtype"].is_skipped
    assert cases["loss-value"].classname == "maskgate.conformance"


def test_junit_holds_any_message(tmp_path: Path) -> None:
    odd = result("low-precision", "error", reason="died: \x1b[31m\x00 <&>")
    bad = finding(small_case(), title="value \x00 \x0b]]>", recipe={"relation": "finite"})
    new = result("labels-under-mask", "new", findings=(bad.id,))
    log = tmp_path / "events.jsonl"
    write_run(log, [odd, new], [bad], exit_status=3)
    write_folder(collect(log), tmp_path / "out")
    suite = next(iter(JUnitXml.fromfile(str(tmp_path / "out/junit.xml"))))
    assert suite.errors == 1


def test_a_run_that_was_cut_short_is_an_error_in_junit(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    done = [result("loss-value", "holds")]
    write_run(log, done, [], exit_status=None, planned=["loss-value", "empty-mask"])
    *_, suite = JUnitXml.fromstring(junit_text(collect(log)).encode())
    assert suite.errors == 1
    assert "1 of 2 property runs were finished" in str(next(iter(suite)).result[0].message)


def test_failures_are_errors_in_junit(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    write_run(log, [], [], exit_status=0, planned=["loss-value"])
    write_folder(collect(log), tmp_path / "out")
    suites = list(JUnitXml.fromfile(str(tmp_path / "out/junit.xml")))
    assert [(suite.name, suite.errors) for suite in suites] == [("current", 0), ("not asked", 1)]


def test_write_text_leaves_the_old_file_when_it_fails(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud800")
    assert path.read_text() == "old"
    assert files(tmp_path) == {"report.md"}


def test_unwritable_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        check_writable(tmp_path / "file" / "out")
    check_writable(tmp_path / "new" / "out")
    assert files(tmp_path) == {"file"}
