"""The seed's formula in TensorFlow operations: the oracle agrees, and its epsilon has its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fake_subject import DESCRIPTION, FakeSubject, case, deviations, loaded, run_property
from oracle_cases import losses, random_case

from maskgate.case import Case
from maskgate.engines.examination import Examination
from maskgate.engines.examining import examine
from maskgate.oracle import Expected, expect, ledger
from maskgate.strategies import pairs
from maskgate.subjects import Question, Refusal, Subject, Value, WorkerSubject, open_subject
from maskgate.verdicts.compare import judge

DTYPES = ("float16", "float32", "float64")
PLAIN_MASKS = ("none", "holes", "all", "empty", "one", "row", "float", "int", "soft")
WEIGHTS = ("none", "vector", "step", "some-zero", "zero")


@pytest.fixture(scope="module")
def seed() -> Iterator[WorkerSubject]:
    with open_subject("seed") as subject:
        yield subject


@pytest.fixture(scope="module")
def without() -> Iterator[WorkerSubject]:
    with open_subject("seed:no-epsilon") as subject:
        yield subject


@pytest.fixture(scope="module")
def on_count() -> Iterator[WorkerSubject]:
    with open_subject("seed:epsilon-on-count") as subject:
        yield subject


def as_with_epsilon(subject: Subject) -> Examination:
    """A subject judged by the formula with epsilon, whichever of its variants it is."""
    described = replace(subject.describe(), keras="with-epsilon")
    return examine(subject, described, "loss-value")


def many(dtype: str) -> list[Case]:
    """Every loss under every mask, the weights in turn."""
    rng = np.random.default_rng(0)
    drawn = []
    for number, loss in enumerate(losses()):
        if dict(loss.parameters).get("axis") is not None:
            continue
        for index, mask in enumerate(PLAIN_MASKS):
            weight = WEIGHTS[(number + index) % len(WEIGHTS)]
            drawn.append(random_case(rng, loss, dtype=dtype, mask=mask, weight=weight))
    return drawn


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_oracle_agrees_with_the_seed_on_every_loss_mask_and_weight(
    seed: WorkerSubject, dtype: str
) -> None:
    semantics = as_with_epsilon(seed).semantics
    asked = many(dtype)
    assert {each.mask is not None and not each.mask.any() for each in asked} == {False, True}
    answers = seed.evaluate([Question(each, gradient=True) for each in asked])
    wrong = [
        (str(each.loss), str(said.mismatch))
        for each, answer in zip(asked, answers, strict=True)
        if not (said := judge(answer, expect(each, semantics))).holds
    ]
    assert wrong == []
    assert sum(isinstance(answer, Value) for answer in answers) > 0.9 * len(asked)


@pytest.mark.parametrize("dtype", DTYPES)
def test_all_masked_is_zero_with_epsilon_and_nan_without(
    seed: WorkerSubject, without: WorkerSubject, dtype: str
) -> None:
    """In float16 epsilon is 1.2e-7, a subnormal number: zero where a kernel flushes it."""
    empty = case(mask=((0, 0, 0),), dtype=dtype)
    (answer,) = without.evaluate([Question(empty)])
    assert isinstance(answer, Value)
    assert np.isnan(answer.value)
    (answer,) = seed.evaluate([Question(empty)])
    assert isinstance(answer, Value)
    assert answer.value == 0.0
    expected = expect(empty, as_with_epsilon(seed).semantics)
    assert isinstance(expected, Expected)
    assert expected.value.value == 0.0


def test_worked_values(seed: WorkerSubject) -> None:
    """By hand, from the formula of the question: losses 1, 4, 25; two of three steps valid."""
    share = 2 / 3 + 1e-7
    worked = {
        "no weights": (None, 5 / 3 / share),
        "a weight a sample": (np.array([3.0]), 3 * 5 / 3 / share),
        "a weight a step": (np.array([[2.0, 0.0, 1.0]]), 2 / 3 / share / (2 / 3)),
    }
    for weight, value in worked.values():
        (answer,) = seed.evaluate([Question(case(weight=weight, dtype="float64"))])
        assert isinstance(answer, Value)
        assert answer.value == pytest.approx(value, rel=1e-14)


def test_each_variant_is_right_by_its_own_formula(
    seed: WorkerSubject, without: WorkerSubject
) -> None:
    for subject in (seed, without):
        described = subject.describe()
        family = ledger.lookup(described.distribution, described.keras).semantics.family
        examined = examine(subject, described, "loss-value")
        assert examined.semantics.family == family
        problem = run_property(lambda pair, by=examined: by.conforms(pair), SMALL, examples=40)
        assert problem is None


SMALL = pairs(
    compiled=False,
    losses=["mse", "mae"],
    reductions=["sum_over_batch_size"],
    dtypes=("float32", "float64"),
    mask_ranks=("equal",),
    weight_kinds=("none", "(B,T)"),
)


@pytest.mark.parametrize("variant", ["without", "on_count"])
def test_an_epsilon_removed_or_moved_is_caught_on_a_minimal_case(
    variant: str, request: pytest.FixtureRequest
) -> None:
    examined = as_with_epsilon(request.getfixturevalue(variant))
    problem = run_property(lambda pair: examined.conforms(pair), SMALL, examples=150)
    found = [each.finding for each in deviations(problem)]
    plain = [each for each in found if each.identity["shape_class"] == "plain"]
    (shown,) = [each for each in plain if each.stage == "mask"]
    assert shown.identity["family"] == "objective-epsilon"
    minimal, _ = loaded(shown)
    assert np.prod(minimal.loss_shape) <= 2
    assert minimal.sample_weight is None
    assert minimal.mask is not None


@pytest.mark.parametrize(
    ("variant", "dtype", "mask", "caught"),
    [
        ("without", "float32", ((0, 0, 0),), True),
        ("without", "float64", ((0, 0, 0),), True),
        ("without", "float64", ((1, 1, 0),), True),
        ("without", "float32", ((1, 1, 0),), False),
        ("on_count", "float64", ((1, 1, 0),), True),
        ("on_count", "float32", ((1, 1, 0),), False),
        ("on_count", "float64", ((0, 0, 0),), False),
    ],
)
def test_where_an_epsilon_shows_and_where_no_bound_can_see_it(
    variant: str, dtype: str, mask: Any, caught: bool, request: pytest.FixtureRequest
) -> None:
    """Outside an empty mask float64 alone resolves 1e-7: why it is always among the dtypes."""
    subject: WorkerSubject = request.getfixturevalue(variant)
    asked = case(mask=mask, dtype=dtype)
    (answer,) = subject.evaluate([Question(asked)])
    said = judge(answer, expect(asked, as_with_epsilon(subject).semantics))
    assert said.holds is not caught


def test_the_seed_has_one_reduction(seed: WorkerSubject) -> None:
    (answer,) = seed.evaluate([Question(case(reduction="sum"))])
    assert isinstance(answer, Refusal)


def test_a_report_says_whose_element_losses_the_seed_reduces(seed: WorkerSubject) -> None:
    described = seed.describe()
    assert described.distribution == "seed"
    assert described.extra["elementwise"][0] == "keras"
    assert any("element losses of keras" in note for note in described.notes)


def test_the_element_losses_are_judged_as_those_of_their_own_release() -> None:
    """The seed over Keras 2.15 is judged with the element losses of 2.15, not of the newest."""

    older = replace(
        DESCRIPTION,
        distribution="seed",
        keras="with-epsilon",
        extra={"elementwise": ["keras", "2.15.0"]},
    )
    examined = examine(FakeSubject(description=older), older, "loss-value")
    assert examined.semantics.elements == "keras-2.14.0"
