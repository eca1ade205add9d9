"""Properties of whole models: their batches, their bound, and their examination."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_subject import DESCRIPTION, WHERE, FakeSubject, case
from faults import keras_3_15_models
from faults.planting import Fault, plant
from hypothesis import given, settings
from test_planted_faults import check, installed, judge

from maskgate import environments
from maskgate.case import Case, LossSpec, format_of
from maskgate.engines.inquiry import Deviation
from maskgate.engines.model_examination import ENTRIES, ModelExamination
from maskgate.oracle import Ball, Expected, Semantics, expect
from maskgate.reports.repro import repro_script
from maskgate.strategies import (
    STACKS,
    Pair,
    empty_corners,
    nonfinite_corners,
    question_corners,
    trained_batches,
    trained_pairs,
)
from maskgate.strategies.alterations import repadded
from maskgate.strategies.models import fed, made_mask
from maskgate.subjects.protocol import MODES, Description, Done, Refusal, Task
from maskgate.verdicts.model import Finding
from maskgate.verdicts.trained import reported

F32 = format_of("float32")
Change = Callable[[str, float], float]


class FakeTrainer(FakeSubject):
    """Reports the loss of a compiled model by the formula; `change` alters it by entry point."""

    def __init__(
        self,
        change: Change = lambda _entry, value: value,
        *,
        semantics: Semantics = WHERE,
        description: Description = DESCRIPTION,
        leaks: float = 0.0,
        races: bool = False,
    ) -> None:
        super().__init__(semantics=semantics, description=description)
        self.change, self.leaks, self.races = change, leaks, races
        self.tasks: list[Task] = []

    def perform(self, task: Task, *, timeout: float | None = None) -> Done | Refusal:
        assert timeout is not None
        self.tasks.append(task)
        loss = self._loss(task)
        if task.name == "training.step":
            labels = float(task.arrays["y_true"].sum())
            race = 0.5 if self.races and len(self.tasks) % 3 == 0 else 0.0
            weights = np.asarray([1.0 + self.leaks * labels + race], np.float32)
            before = np.ones(1, np.float32)
            return Done({}, {"loss": np.asarray(loss), "weights": weights, "before": before})
        values = {name: np.asarray(self.change(name, loss)) for name in task.parameters["entries"]}
        return Done({"refused": {}}, values)

    def _loss(self, task: Task) -> float:
        x, masked = task.arrays["x"], task.parameters["model"] != "identity"
        asked = Case(
            LossSpec.of("mse"),
            task.parameters["reduction"],
            "float32",
            task.arrays["y_true"],
            x,
            made_mask(x) if masked else None,
            task.arrays.get("sample_weight"),
        )
        said = expect(asked, replace(self.semantics, path="compiled"), gradient=False)
        assert isinstance(said, Expected)
        return float(np.float32(said.value.value))


def examined(subject: FakeTrainer, name: str = "compiled-loss-value") -> ModelExamination:
    return ModelExamination(
        subject=subject,
        description=subject.description,
        semantics=subject.semantics,
        property_name=name,
    )


def pair(**details: Any) -> Pair:
    return Pair(fed(case()), None, {"model": "masking", **details})


def raised(said: Callable[[Pair], None], given_pair: Pair) -> Finding:
    with pytest.raises(Deviation) as caught:
        said(given_pair)
    return caught.value.finding


# -- the batches


@settings(max_examples=40, deadline=None)
@given(pair=trained_batches())
def test_the_mask_of_a_batch_is_the_one_that_its_model_makes(pair: Pair) -> None:
    if pair.details["model"] == "identity":
        assert pair.case.mask is None
    else:
        assert np.array_equal(pair.case.mask, made_mask(pair.case.y_pred))


@settings(max_examples=40, deadline=None)
@given(pair=trained_pairs(repadded("y_true", "finite")))
def test_only_masked_labels_differ(pair: Pair) -> None:
    assert pair.altered is not None
    assert pair.details["model"] in STACKS
    assert np.array_equal(pair.case.y_pred, pair.altered.y_pred)
    valid = np.asarray(pair.case.mask)
    assert np.array_equal(pair.case.y_true[valid], pair.altered.y_true[valid])


def test_the_question_is_asked_of_a_partly_and_of_a_fully_masked_batch() -> None:
    masks = [np.asarray(each.case.mask) for each in question_corners()[:2]]
    assert [mask.any() for mask in masks] == [True, False]
    assert not masks[0].all()
    assert {each.details["model"] for each in question_corners()} == {"question", *STACKS}
    for each in question_corners():
        assert each.altered is not None
        assert not each.case.identical(each.altered)


# -- the bound


def test_the_bound_of_a_tracker_holds_for_real_roundings_and_is_used() -> None:
    """Times the batch size, over it: in float32 as a tracker does, against the exact number."""
    used = []
    for size in (3, 5, 7, 11):
        for loss in np.linspace(0.1, 9.7, 400, dtype=np.float32):
            ball = reported(Ball(np.asarray(float(loss)), np.zeros(())), F32)
            one = np.float32(loss * np.float32(size)) / np.float32(size)
            reciprocal = np.float32(loss * np.float32(size)) * (np.float32(1) / np.float32(size))
            off = [abs(float(seen) - float(loss)) for seen in (one, reciprocal)]
            used.append(max(off) / float(ball.radius))
    assert max(used) <= 1.0
    assert max(used) > 0.3


def test_a_loss_that_is_nan_stays_exactly_nan() -> None:
    ball = reported(Ball(np.asarray(np.nan), np.zeros(())), F32)
    assert np.isnan(ball.value)
    assert ball.radius == 0.0


# -- the examination


def test_a_right_trainer_passes_and_every_entry_point_is_asked() -> None:
    subject = FakeTrainer()
    one = examined(subject)
    one.trains_by_formula(pair())
    examined(subject, "api-paths").paths_agree(pair())
    assert tuple(subject.tasks[0].parameters["entries"]) == ENTRIES
    assert subject.tasks[0].parameters["mode"] == "graph"
    assert one.tally.examples == 1
    assert one.tally.worst is not None


@pytest.mark.parametrize("family", ["objective", "objective-epsilon", "all-elements"])
def test_old_families_are_judged_by_what_a_compiled_model_does(family: str) -> None:
    semantics = Semantics(family)
    examined(FakeTrainer(semantics=semantics)).trains_by_formula(pair())


def test_a_wrong_trainer_is_told_from_a_wrong_entry_point() -> None:
    wrong = FakeTrainer(lambda _entry, value: value * 1.001)
    assert raised(examined(wrong).trains_by_formula, pair()).stage == "trainer"
    alone = FakeTrainer(lambda entry, value: value * (1.001 if entry == "fit" else 1.0))
    assert raised(examined(alone).trains_by_formula, pair()).stage == "fit"
    found = raised(examined(alone, "api-paths").paths_agree, pair())
    assert found.stage == "fit"
    assert found.reproducer["against"] == "test_on_batch"


def test_a_refusal_is_no_answer() -> None:
    """Two refusals are alike; a trainer that refuses everything must not pass for a right one."""

    class Refusing(FakeTrainer):
        def perform(self, task: Task, *, timeout: float | None = None) -> Done | Refusal:
            return Refusal("AttributeError", f"no {task.name} within {timeout}")

    first = question_corners()[0]
    assert "AttributeError" in str(raised(examined(Refusing()).steps_alike, first).observed)
    for said in (examined(Refusing()).trains_by_formula, examined(Refusing()).paths_agree):
        assert "AttributeError" in str(raised(said, pair()).observed)


def test_what_has_failed_is_asked_again_by_the_entry_points_that_show_it() -> None:
    subject = FakeTrainer(lambda entry, value: value * (1.001 if entry == "fit" else 1.0))
    one = examined(subject)
    for _ in range(2):
        assert raised(one.trains_by_formula, pair()).stage == "fit"
    asked = [each.parameters["entries"] for each in subject.tasks]
    assert asked == [list(ENTRIES), ["test_on_batch", "fit"]]


def test_labels_that_leak_into_the_weights_are_found() -> None:
    first = question_corners()[0]
    examined(FakeTrainer()).steps_alike(first)
    found = raised(examined(FakeTrainer(leaks=1e-6), "mask-reaches-loss").steps_alike, first)
    assert found.reproducer["relation"] == "trained-identical"
    assert found.reproducer["part"] == "gradient"  # where the weights stand


def test_a_step_on_nothing_but_padding_moves_no_weight() -> None:
    first = empty_corners()[0]
    assert not np.asarray(first.case.mask).any()
    examined(FakeTrainer()).step_changes_nothing(first)
    for subject, part, observed in (
        (FakeTrainer(leaks=1e-3), "weights", None),
        (FakeTrainer(semantics=Semantics("valid-twice")), "value", "nan"),
    ):
        found = raised(examined(subject).step_changes_nothing, first)
        assert found.reproducer["part"] == part
        assert observed in (None, found.observed)
        assert found.reproducer["relation"] == "trained-unmoved"


def test_padding_that_is_not_a_number_is_asked_of_every_model() -> None:
    pairs = nonfinite_corners()
    assert {each.details["model"] for each in pairs} == {"question", *STACKS}
    for each in pairs:
        assert each.altered is not None
        masked = ~np.asarray(each.case.mask)
        assert np.isnan(each.altered.y_true[masked]).all()
        assert np.array_equal(each.case.y_true[~masked], each.altered.y_true[~masked])
        assert np.isfinite(each.altered.y_pred).all()


def test_a_step_with_two_outcomes_is_asked_again_before_it_is_blamed() -> None:
    subject = FakeTrainer(races=True, semantics=Semantics("objective"))
    for _ in range(3):
        examined(subject).steps_alike(question_corners()[0])
    assert len(subject.tasks) > 6


def test_a_step_of_a_later_release_is_not_asked_again() -> None:
    subject = FakeTrainer(races=True)
    examined(subject).steps_alike(question_corners()[0])
    with pytest.raises(Deviation):
        examined(subject).steps_alike(question_corners()[0])


def test_only_the_default_mode_is_asked_unless_all_are() -> None:
    one = examined(FakeTrainer())
    assert one.modes(pair()) == ("graph",)
    assert set(one.modes(replace(pair(), compiled=True))) == set(MODES)
    torch = FakeTrainer(description=replace(DESCRIPTION, backend="torch"))
    assert examined(torch).modes(replace(pair(), compiled=True)) == ("eager",)


def test_the_seed_has_no_trainer() -> None:
    seed = FakeTrainer(description=replace(DESCRIPTION, distribution="seed"))
    with pytest.raises(pytest.skip.Exception):
        examined(seed).trains_by_formula(pair())


# -- the scripts


def script_of(found: Finding, subject: Sequence[tuple[str, Any]] = ()) -> str:
    script = repro_script(found, dict(subject))
    assert script is not None
    compile(script, "repro.py", "exec")
    return script


def findings() -> dict[str, Finding]:
    """Findings that the installed framework does not show."""
    wrong = FakeTrainer(lambda entry, value: value * (1.001 if entry == "fit" else 1.0))
    return {
        "value": raised(examined(wrong).trains_by_formula, pair()),
        "agree": raised(examined(wrong, "api-paths").paths_agree, pair()),
        "identical": raised(
            examined(FakeTrainer(leaks=1.0), "mask-reaches-loss").steps_alike,
            question_corners()[0],
        ),
        "unmoved": raised(
            examined(FakeTrainer(leaks=1.0), "training-on-an-empty-mask").step_changes_nothing,
            empty_corners()[0],
        ),
    }


@pytest.mark.parametrize("model", ["masking", "identity", *STACKS])
def test_each_model_has_a_script(model: str) -> None:
    found = findings()["identical"]
    script = script_of(replace(found, details={"model": model}))
    assert "maskgate.subjects" not in script
    assert "Masking" in script or model in ("identity", "embedding")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["value", "agree", "identical", "unmoved"])
def test_a_script_runs_and_says_that_the_behaviour_is_gone(kind: str, tmp_path: Path) -> None:
    found = findings()[kind]
    if kind == "value":  # bent by the fake: what is right was expected
        found = replace(found, mode="graph")
    (tmp_path / "repro.py").write_text(script_of(found))
    done = subprocess.run(
        [sys.executable, tmp_path / "repro.py"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert "gone" in done.stdout
    if kind == "value":
        assert isinstance(found.expected, float)
        wrong = replace(found, expected=found.expected + 1.0)
        (tmp_path / "wrong.py").write_text(script_of(wrong))
        again = subprocess.run(
            [sys.executable, tmp_path / "wrong.py"], capture_output=True, text=True, check=False
        )
        assert again.returncode == 1, again.stdout + again.stderr[-2000:]


@pytest.mark.releases
def test_the_script_of_a_step_on_an_empty_mask_shows_the_nan_of_keras_2_15(tmp_path: Path) -> None:
    (tmp_path / "repro.py").write_text(
        script_of(replace(findings()["unmoved"], details={"model": "masking"}))
    )
    python = environments.ensure(environments.get("tf-2.15.1"))
    done = subprocess.run(
        [python, tmp_path / "repro.py"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr[-2000:]
    assert "nan" in done.stdout


# -- the suite can fail


@pytest.mark.slow
@pytest.mark.parametrize("fault", keras_3_15_models.FAULTS, ids=lambda fault: fault.name)
def test_a_fault_in_a_trainer_or_a_layer_is_killed(fault: Fault, tmp_path: Path) -> None:
    path = plant(fault, installed("keras"), tmp_path)
    judge(fault, *check(fault.killed_by, path=path, profile="default"))


@pytest.mark.slow
def test_the_installed_framework_passes() -> None:
    asked = ("compiled-loss-value", "api-paths", "mask-reaches-loss", "training-on-an-empty-mask")
    for name in asked:
        status, report = check(name, profile="smoke")
        assert status == 0, [each["title"] for each in report["findings"]]
