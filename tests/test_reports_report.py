"""An event log becomes one report, whole or cut short, and a JSON document that fits its schema."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from sample_run import (
    SUBJECT,
    all_results,
    finding,
    known_finding,
    new_finding,
    result,
    small_case,
    write_calm_run,
    write_every_verdict,
    write_run,
)

from maskgate.engines.events import EventLog
from maskgate.reports import Report, collect, json_text, outcome, schema, to_json, write_json


def validate(report: Report) -> dict[str, object]:
    document = json.loads(json_text(report))
    jsonschema.Draft202012Validator(schema()).validate(document)
    return dict(document)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def test_schema_is_a_valid_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_every_verdict_is_collected_and_counted(log: Path) -> None:
    write_every_verdict(log)
    report = collect(log)
    assert report.complete
    assert report.exit_status == 3
    assert report.seconds == 12.5
    assert report.results == tuple(all_results())
    assert report.findings[0] == new_finding()
    assert report.counts == {
        "holds": 2,
        "known": 1,
        "new": 1,
        "fixed": 1,
        "skipped": 1,
        "error": 1,
    }


def test_results_have_the_order_of_the_announcement(log: Path) -> None:
    names = [each.property for each in all_results()]
    write_run(log, all_results()[::-1], [], exit_status=1, planned=names)
    assert [each.property for each in collect(log).results] == names


def test_json_has_the_published_keys(log: Path) -> None:
    write_every_verdict(log)
    document = validate(collect(log))
    assert document["schema"] == 1
    assert {"tool", "seconds", "exit_status", "subjects", "results", "findings", "counts"} <= set(
        document
    )
    found = document["findings"]
    assert isinstance(found, list)
    assert found[1]["altered"]["y_true"]["data"] == [[[0.5], ["nan"]]]
    assert found[1]["observed"] == "nan"
    assert document["run"] == {"profile": "smoke", "seed": 7, "jobs": 2, "command": None}


def test_numbers_that_json_lacks_are_strings(log: Path) -> None:
    write_calm_run(log)
    report = collect(log)
    odd = replace(report.findings[0], bound=float("inf"), expected=[1.0, float("-inf")])
    document = to_json(replace(report, findings=(odd,)))
    assert document["findings"][0]["bound"] == "inf"
    assert document["findings"][0]["expected"] == [1.0, "-inf"]


def test_log_without_an_end_is_an_interrupted_run(log: Path) -> None:
    done = all_results()[:2]
    write_run(
        log,
        done,
        [new_finding()],
        exit_status=None,
        planned=["loss-value", "labels-under-mask", "empty-mask"],
    )
    report = collect(log)
    assert not report.complete
    assert report.exit_status == 130
    assert report.results == tuple(done)
    assert not report.failures
    assert outcome(report).startswith("Interrupted: 2 of 3 property runs were finished. Unexpected")
    validate(report)


def test_half_a_line_at_the_end_is_not_read(log: Path) -> None:
    write_calm_run(log)
    whole = log.read_bytes()
    log.write_bytes(whole[:-10])
    report = collect(log)
    assert not report.complete
    assert len(report.results) == 4


def test_interrupted_run_with_an_end_is_not_complete(log: Path) -> None:
    write_run(log, all_results()[:1], [], exit_status=130, planned=["loss-value", "empty-mask"])
    report = collect(log)
    assert (report.complete, report.exit_status, report.seconds) == (False, 130, 12.5)
    assert not report.failures


def test_no_log_is_a_run_that_did_not_start(log: Path) -> None:
    document = validate(collect(log))
    assert document["run"] is None
    assert document["complete"] is False


def test_announced_property_without_a_result_is_a_failure(log: Path) -> None:
    write_run(log, all_results()[:1], [], exit_status=0, planned=["loss-value", "empty-mask"])
    report = collect(log)
    assert report.exit_status == 3
    assert [failure.asked for failure in report.failures] == ["empty-mask of current"]
    validate(report)


def test_failed_subject_is_named_once(log: Path) -> None:
    write_run(log, [], [], exit_status=None, subjects=(), planned=["loss-value", "empty-mask"])
    events = EventLog(log)
    events.emit(
        "subject-failed",
        subject="venv:/nowhere",
        asked="venv:/nowhere",
        found="it is no environment",
        hint="name a folder that has a Python in it",
    )
    events.emit("run-finished", seconds=0.5, exit_status=3)
    report = collect(log)
    assert len(report.failures) == 1
    assert outcome(report) == "No answer: venv:/nowhere: it is no environment."
    validate(report)


def test_a_result_of_another_subject_is_no_answer(log: Path) -> None:
    other = {**SUBJECT, "id": "venv:old"}
    write_run(log, all_results()[:1], [], exit_status=0, subjects=(SUBJECT, other))
    assert [failure.subject for failure in collect(log).failures] == ["venv:old"]


def test_outcome_of_a_calm_run(log: Path) -> None:
    write_calm_run(log)
    expected = "As expected: 2 properties hold, 1 deviates as listed, 1 was skipped."
    assert outcome(collect(log)) == expected


def test_schema_refuses_a_skip_without_a_reason(log: Path) -> None:
    write_run(log, [result("mask-dtype", "skipped", reason=None)], [], exit_status=0)
    with pytest.raises(jsonschema.ValidationError):
        validate(collect(log))


def test_schema_refuses_a_bare_nan(log: Path) -> None:
    write_calm_run(log)
    document = to_json(collect(log))
    document["findings"][0]["case"]["y_true"]["data"] = "NaN"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema()).validate(document)


def test_write_json_replaces_the_file_as_a_whole(log: Path, tmp_path: Path) -> None:
    write_calm_run(log)
    path = tmp_path / "report.json"
    path.write_text("old")
    write_json(collect(log), path)
    assert json.loads(path.read_text())["counts"]["holds"] == 2
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".part"] == []


def test_bfloat16_case_fits_the_schema(log: Path) -> None:
    low = finding(small_case(dtype="bfloat16"), property="low-precision", observed="inf")
    write_run(log, [result("low-precision", "new", findings=(low.id,))], [low], exit_status=1)
    validate(collect(log))


def test_known_findings_keep_their_link(log: Path) -> None:
    write_calm_run(log)
    assert collect(log).findings[0].link == known_finding().link
