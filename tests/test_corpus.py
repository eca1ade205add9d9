"""The corpus of public threads: its table, its scenarios, and their examination."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import SkipTest

import pytest
from fake_subject import DESCRIPTION, FakeSubject
from faults import keras_3_15_scenarios
from faults.planting import plant
from test_planted_faults import check, installed, judge

from maskgate.engines.catalogue import UnknownProperty, properties, suite_folder
from maskgate.engines.check import run_check
from maskgate.engines.check_request import CheckRequest
from maskgate.engines.inquiry import Deviation
from maskgate.engines.problems import UsageProblem
from maskgate.engines.scenarios import (
    PROPERTY,
    ScenarioExamination,
    choose_scenarios,
    chosen_scenarios,
    every_scenario,
    scenario_pair,
)
from maskgate.reports.corpus import TABLE, corpus_table, load_corpus, undescribed
from maskgate.reports.repro import repro_script
from maskgate.subjects.protocol import Crash, Done, Refusal, Task
from maskgate.subjects.worker.tasks.scenarios import AREAS, SCENARIOS
from maskgate.verdicts.deviations import KnownDeviation, load_deviations
from maskgate.verdicts.model import Finding

ROOT = Path(__file__).resolve().parents[1]
ENTRIES = load_corpus()
KNOWN = [
    entry
    for entry in load_deviations(suite_folder() / "known_deviations.json")
    if entry.property == PROPERTY
]
NAME = "masked-mean-absolute-error"


# -- the data


def test_the_corpus_has_every_thread_once() -> None:
    assert len(ENTRIES) == 122
    assert len({entry.id for entry in ENTRIES}) == len(ENTRIES)
    assert len({entry.sentence for entry in ENTRIES}) == len(ENTRIES)
    assert len({entry.links[0] for entry in ENTRIES}) == len(ENTRIES)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_what_an_entry_names_exists(entry: Any) -> None:
    assert all(link.startswith("https://github.com/") for link in entry.links)
    assert set(entry.properties) <= {info.name for info in properties()}
    assert set(entry.scenarios) <= set(SCENARIOS)
    assert all((ROOT / name).is_file() for name in entry.tests)
    assert entry.sentence.endswith(".")


def test_each_scenario_is_of_some_entry() -> None:
    assert undescribed() == []


def test_each_scenario_has_a_sentence_and_a_module_that_is_listed() -> None:
    assert len({each.sentence for each in SCENARIOS.values()}) == len(SCENARIOS)
    assert all(each.sentence.endswith(".") for each in SCENARIOS.values())
    modules = {area.__name__ for area in AREAS}
    assert {each.run.__module__ for each in SCENARIOS.values()} == modules


def test_each_listed_deviation_is_of_a_scenario_and_of_a_thread_of_its_entry() -> None:
    assert KNOWN
    for known in KNOWN:
        assert known.shape_class in SCENARIOS
        assert known.details == {"scenario": known.shape_class}


def test_the_table_is_the_one_of_the_data() -> None:
    known = load_deviations(suite_folder() / "known_deviations.json")
    written = (ROOT / "properties" / TABLE).read_text(encoding="utf-8")
    assert written == corpus_table(ENTRIES, known), "run `python -m maskgate.reports.corpus`"
    assert all(entry.id in written and entry.links[0] in written for entry in ENTRIES)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"properties": [], "scenarios": []}, "must be covered, or say why"),
        ({"reason": "it is both"}, "must be covered, or say why"),
        ({"colour": "red"}, "'colour'"),
    ],
)
def test_a_damaged_entry_is_refused(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    (first, *_) = json.loads((ROOT / "properties" / "corpus.json").read_text())["entries"]
    path = tmp_path / "corpus.json"
    path.write_text(json.dumps({"schema": 1, "entries": [{**first, **change}]}))
    with pytest.raises(ValueError, match=said):
        load_corpus(path)


# -- the choice


def test_a_scenario_is_chosen_behind_a_slash() -> None:
    assert chosen_scenarios([f"{PROPERTY}/{NAME}"], []) == (NAME,)
    some = chosen_scenarios([f"{PROPERTY}/masked-*"], [f"{PROPERTY}/*-error"])
    assert NAME not in some
    assert "masked-out-output" in some
    assert chosen_scenarios(["corpus-*", f"{PROPERTY}/{NAME}"], []) == ()
    assert chosen_scenarios(["loss-value"], []) == ()
    left = chosen_scenarios([], [f"{PROPERTY}/{NAME}"])
    assert set(SCENARIOS) - set(left) == {NAME}


def test_a_glob_that_matches_no_scenario_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownProperty) as caught:
        chosen_scenarios([f"{PROPERTY}/masked-mean-error"], [])
    assert f"{PROPERTY}/{NAME}" in caught.value.nearest
    request = CheckRequest(select=(f"{PROPERTY}/nothing-like-it",), events=tmp_path / "events")
    with pytest.raises(UsageProblem, match="no property matches"):
        run_check(request, on_event=lambda _event: None)


# -- the examination


class FakeRunner(FakeSubject):
    """Answers every scenario in one way."""

    def __init__(self, answer: Done | Refusal | Crash) -> None:
        super().__init__()
        self.answer, self.tasks = answer, list[Task]()

    def perform(self, task: Task, *, timeout: float | None = None) -> Done | Refusal | Crash:
        assert timeout is not None
        self.tasks.append(task)
        return self.answer


HOLDS = Done({"holds": True}, {})
DEVIATES = Done({"holds": False, "expected": "the loss 0.5", "observed": "0.25"}, {})


def examined(subject: FakeRunner, *known: KnownDeviation) -> ScenarioExamination:
    return ScenarioExamination(
        subject=subject,
        description=DESCRIPTION,
        semantics=subject.semantics,
        property_name=PROPERTY,
        known=known,
    )


def found(name: str = NAME) -> Finding:
    with pytest.raises(Deviation) as caught:
        examined(FakeRunner(DEVIATES)).comes_out(scenario_pair(name))
    return caught.value.finding


def test_a_scenario_that_holds_is_run_once() -> None:
    subject = FakeRunner(HOLDS)
    one = examined(subject)
    one.comes_out(scenario_pair(NAME))
    one.comes_out(scenario_pair(NAME))
    assert [each.parameters["name"] for each in subject.tasks] == [NAME]
    assert one.tally.examples == 2


def test_a_scenario_that_deviates_is_found_by_its_name() -> None:
    finding = found()
    assert finding.identity["shape_class"] == NAME
    assert finding.stage == "scenario"
    assert f"{PROPERTY}/{NAME}" in finding.title
    assert (finding.expected, finding.observed) == ("the loss 0.5", "0.25")
    assert finding.message == SCENARIOS[NAME].sentence
    assert finding.case is None


def test_a_listed_deviation_of_a_scenario_is_known_and_a_changed_one_is_not_another() -> None:
    entry = next(each for each in KNOWN if "valid-where" in each.families)
    one = examined(FakeRunner(DEVIATES), entry)
    one.comes_out(scenario_pair(entry.shape_class))
    assert one.tally.known[entry.id] == 1
    with pytest.raises(Deviation):
        one.comes_out(scenario_pair(NAME))
    assert one.replay(entry, one.comes_out) is not None


def test_what_a_release_lacks_is_not_held_against_it() -> None:
    one = examined(FakeRunner(Refusal("NotOfferedError", "it lacks that")))
    one.comes_out(scenario_pair(NAME))
    assert one.tally.not_offered == 1
    with pytest.raises(SkipTest):  # what cannot be asked is not mended
        one.replay(KNOWN[0], one.comes_out)


def test_a_crash_is_told() -> None:
    one = examined(FakeRunner(Crash("it died")))
    one.comes_out(scenario_pair(NAME))
    assert len(one.tally.crashes) == 1


def test_what_is_chosen_is_all_asked_whatever_the_profile() -> None:
    one = examined(FakeRunner(HOLDS))
    corners = every_scenario()
    assert len(one.some_of(corners, 2)) == 2
    try:
        choose_scenarios([NAME, "masked-out-output", "explicit-mask", "jax-entropy-under-a-mask"])
        asked = {str(each.details["scenario"]) for each in one.some_of(corners, 2)}
    finally:
        choose_scenarios([])
    assert asked == {NAME, "masked-out-output", "explicit-mask"}


def test_a_scenario_of_another_backend_is_skipped_with_the_reason() -> None:
    subject = FakeRunner(HOLDS)
    try:
        choose_scenarios(["jax-entropy-under-a-mask"])
        with pytest.raises(pytest.skip.Exception, match="backend jax"):
            examined(subject).comes_out(scenario_pair("jax-entropy-under-a-mask"))
    finally:
        choose_scenarios([])
    assert subject.tasks == []


# -- the scripts


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_scenario_has_a_script_of_its_own(name: str) -> None:
    chosen = SCENARIOS[name]
    backend = (chosen.backends or ("tensorflow",))[0]
    said = {"distribution": "keras", "version": "3.15.1", "backend": backend}
    finding = Finding(
        **{
            **found().to_dict(),
            "reproducer": {**said, "relation": "scenario", "scenario": name},
        }
    )
    script = repro_script(finding, {})
    assert script is not None
    tree = ast.parse(script)
    imported = {
        each.module or "" for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)
    } | {
        alias.name
        for each in ast.walk(tree)
        if isinstance(each, ast.Import)
        for alias in each.names
    }
    assert not any("maskgate" in each or each.startswith(".") for each in imported)
    # Every name is bound somewhere: in the script, or by Python.
    compile(script, "repro.py", "exec")
    lacking = {e.id for e in ast.walk(tree) if isinstance(e, ast.Name) and e.id.isupper()} - {
        e.id for e in ast.walk(tree) if isinstance(e, ast.Name) and isinstance(e.ctx, ast.Store)
    }
    assert not lacking, "constants that the script lacks"
    assert f"{chosen.run.__name__}(keras)" in script


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [NAME, "masked-epoch-in-batches", "explicit-mask", "losses-beside-the-usual-ones"]
)
def test_a_script_runs(name: str, tmp_path: Path) -> None:
    script = repro_script(found(name), {})
    assert script is not None
    (tmp_path / "repro.py").write_text(script)
    done = subprocess.run(
        [sys.executable, tmp_path / "repro.py"], capture_output=True, text=True, check=False
    )
    deviates = any(each.shape_class == name and "valid-where" in each.families for each in KNOWN)
    assert done.returncode == (1 if deviates else 0), done.stdout + done.stderr[-2000:]
    assert "expected: " in done.stdout
    assert "observed: " in done.stdout


# -- real frameworks


def test_one_scenario_of_the_installed_framework() -> None:
    status, report = check(f"{PROPERTY}/{NAME}", profile="smoke")
    assert status == 0, report
    (result,) = report["results"]
    assert (result["verdict"], result["property"]) == ("holds", PROPERTY)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name == "merged-with-itself" else pytest.mark.slow)
        for name in keras_3_15_scenarios.FAULTS
    ],
)
def test_a_fault_is_killed_by_its_scenario(name: str, tmp_path: Path) -> None:
    fault = keras_3_15_scenarios.FAULTS[name]
    path = plant(fault, installed("keras"), tmp_path)
    judge(fault, *check(f"{PROPERTY}/{name}", path=path, profile="smoke"))


@pytest.mark.slow
def test_the_installed_framework_passes_every_scenario() -> None:
    status, report = check(PROPERTY)
    assert status == 0, [each["title"] for each in report["findings"]]


# A scenario, a release that a public thread names as broken, and one that it names as mended.
MENDED = (
    ("explicit-mask", "keras-3.10.0", "keras-3.12.4"),
    ("merged-with-itself", "keras-3.3.3", "keras-3.4.1"),
    ("argument-named-like-a-mask", "keras-3.13.2", "keras-3.14.1"),
    ("metric-without-weights-under-a-mask", "keras-3.10.0", "keras-3.12.4"),
    ("smaller-last-batch", "keras-3.0.5", "keras-3.3.3"),
    ("same-function-as-loss-and-metric", "keras-2.10.0", "keras-2.11.0"),
)


@pytest.mark.releases
@pytest.mark.parametrize(("name", "broken", "mended"), MENDED)
def test_a_release_that_a_thread_names_as_broken_is_shown(
    name: str, broken: str, mended: str
) -> None:
    for subject, wanted in ((broken, "known"), (mended, "holds")):
        status, report = check(f"{PROPERTY}/{name}", subject=subject, profile="smoke")
        assert status == 0, report
        (result,) = report["results"]
        assert result["verdict"] == wanted, (subject, report["findings"])
        shown = [each["identity"]["shape_class"] for each in report["findings"]]
        assert shown == ([name] if wanted == "known" else [])
