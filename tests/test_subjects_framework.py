"""The framework installed here, asked through a worker and in this process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from maskgate.case import AnyArray, Case, LossSpec
from maskgate.subjects import (
    MODES,
    Answer,
    InProcess,
    Mode,
    Question,
    Refusal,
    Subject,
    Value,
    WorkerSubject,
    load_adapter,
    open_subject,
)
from maskgate.subjects.worker import kept

LOSSES = np.array([[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]])
MASK = np.array([[1, 0, 1], [1, 0, 0]], bool)
PER_SAMPLE = np.array([[2.0], [0.0]])
PER_STEP = np.array([[2.0, 5.0, 3.0], [0.0, 1.0, 1.0]])


def case(
    weight: AnyArray | None = None,
    *,
    mask: AnyArray | None = MASK,
    reduction: str = "sum_over_batch_size",
    dtype: str = "float64",
) -> Case:
    """Element losses `LOSSES` as the squares of two predictions with labels of zero."""
    y_pred = np.sqrt(LOSSES)[..., None].repeat(2, -1)
    return Case(LossSpec("mse"), reduction, dtype, np.zeros_like(y_pred), y_pred, mask, weight)


@pytest.fixture(scope="module")
def current() -> Iterator[WorkerSubject]:
    with open_subject("current") as subject:
        yield subject


@pytest.fixture(scope="module")
def seed() -> Iterator[WorkerSubject]:
    with open_subject("seed") as subject:
        yield subject


def ask(subject: Subject, case: Case, mode: Mode = "eager", *, gradient: bool = False) -> Answer:
    return subject.evaluate([Question(case, mode, gradient)])[0]


def value(answer: Answer) -> Value:
    assert isinstance(answer, Value), answer
    return answer


def test_description_is_of_the_installed_framework(current: WorkerSubject) -> None:
    keras = pytest.importorskip("importlib.metadata").version("keras")
    description = current.describe()
    assert (description.id, description.distribution) == ("current", "keras")
    assert (description.keras, description.numpy) == (keras, np.__version__)
    assert (description.backend, description.device) == ("tensorflow", "cpu")
    assert (description.epsilon, description.modes) == (1e-7, MODES)


@pytest.mark.parametrize("mode", MODES)
def test_worked_values(current: WorkerSubject, mode: Mode) -> None:
    """By hand: sum(mask weight loss) over the valid count, over all, over sum(mask weight)."""
    worked = {
        ("sum_over_batch_size", None): 8 / 3,
        ("sum_over_batch_size", "sample"): 4.0,
        ("sum_over_batch_size", "step"): 17 / 3,
        ("sum", "step"): 17.0,
        ("mean_with_sample_weight", "sample"): 3.0,
        ("mean_with_sample_weight", "step"): 17 / 5,
    }
    weights = {None: None, "sample": PER_SAMPLE, "step": PER_STEP}
    for (reduction, weight), expected in worked.items():
        answer = value(ask(current, case(weights[weight], reduction=reduction), mode))
        assert answer.value == pytest.approx(expected, rel=1e-12), (reduction, weight)
        assert (answer.dtype, answer.gradient) == ("float64", None)


@pytest.mark.parametrize("mode", MODES)
def test_gradient_is_that_of_the_sum(current: WorkerSubject, mode: Mode) -> None:
    for reduction, factor in (("sum_over_batch_size", 1 / 3), ("none", 1.0)):
        asked = case(PER_STEP, reduction=reduction)
        answer = value(ask(current, asked, mode, gradient=True))
        # d (p^2 + p^2)/2 / dp = p for each of the two predictions of a step.
        expected = (MASK * PER_STEP * factor)[..., None] * asked.y_pred
        assert answer.gradient == pytest.approx(expected, rel=1e-12)
        assert answer.value.shape == (() if reduction != "none" else (2, 3))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_dtypes_arrive_exactly(current: WorkerSubject, dtype: str) -> None:
    """With one label of zero and `mae` the element losses are the predictions themselves."""
    base = case(dtype=dtype)
    rng = np.random.default_rng(0)
    numbers = base.format.round(rng.lognormal(0, 3, (5, 7, 1)))
    asked = Case(LossSpec("mae"), "none", dtype, np.zeros_like(numbers), numbers)
    answer = value(ask(current, asked))
    assert answer.dtype == dtype
    np.testing.assert_array_equal(answer.value, asked.y_pred[..., 0])
    assert answer.value.dtype == asked.y_pred.dtype


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("mask", [MASK, MASK.astype(np.int32), MASK.astype(float)])
def test_mask_dtypes(current: WorkerSubject, mode: Mode, mask: AnyArray) -> None:
    assert value(ask(current, case(mask=mask), mode)).value == pytest.approx(8 / 3)


@pytest.mark.parametrize("mode", MODES)
def test_a_mask_does_not_stay_for_the_next_question(current: WorkerSubject, mode: Mode) -> None:
    asked = [case(), case(mask=None), case(mask=~MASK), case()]
    answers = current.evaluate([Question(one, mode) for one in asked])
    means = [LOSSES[MASK].mean(), LOSSES.mean(), LOSSES[~MASK].mean(), LOSSES[MASK].mean()]
    assert [float(value(answer).value) for answer in answers] == pytest.approx(means)


@pytest.mark.parametrize("mode", MODES)
def test_shapes_without_elements(current: WorkerSubject, mode: Mode) -> None:
    empty = np.zeros((0, 3, 2))
    asked = Case(LossSpec("mse"), "none", "float32", empty, empty)
    answer = value(ask(current, asked, mode, gradient=True))
    assert answer.value.shape == (0, 3)
    assert answer.gradient is not None
    assert answer.gradient.shape == (0, 3, 2)


def test_class_ids_and_parameters(current: WorkerSubject) -> None:
    y_pred = np.full((1, 2, 4), 0.25)
    labels = np.array([[1, 3]], np.int32)
    loss = LossSpec.of("sparse_cce", ignore_class=3)
    answer = value(ask(current, Case(loss, "none", "float64", labels, y_pred)))
    assert answer.value[0, 0] == pytest.approx(np.log(4))
    assert answer.value[0, 1] == 0.0


@pytest.mark.parametrize("mode", MODES)
def test_a_refusal_says_why(current: WorkerSubject, mode: Mode) -> None:
    answer = ask(current, case(np.ones(5)), mode)
    assert isinstance(answer, Refusal)
    assert "5" in answer.message
    assert "user code" not in answer.message
    assert "site-packages" not in answer.message
    assert value(ask(current, case(), mode)).value == pytest.approx(8 / 3)


def test_reset_forgets_without_changing_answers(current: WorkerSubject) -> None:
    before = value(ask(current, case(), "graph"))
    current.reset()
    assert value(ask(current, case(), "graph")).value == before.value


@pytest.mark.parametrize("mode", MODES)
def test_seed_values(seed: WorkerSubject, mode: Mode) -> None:
    """By hand: half of the steps are valid; one of two samples, five of six steps have a weight."""
    half = 0.5 + 1e-7
    worked = [
        (None, 8 / 6 / half),
        (np.array([2.0, 0.0]), (2 * 6 / 3) / 2 / half / 0.5),
        (PER_STEP, 17 / 6 / half / (5 / 6)),
    ]
    for weight, expected in worked:
        answer = value(ask(seed, case(weight), mode))
        assert answer.value == pytest.approx(expected, rel=1e-12)
    assert value(ask(seed, case(mask=MASK & False), mode)).value == 0.0


def test_seed_description_and_refusal(seed: WorkerSubject) -> None:
    description = seed.describe()
    assert (description.distribution, description.keras) == ("seed", "with-epsilon")
    assert description.extra["elementwise"][0] == "keras"
    answer = ask(seed, case(reduction="sum"))
    assert isinstance(answer, Refusal)
    assert answer.kind == "NotOfferedError"


@pytest.mark.parametrize(
    ("variant", "factor", "empty"),
    [("without-epsilon", 2.0, np.nan), ("epsilon-on-count", 6 / (3 + 1e-7), 0.0)],
)
def test_seed_variants(variant: str, factor: float, empty: float) -> None:
    subject = InProcess(load_adapter(seed=variant))
    assert value(ask(subject, case())).value == pytest.approx(8 / 6 * factor, rel=1e-12)
    nothing = value(ask(subject, case(mask=MASK & False))).value
    np.testing.assert_array_equal(nothing, empty)


def broken_squares() -> Any:
    """A loss class with a planted fault: it ignores every mask."""
    keras: Any = pytest.importorskip("keras")

    class Maskless(keras.losses.MeanSquaredError):  # type: ignore[misc]
        def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            return super().__call__(y_true, keras.ops.copy(y_pred), sample_weight)

    return Maskless


def test_own_loss_classes_in_this_process() -> None:
    adapter = load_adapter(losses={"MeanSquaredError": broken_squares()})
    subject = InProcess(adapter, id="maskless")
    assert subject.describe().id == "maskless"
    for mode in MODES:
        assert value(ask(subject, case(), mode)).value == pytest.approx(LOSSES.mean())
    subject.reset()
    subject.close()


def test_gradient_of_a_loss_that_ignores_the_predictions_is_zero() -> None:
    keras: Any = pytest.importorskip("keras")

    class Constant(keras.losses.Loss):  # type: ignore[misc]
        def call(self, y_true: Any, y_pred: Any) -> Any:
            del y_pred
            return keras.ops.mean(y_true, axis=-1)

    subject = InProcess(load_adapter(losses={"MeanSquaredError": Constant}))
    for mode in MODES:
        gradient = value(ask(subject, case(), mode, gradient=True)).gradient
        np.testing.assert_array_equal(gradient, np.zeros((2, 3, 2)))


def test_only_so_many_traced_functions_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "LARGEST", 2)
    adapter: Any = load_adapter()
    subject = InProcess(adapter)
    first, second, third = (case(reduction=name) for name in ("sum", "none", "mean"))
    for asked in (first, second, first, third):
        ask(subject, asked, "graph")
    assert [signature[1] for signature in adapter.backend._traced] == ["sum", "mean"]
