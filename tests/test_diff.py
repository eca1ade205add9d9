"""Two subjects side by side: what differs, by cause, shrunk, labelled, accepted."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from formula_subject import Formula, keras, seed

from maskgate.case import Case, array_from_dict
from maskgate.engines.diff import compare
from maskgate.engines.diff_baseline import load_accepted, save_accepted
from maskgate.engines.problems import UsageProblem
from maskgate.oracle import ledger
from maskgate.reports.diff_markdown import diff_to_markdown
from maskgate.reports.diff_report import diff_json_text
from maskgate.subjects.protocol import Answer, Value
from maskgate.verdicts.difference import Comparison, Difference

SCHEMA = json.loads(files("maskgate.reports").joinpath("schema/diff.schema.json").read_text())


def side_by_side(old: Formula, new: Formula, **options: Any) -> Comparison:
    return compare(old, new, profile="smoke", **options)


def elements(difference: Difference) -> int:
    return Case.from_dict(dict(difference.case)).y_pred.size


def of(comparison: Comparison, topic: str, label: str) -> Difference:
    found = [
        each
        for each in comparison.differences
        if (each.cause.topic, each.cause.label) == (topic, label)
    ]
    assert found, [str(each.cause) for each in comparison.differences]
    return found[0]


def test_the_same_formula_twice_has_no_difference_and_both_are_closed() -> None:
    old, new = keras("3.15.1"), keras("3.15.1", id="again")
    comparison = side_by_side(old, new)
    assert comparison.differences == ()
    assert comparison.exit_status == 0
    assert comparison.examples > 100
    assert old.closed
    assert new.closed


def test_the_epsilon_of_the_seed_is_shown_by_one_element() -> None:
    comparison = side_by_side(seed("without-epsilon"), seed("with-epsilon"))
    assert comparison.exit_status == 1
    assert {each.cause.stage for each in comparison.differences} == {"mask"}
    empty = of(comparison, "empty-mask", "documented")
    assert elements(empty) == 1
    assert empty.old is not None
    assert np.isnan(array_from_dict(empty.old["value"]))
    assert "objective-epsilon" in empty.follows["new"]
    moved = of(comparison, "mask", "documented")
    assert "1.0 -> 0.9999" in moved.title


def test_every_switch_between_two_releases_is_found_and_documented() -> None:
    comparison = side_by_side(keras("2.15.0"), keras("3.15.1"))
    named = {each["version"] for found in comparison.differences for each in found.switches}
    assert named >= {"3.0.0", "3.13.0", "3.15.0"}
    assert named <= {switch.version for switch in ledger.switches()}
    assert not [each for each in comparison.differences if each.cause.label == "doubt"]
    broadcast = of(comparison, "weight-broadcast", "undocumented")
    assert elements(broadcast) <= 6


def wrong_under_a_mask(case: Case, answer: Answer) -> Answer:
    if case.mask is None or not isinstance(answer, Value):
        return answer
    return replace(answer, value=answer.value + answer.value.dtype.type(1))


def test_a_side_that_leaves_its_own_family_is_doubted() -> None:
    comparison = side_by_side(keras("3.15.1"), keras("3.15.1", change=wrong_under_a_mask))
    assert {each.cause.label for each in comparison.differences} == {"doubt"}
    assert {each.cause.doubted for each in comparison.differences} == {("new",)}
    assert min(elements(each) for each in comparison.differences) == 1


def refuses_empty(case: Case, answer: Answer) -> Answer:
    from maskgate.subjects.protocol import Refusal

    hinge = case.loss.name == "categorical_hinge" and not case.y_pred.size
    return Refusal("InvalidArgumentError", "empty") if hinge else answer


def test_a_departure_that_a_finding_lists_is_no_doubt() -> None:
    comparison = side_by_side(keras("2.15.0"), keras("3.15.1", change=refuses_empty))
    (listed,) = (each for each in comparison.differences if each.cause.doubted)
    assert listed.cause.label == "undocumented"
    assert listed.thread == "reports/findings/categorical-hinge-refuses-an-empty-batch"


def test_accepted_differences_pass_and_those_that_are_gone_fail(tmp_path: Path) -> None:
    baseline = tmp_path / "accepted.json"
    found = side_by_side(seed("without-epsilon"), seed("with-epsilon"))
    save_accepted(baseline, found.differences)
    accepted = load_accepted(baseline, accepting=False)
    again = side_by_side(seed("without-epsilon"), seed("with-epsilon"), accepted=accepted)
    assert again.exit_status == 0
    assert {each.verdict for each in again.differences} == {"accepted"}
    gone = side_by_side(seed("with-epsilon"), seed("with-epsilon"), accepted=accepted)
    assert gone.exit_status == 1
    assert {each.verdict for each in gone.differences} == {"fixed"}


def test_a_damaged_baseline_is_refused_with_what_to_do(tmp_path: Path) -> None:
    baseline = tmp_path / "accepted.json"
    baseline.write_text('{"differences": [{"cause": 1}]}')
    with pytest.raises(UsageProblem, match="cannot be read"):
        load_accepted(baseline, accepting=False)


def test_reports_name_every_difference() -> None:
    comparison = side_by_side(seed("without-epsilon"), seed("with-epsilon"))
    run = {"profile": "smoke", "seed": 0, "command": "maskgate diff"}
    comparison = replace(comparison, run=run)
    document = json.loads(diff_json_text(comparison))
    jsonschema.validate(document, SCHEMA)
    assert len(document["differences"]) == len(comparison.differences) >= 2
    text = diff_to_markdown(comparison)
    assert text.count("| new | documented |") == len(comparison.differences)


@pytest.mark.releases
@pytest.mark.parametrize(
    ("old", "new", "topics"),
    [
        ("keras-2.2.4", "keras-2.2.5", {"empty-mask", "mask"}),
        ("tf-2.15.1", "keras-3.15.1", {"empty-mask", "weight-broadcast", "soft-mask"}),
    ],
)
def test_two_releases_live(old: str, new: str, topics: set[str], tmp_path: Path) -> None:
    """Each difference comes with a script that runs under either of them."""
    command = [sys.executable, "-m", "maskgate", "diff", old, new, "--format", "json"]
    done = subprocess.run(
        [*command, "--out", tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    assert not document["failures"]
    found = document["differences"]
    assert {each["cause"]["topic"] for each in found} >= topics
    assert not [each["title"] for each in found if each["cause"]["label"] == "doubt"]
    empty = next(each for each in found if each["cause"]["topic"] == "empty-mask")
    assert empty["case"]["y_pred"]["shape"] == [1, 1]
    # No script for releases whose losses are asked through a trainer's own function.
    if empty["repro"] is not None:
        compile((tmp_path / empty["repro"]).read_text(), "repro.py", "exec")
