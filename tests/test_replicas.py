"""A step that replicas share: the mean of their means, and what no formula explains."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faults.planting import Fault, plant
from test_planted_faults import check, installed, judge
from test_trainer_epochs import FakeTrainer, batch, examined, of_batch, raised

from maskgate.engines.replica_examination import ReplicaExamination
from maskgate.oracle.epochs import batches_of, epoch_loss
from maskgate.oracle.steps import stepped, weight_gradient
from maskgate.strategies import NotTaken
from maskgate.strategies.replicas import shared_batches
from maskgate.subjects import open_subject
from maskgate.subjects.protocol import Done, Task
from maskgate.subjects.worker.tasks.models import RATE

UNEQUAL, VERY_UNEQUAL, EQUAL, BARE = shared_batches()

FAULT = Fault(
    "gradients-of-replicas-are-added-up",
    "src/losses/loss.py",
    "ops.cast(1.0 / num_replicas, value.dtype)",
    "ops.cast(1.0, value.dtype)",
    "replica-split",
    "replicas",
)


class FakeReplicas(FakeTrainer):
    """Steps by the formula, in float32, over any number of replicas."""

    closed = 0

    def divided(self, replicas: int) -> FakeReplicas:
        assert replicas == 2
        return self

    def close(self) -> None:
        self.closed += 1

    def replicas_step(self, task: Task) -> Done:
        case, found = batch(task), {}
        for way, number in (("whole", 1), ("replicas", task.parameters["parts"])):
            parts = batches_of(case, len(case.y_pred) // number)
            said = [of_batch(each, self.semantics) for each in parts]
            slopes = [
                weight_gradient(part, each.gradient)
                for part, each in zip(parts, said, strict=True)
                if each.gradient is not None
            ]
            sizes = [len(part.y_pred) for part in parts]
            loss = epoch_loss([each.value for each in said], sizes, case.format)
            unit = case.format.unit_roundoff
            moved = stepped(slopes, RATE, case.y_pred.shape[-1], unit)
            found[way] = np.append(loss.value, moved.value).astype(np.float32)
        return Done({}, found)


def one(subject: Any) -> ReplicaExamination:
    found = examined(ReplicaExamination, subject, "replica-split")
    assert isinstance(found, ReplicaExamination)
    return found


@pytest.mark.parametrize("pair", [UNEQUAL, VERY_UNEQUAL])
def test_masked_means_of_replicas_deviate_by_their_formula(pair: Any) -> None:
    found = raised(one(FakeReplicas()).shares, pair)
    assert (found.stage, found.identity["shape_class"]) == ("formula", "masked")
    # The bias is a number of the report.
    assert isinstance(found.observed, float)
    assert abs(found.observed - float(found.expected)) > found.bound


@pytest.mark.parametrize("pair", [EQUAL, BARE])
def test_equal_shares_have_no_bias(pair: Any) -> None:
    examination = one(FakeReplicas())
    examination.shares(pair)
    assert examination.tally.worst is not None


@pytest.mark.parametrize("way", ["whole", "replicas"])
def test_a_step_that_no_formula_explains_is_told_by_its_way(way: str) -> None:
    wrong = FakeReplicas(lambda name, value: value * (1.001 if name == way else 1.0))
    found = raised(one(wrong).shares, BARE)
    assert (found.stage, found.identity["shape_class"]) == (way, "plain")


def test_a_batch_is_asked_once_and_the_process_ends() -> None:
    subject = FakeReplicas()
    examination = one(subject)
    raised(examination.shares, UNEQUAL)
    raised(examination.shares, UNEQUAL)
    assert sum(examination.tally.asked.values()) == 1
    examination.finish()
    examination.finish()
    assert subject.closed == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"distribution": "seed"}, "no trainer"),
        ({"backend": "jax"}, "not those of jax"),
        ({"keras": "2.3.1"}, "before 2.4"),
    ],
)
def test_where_there_are_no_replicas_it_is_skipped(changed: dict[str, Any], said: str) -> None:
    subject = FakeReplicas()
    examination = one(subject)
    examination.description = replace(subject.description, **changed)
    with pytest.raises(NotTaken, match=said):
        examination.shares(BARE)


def test_a_quick_run_and_a_subject_in_this_process_start_none() -> None:
    examination = one(FakeReplicas())
    examination.brief = True
    with pytest.raises(NotTaken, match="left out of the smoke profile"):
        examination.shares(BARE)
    with pytest.raises(NotTaken, match="a worker process of their own"):
        one(FakeTrainer()).shares(BARE)


@pytest.mark.slow
def test_a_divided_subject_has_a_process_of_its_own() -> None:
    with open_subject("current") as subject:
        other = subject.divided(2)
        try:
            first, second = subject.describe(), other.describe()
            assert first == second
            assert subject._running().pid != other._running().pid
        finally:
            other.close()


@pytest.mark.slow
def test_the_installed_framework_deviates_as_listed() -> None:
    status, report = check("replica-split", profile="default")
    assert status == 0, [each["title"] for each in report["findings"]]
    assert [each["verdict"] for each in report["results"]] == ["known"]


@pytest.mark.slow
def test_a_planted_fault_is_killed(tmp_path: Path) -> None:
    path = plant(FAULT, installed("keras"), tmp_path)
    judge(FAULT, *check(FAULT.killed_by, path=path, profile="default"))
