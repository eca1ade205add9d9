"""Properties of epochs, divided steps and saved copies: bounds, batches and examinations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fake_subject import DESCRIPTION, WHERE, FakeSubject
from faults import keras_3_15_epochs
from faults.planting import Fault, plant
from hypothesis import given, settings
from test_planted_faults import check, installed, judge

from maskgate.case import Case, LossSpec, format_of
from maskgate.engines import epoch_examination
from maskgate.engines.epoch_examination import EpochExamination
from maskgate.engines.inquiry import Deviation
from maskgate.engines.saving_examination import SavingExamination
from maskgate.engines.step_examination import StepExamination
from maskgate.oracle import Ball, Expected, Semantics, expect
from maskgate.oracle.epochs import batches_of, epoch_loss, weighs_batches
from maskgate.oracle.steps import stepped, weight_gradient
from maskgate.strategies import Pair, weighted_corners
from maskgate.strategies.epochs import epoch_corners, epochs, uneven_epoch
from maskgate.strategies.models import made_mask
from maskgate.strategies.saving import FORMATS, saved_batches, saving_corners
from maskgate.strategies.steps import divided_batches, divided_corners
from maskgate.subjects.protocol import Description, Done, Refusal, Task
from maskgate.subjects.worker.tasks import epochs as worker_epochs
from maskgate.subjects.worker.tasks import saving as worker_saving
from maskgate.subjects.worker.tasks.models import RATE
from maskgate.verdicts.model import Finding

F32 = format_of("float32")
Change = Callable[[str, float], float]


def batch(task: Task) -> Case:
    """The case that a task is about."""
    x, masked = task.arrays["x"], task.parameters["model"] != "identity"
    return Case(
        LossSpec.of("mse"),
        task.parameters["reduction"],
        "float32",
        task.arrays["y_true"],
        x,
        made_mask(x) if masked else None,
        task.arrays.get("sample_weight"),
    )


def of_batch(case: Case, semantics: Semantics) -> Expected:
    said = expect(case, replace(semantics, path="compiled"))
    assert isinstance(said, Expected)
    return said


class FakeTrainer(FakeSubject):
    """Epochs, steps and copies by the formula, in float32; `change` alters a number by its name."""

    def __init__(
        self,
        change: Change = lambda _name, value: value,
        *,
        semantics: Semantics = WHERE,
        description: Description = DESCRIPTION,
        weighs: bool = True,
    ) -> None:
        super().__init__(semantics=semantics, description=description)
        self.change, self.weighs = change, weighs

    def perform(self, task: Task, *, timeout: float | None = None) -> Done | Refusal:
        assert timeout is not None
        done: Done = getattr(self, task.name.replace(".", "_"))(task)
        changed = {
            name: np.asarray(self.change(name, array)) for name, array in done.arrays.items()
        }
        return Done(done.data, changed)

    def epochs_losses(self, task: Task) -> Done:
        parts = batches_of(batch(task), task.parameters["batch_size"])
        losses = [np.float32(of_batch(each, self.semantics).value.value) for each in parts]
        sizes = [len(each.y_pred) if self.weighs else 1 for each in parts]
        mean = np.float32(np.dot(np.float32(losses), np.float32(sizes)) / np.float32(sum(sizes)))
        return Done({"refused": {}}, dict.fromkeys(task.parameters["entries"], np.asarray(mean)))

    def training_step(self, task: Task) -> Done:
        case = batch(task)
        said = of_batch(case, self.semantics)
        assert said.gradient is not None
        gradients = [weight_gradient(case, said.gradient)]
        moved = stepped(gradients, RATE, case.y_pred.shape[-1], F32.unit_roundoff)
        return Done({}, {"loss": said.value.value, "weights": moved.value.astype(np.float32)})

    def accumulation_step(self, task: Task) -> Done:
        case, found = batch(task), {}
        for way, number in (("whole", 1), ("accumulated", task.parameters["parts"])):
            parts = batches_of(case, len(case.y_pred) // number)
            gradients = []
            for each in parts:
                slope = of_batch(each, self.semantics).gradient
                assert slope is not None
                gradients.append(weight_gradient(each, slope))
            moved = stepped(gradients, RATE, case.y_pred.shape[-1], F32.unit_roundoff)
            found[way] = moved.value.astype(np.float32)
        return Done({}, found)

    def saving_round_trip(self, task: Task) -> Done:
        loss = np.asarray(of_batch(batch(task), self.semantics).value.value)
        names = ("saved", "loaded", "saved-weights", "loaded-weights")
        return Done({"refused": {}, "made": True}, dict.fromkeys(names, loss))


class WithoutCopy(FakeTrainer):
    """No copy can be made."""

    def saving_round_trip(self, task: Task) -> Done:
        done = super().saving_round_trip(task)
        arrays = {name: each for name, each in done.arrays.items() if name.startswith("saved")}
        return Done({"refused": {"loaded": ["ValueError", "no such layer"]}, "made": False}, arrays)


def examined(kind: Any, subject: FakeTrainer, name: str) -> Any:
    return kind(
        subject=subject,
        description=subject.description,
        semantics=subject.semantics,
        property_name=name,
    )


def raised(said: Callable[[Pair], None], pair: Pair) -> Finding:
    with pytest.raises(Deviation) as caught:
        said(pair)
    return caught.value.finding


# -- what an epoch must be


def test_the_bound_of_an_epoch_holds_for_real_roundings_and_is_used() -> None:
    random, used = np.random.default_rng(0), []
    for _ in range(400):
        sizes = random.integers(1, 9, random.integers(1, 7))
        losses = random.uniform(0.1, 9.0, len(sizes)).astype(np.float32)
        balls = [Ball(np.asarray(float(loss)), np.zeros(())) for loss in losses]
        said = epoch_loss(balls, sizes, F32)
        total = np.float32(0.0)
        for loss, size in zip(losses, sizes, strict=True):
            total = np.float32(total + np.float32(loss * np.float32(size)))
        seen = np.float32(total / np.float32(sizes.sum()))
        used.append(abs(float(seen) - float(said.value)) / float(said.radius))
    assert max(used) <= 1.0
    assert max(used) > 0.2


def test_an_epoch_with_a_nan_batch_is_nan_and_nothing_else() -> None:
    balls = [Ball(np.asarray(value), np.zeros(())) for value in (1.0, np.nan)]
    said = epoch_loss(balls, [2, 1], F32)
    assert np.isnan(said.value)
    assert said.radius == 0.0


def test_batches_hold_every_sample_once() -> None:
    case = uneven_epoch().with_(sample_weight=np.arange(5.0))
    parts = batches_of(case, 2)
    assert [len(each.y_pred) for each in parts] == [2, 2, 1]
    for field in ("y_true", "y_pred", "mask", "sample_weight"):
        joined = np.concatenate([getattr(each, field) for each in parts])
        assert np.array_equal(joined, getattr(case, field))


def test_the_token_mean_of_the_uneven_epoch_is_not_its_mean_of_batches() -> None:
    """Worked by hand: (3 + 2*4 + 9 + 16 + 3*25) / 10 is 11.1; batches of 2 give 10.88."""
    case = uneven_epoch()
    whole = of_batch(case, WHERE).value.value
    halves = [of_batch(each, WHERE).value.value for each in batches_of(case, 2)]
    assert whole == pytest.approx(11.1)
    assert (2 * halves[0] + 2 * halves[1] + halves[2]) / 5 == pytest.approx(10.88)


@pytest.mark.parametrize(
    ("distribution", "version", "weighs"),
    [
        ("keras", "2.0.9", True),
        ("keras", "2.15.0", True),
        ("keras", "3.0.5", False),
        ("keras", "3.1.1", False),
        ("keras", "3.2.0", True),
        ("keras", "3.15.1", True),
        ("tf_keras", "2.21.0", True),
    ],
)
def test_only_two_releases_do_not_weigh_batches(
    distribution: str, version: str, weighs: bool
) -> None:
    assert weighs_batches(distribution, version) is weighs


@settings(max_examples=25, deadline=None)
@given(pair=epochs())
def test_two_steps_at_once_never_take_a_batch_too_many(pair: Pair) -> None:
    steps = -(-len(pair.case.y_pred) // pair.details["batch_size"])
    assert steps % pair.details["steps_per_execution"] == 0


@settings(max_examples=25, deadline=None)
@given(pair=epochs())
def test_the_mask_of_an_epoch_is_the_one_that_its_model_makes(pair: Pair) -> None:
    if pair.details["model"] == "identity":
        assert pair.case.mask is None
    else:
        assert np.array_equal(pair.case.mask, made_mask(pair.case.y_pred))


# -- what a step must be


def test_the_gradient_of_the_layer_is_that_of_finite_differences() -> None:
    case = divided_corners()[0].case.with_(dtype="float64")
    case = case.with_(y_true=np.full(case.y_pred.shape, 0.25))
    slope = of_batch(case, WHERE).gradient
    assert slope is not None
    said = weight_gradient(case, slope)
    step = 2.0**-20

    def loss(kernel: float, bias: float) -> float:
        moved = case.with_(y_pred=case.y_pred * kernel + bias)
        return float(of_batch(moved, WHERE).value.value)

    by_kernel = (loss(1.0 + step, 0.0) - loss(1.0 - step, 0.0)) / (2.0 * step)
    by_bias = (loss(1.0, step) - loss(1.0, -step)) / (2.0 * step)
    assert said.value == pytest.approx([by_kernel, by_bias], rel=1e-6)


def test_the_bound_of_a_step_holds_for_real_roundings() -> None:
    random, used = np.random.default_rng(0), []
    rate = np.float32(RATE)
    for _ in range(300):
        parts = random.uniform(-4.0, 4.0, (2, 2)).astype(np.float32)
        balls = [Ball(each.astype(np.float64), np.zeros(2)) for each in parts]
        said = stepped(balls, RATE, 1, F32.unit_roundoff)
        mean = np.float32((parts[0] + parts[1]) / np.float32(2.0))
        seen = np.float32(np.array([1.0, 0.0], np.float32) - np.float32(rate * mean))
        used.append(np.max(np.abs(seen - said.value) / said.radius))
    assert max(used) <= 1.0
    assert max(used) > 0.1


# -- the examinations


@pytest.mark.parametrize("pair", epoch_corners())
def test_a_right_trainer_conforms(pair: Pair) -> None:
    one = examined(EpochExamination, FakeTrainer(), "epoch-value")
    one.epoch_conforms(pair)
    assert one.tally.worst is not None


def test_an_entry_point_that_stands_alone_is_named() -> None:
    alone = FakeTrainer(lambda name, value: value * (1.001 if name == "fit" else 1.0))
    one = examined(EpochExamination, alone, "epoch-value")
    assert raised(one.epoch_conforms, epoch_corners()[0]).stage == "fit"
    # Asked again, by the entry points that show it: as shrinking does.
    assert raised(one.epoch_conforms, epoch_corners()[0]).stage == "fit"


def test_batches_that_are_not_weighed_are_found() -> None:
    subject = FakeTrainer(weighs=False)
    one = examined(EpochExamination, subject, "epoch-value")
    assert raised(one.epoch_conforms, epoch_corners()[0]).stage == "epoch"
    old = replace(DESCRIPTION, keras="3.1.1")
    right = FakeTrainer(weighs=False, description=old, semantics=Semantics("valid-epsilon"))
    examined(EpochExamination, right, "epoch-value").epoch_conforms(epoch_corners()[0])


def test_a_masked_epoch_that_depends_on_its_batches_does_so_by_its_formula() -> None:
    masked, bare = epoch_corners()[:2]
    one = examined(EpochExamination, FakeTrainer(), "batch-split")
    found = raised(one.split_is_free, masked)
    assert found.identity["stage"] == "formula"
    assert found.identity["shape_class"] == "masked"
    assert float(found.observed) == pytest.approx(10.88)
    assert float(found.expected) == pytest.approx(11.1)
    one.split_is_free(bare)
    everything = FakeTrainer(semantics=Semantics("all-elements"))
    examined(EpochExamination, everything, "batch-split").split_is_free(masked)


def test_a_split_that_no_formula_explains_is_the_epochs() -> None:
    wrong = FakeTrainer(weighs=False)
    one = examined(EpochExamination, wrong, "batch-split")
    assert raised(one.split_is_free, epoch_corners()[1]).stage == "epoch"


def test_accumulated_masked_means_deviate_by_their_formula_and_unmasked_ones_do_not() -> None:
    masked, bare = divided_corners()[:2]
    one = examined(StepExamination, FakeTrainer(), "accumulation-split")
    assert raised(one.accumulates, masked).stage == "formula"
    one.accumulates(bare)
    assert one.tally.worst is not None


def test_a_step_on_another_gradient_is_told_though_the_loss_is_right() -> None:
    by_step = weighted_corners()[0]
    one = examined(StepExamination, FakeTrainer(), "training-step")
    one.steps_by_formula(by_step)
    assert one.tally.worst is not None

    def moved(name: str, value: np.ndarray) -> np.ndarray:
        return value * np.float32(1.0 + 1e-3) if name == "weights" else value

    other = examined(StepExamination, FakeTrainer(moved), "training-step")
    finding = raised(other.steps_by_formula, by_step)
    assert (finding.stage, finding.property) == ("trainer", "training-step")


@pytest.mark.parametrize("way", ["whole", "accumulated"])
def test_a_wrong_step_is_told_by_its_way(way: str) -> None:
    wrong = FakeTrainer(lambda name, value: value * (1.001 if name == way else 1.0))
    one = examined(StepExamination, wrong, "accumulation-split")
    assert raised(one.accumulates, divided_corners()[1]).stage == way


@settings(max_examples=25, deadline=None)
@given(pair=divided_batches())
def test_parts_are_of_one_size(pair: Pair) -> None:
    assert len(pair.case.y_pred) % pair.details["parts"] == 0


@pytest.mark.parametrize("pair", saving_corners())
def test_a_faithful_copy_passes(pair: Pair) -> None:
    examined(SavingExamination, FakeTrainer(), "mask-survives-saving").survives_saving(pair)


def test_a_copy_that_differs_is_named_by_its_format_and_its_work() -> None:
    evaluated, trained = saving_corners()[0], saving_corners()[len(FORMATS)]
    wrong = FakeTrainer(lambda name, value: value + (name == "loaded"))
    one = examined(SavingExamination, wrong, "mask-survives-saving")
    found = raised(one.survives_saving, evaluated)
    assert (found.stage, found.identity["shape_class"]) == ("keras", "evaluate")
    wrong = FakeTrainer(lambda name, value: value + (name == "loaded-weights"))
    one = examined(SavingExamination, wrong, "mask-survives-saving")
    one.survives_saving(evaluated)
    found = raised(one.survives_saving, trained)
    assert (found.stage, found.identity["shape_class"]) == ("keras", "train")


def test_steps_that_do_not_repeat_are_compared_by_their_loss_alone() -> None:
    def asked(wrong: str) -> Any:
        objectives = Semantics("objective-epsilon")
        trainer = FakeTrainer(lambda name, value: value + (name == wrong), semantics=objectives)
        return examined(SavingExamination, trainer, "mask-survives-saving")

    trained = saving_corners()[len(FORMATS)]
    asked("loaded-weights").survives_saving(trained)
    assert raised(asked("loaded").survives_saving, trained).stage == "keras"


def test_a_copy_that_cannot_be_made_is_no_answer() -> None:
    one = examined(SavingExamination, WithoutCopy(), "mask-survives-saving")
    found = raised(one.survives_saving, saving_corners()[0])
    assert found.identity["shape_class"] == "not-loaded"
    assert "no such layer" in str(found.observed)


def test_what_is_asked_is_what_the_worker_knows() -> None:
    asked = {*epoch_examination.ENTRIES, *epoch_examination.HELD_OUT}
    assert asked == set(worker_epochs.ENTRIES)
    assert set(FORMATS) == set(worker_saving.FORMATS)


@settings(max_examples=25, deadline=None)
@given(pair=saved_batches())
def test_a_saved_batch_has_a_mask(pair: Pair) -> None:
    assert pair.case.mask is not None
    assert pair.details["format"] in FORMATS


# -- the suite can fail


@pytest.mark.slow
@pytest.mark.parametrize("fault", keras_3_15_epochs.FAULTS, ids=lambda fault: fault.name)
def test_a_fault_in_epochs_steps_or_copies_is_killed(fault: Fault, tmp_path: Any) -> None:
    path = plant(fault, installed("keras"), tmp_path)
    judge(fault, *check(fault.killed_by, path=path, profile="default"))


@pytest.mark.slow
def test_the_installed_framework_deviates_as_listed() -> None:
    asked = ("epoch-value", "batch-split", "mask-survives-saving", "accumulation-split")
    for name in (*asked, "training-step"):
        status, report = check(name, profile="smoke")
        assert status == 0, [each["title"] for each in report["findings"]]
