"""Worked numbers: one small batch, empty masks, rank alignment, counts in half precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from maskgate.case import Case, LossSpec
from maskgate.oracle import FAMILIES, Expected, Refused, Semantics, expect
from maskgate.subjects import Value
from maskgate.verdicts.compare import judge, judge_array

LOSSES = np.array([[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]])
MASK = np.array([[1, 0, 1], [1, 0, 0]], bool)
PER_SAMPLE = np.array([2.0, 0.0])
PER_STEP = np.array([[2.0, 5.0, 3.0], [0.0, 1.0, 1.0]])
KERAS_3 = ("valid-epsilon", "valid-no-nan", "valid-where")


def case_of(element_losses: Any, **parts: Any) -> Case:
    """A case whose element losses are the given numbers: mean absolute error from 0."""
    predictions = np.asarray(element_losses, float)[..., None]
    given = {"reduction": "sum_over_batch_size", "dtype": "float64", **parts}
    zeros = np.zeros_like(predictions)
    return Case(loss=LossSpec.of("mae"), y_true=zeros, y_pred=predictions, **given)


def answer(case: Case, family: str, **semantics: Any) -> Expected:
    expected = expect(case, Semantics(family, **semantics))
    assert isinstance(expected, Expected), expected
    return expected


def loss_of(case: Case, family: str, **semantics: Any) -> Any:
    return answer(case, family, **semantics).value.value


def refuses(case: Case, family: str, **semantics: Any) -> bool:
    return isinstance(expect(case, Semantics(family, **semantics)), Refused)


@pytest.mark.parametrize(
    ("families", "values"),
    [
        (("objective", "objective-epsilon"), (2.6667, 8.0, 6.8)),
        (("all-elements",), (1.3333, 2.0, 2.8333)),
        (("valid-twice", *KERAS_3), (2.6667, 4.0, 5.6667)),
    ],
)
def test_each_family_on_one_batch(families: tuple[str, ...], values: tuple[float, ...]) -> None:
    for family in families:
        sample = PER_SAMPLE[:, None] if family in KERAS_3 else PER_SAMPLE
        found = [
            loss_of(case_of(LOSSES, mask=MASK, sample_weight=weight), family, path="compiled")
            for weight in (None, sample, PER_STEP)
        ]
        np.testing.assert_allclose(found, values, atol=5e-5)


@pytest.mark.parametrize("reduction", ["mean_with_sample_weight", "sum"])
def test_weighted_mean_and_sum(reduction: str) -> None:
    values = {"mean_with_sample_weight": (2.6667, 3.0, 3.4), "sum": (8.0, 12.0, 17.0)}[reduction]
    found = [
        loss_of(case_of(LOSSES, mask=MASK, sample_weight=w, reduction=reduction), "valid-where")
        for w in (None, PER_SAMPLE[:, None], PER_STEP)
    ]
    np.testing.assert_allclose(found, values, atol=5e-5)


def test_a_pure_masking_model() -> None:
    case = case_of([[1.0, 0.0, 0.0]], mask=np.array([[True, False, True]]))
    for family in FAMILIES:
        expected = 1 / 3 if family == "all-elements" else 0.5
        np.testing.assert_allclose(loss_of(case, family, path="compiled"), expected, atol=1e-6)


EMPTY = {
    "objective": np.nan,
    "objective-epsilon": 0.0,
    "all-elements": 0.0,
    "valid-twice": np.nan,
    "valid-epsilon": 0.0,
    "valid-no-nan": 0.0,
    "valid-where": 0.0,
}


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
@pytest.mark.parametrize("family", FAMILIES)
def test_an_empty_mask(family: str, dtype: str) -> None:
    case = case_of(LOSSES, mask=MASK & False, dtype=dtype)
    expected = answer(case, family, path="compiled")
    # total / epsilon overflows in float16, and 0 * inf is NaN.
    overflows = family == "valid-epsilon" and dtype == "float16"
    wanted = np.nan if overflows else EMPTY[family]
    np.testing.assert_array_equal(expected.value.value, wanted)
    np.testing.assert_array_equal(expected.value.radius, 0.0)
    # So does 1 / epsilon on the way back through the seed's function.
    lost = np.isnan(wanted) or (family == "objective-epsilon" and dtype == "float16")
    assert expected.gradient is not None
    np.testing.assert_array_equal(np.isnan(expected.gradient.value), lost)


@pytest.mark.parametrize("family", FAMILIES)
def test_all_weights_zero(family: str) -> None:
    value = loss_of(case_of(LOSSES, sample_weight=PER_STEP * 0.0), family)
    np.testing.assert_array_equal(value, np.nan if family.startswith("objective") else 0.0)


def test_epsilon_on_the_mean_of_the_mask_shows_when_few_steps_are_valid() -> None:
    losses, mask = np.full((1000, 1000), 4.0), np.zeros((1000, 1000), bool)
    mask[0, 0] = True
    case = case_of(losses, mask=mask)
    np.testing.assert_allclose(loss_of(case, "objective-epsilon"), 3.636364, rtol=1e-6)
    np.testing.assert_allclose(loss_of(case, "objective"), 4.0)
    np.testing.assert_allclose(loss_of(case, "all-elements", path="compiled"), 4e-6)


def test_soft_masks() -> None:
    case = case_of([[1.0, 2.0, 4.0]], mask=np.array([[1.0, 0.5, 0.0]]))
    found = {family: float(loss_of(case, family)) for family in FAMILIES}
    assert found["valid-twice"] == pytest.approx(4 / 3)
    assert found["valid-no-nan"] == pytest.approx(4 / 3)
    assert found["valid-where"] == pytest.approx(2.0)
    assert float(loss_of(case, "valid-twice", path="compiled")) == pytest.approx(1.0)
    assert float(loss_of(case, "all-elements", path="compiled")) == pytest.approx(2 / 3)


def test_a_direct_call_does_not_see_the_mask_before_2_11() -> None:
    case = case_of(LOSSES, mask=MASK)
    assert float(loss_of(case, "all-elements")) == pytest.approx(LOSSES.mean())


class TestCountsInHalfPrecision:
    def test_a_count_of_65520_is_infinite_in_float16(self) -> None:
        mask = np.zeros((1, 65520), bool)
        mask[0, :10] = True
        case = case_of(np.ones((1, 65520)), mask=mask, dtype="float16")
        for family in ("valid-twice", "valid-epsilon", "valid-no-nan", "valid-where"):
            expected = answer(case, family)
            assert np.isnan(expected.value.value)
            assert expected.value.radius == 0.0

    def test_one_less_is_not(self) -> None:
        mask = np.zeros((1, 65519), bool)
        mask[0, :10] = True
        case = case_of(np.ones((1, 65519)), mask=mask, dtype="float16")
        expected = answer(case, "valid-where", generation="keras-3.15.0")
        assert np.isfinite(expected.value.value)

    def test_bfloat16_counts_257_as_256(self) -> None:
        mask = np.arange(300)[None] < 257
        case = case_of(np.ones((1, 300)), mask=mask, dtype="bfloat16")
        expected = answer(case, "valid-where")
        assert abs(1.0078125 - float(expected.value.value)) <= expected.value.radius

    def test_excess_precision_leaves_open_what_overflows_without_it(self) -> None:
        case = case_of(np.full((1, 4), 4e4), dtype="float16", reduction="sum_over_batch_size")
        strict, loose = (
            expect(case, Semantics("valid-where"), excess_precision=excess)
            for excess in (False, True)
        )
        assert isinstance(strict, Expected)
        assert isinstance(loose, Expected)
        assert strict.value.value == np.inf
        assert strict.value.radius == 0.0
        assert np.isinf(loose.value.radius)

    def test_a_gradient_of_graphs_may_overflow_before_it_is_divided(self) -> None:
        """Seen on TensorFlow 2.21: 100 times a weight of 1024 is infinite, a fourth is not."""
        ones = np.ones((2, 2, 2), "float16")
        case = Case(LossSpec("mape"), "sum_over_batch_size", "float16", 2 * ones, 0 * ones)
        case = case.with_(sample_weight=np.float16(1024))
        answers = [
            Value(np.float16(np.inf), 0 * ones - slope, "float16") for slope in (6400, np.inf)
        ]
        for traced, right in ((True, [True, True]), (False, [True, False])):
            said = expect(case, Semantics("valid-where"), traced=traced)
            assert isinstance(said, Expected)
            assert said.gradient is not None
            judged = [judge_array("gradient", each.gradient, said.gradient) for each in answers]
            assert [each.holds for each in judged] == right

    def test_xla_may_divide_last_and_keep_the_gradient_from_overflowing(self) -> None:
        """Seen on TensorFlow 2.12: 1024 times the mean of 0 and 100 is infinite, and its slope
        of 102,400 / 2, which overflows in eager code, is not."""
        labels, predictions = np.array([[-3.0, 1.0]], "float16"), np.array([[-3.0, 0.0]], "float16")
        case = Case(
            LossSpec("mape"), "none", "float16", labels, predictions, None, np.float16(1024)
        )
        seen = Value(np.array([np.inf], "float16"), np.array([[0, -51200]], "float16"), "float16")
        of_xla, of_graphs = (
            expect(case, Semantics("all-elements"), traced=True, excess_precision=excess)
            for excess in (True, False)
        )
        assert judge(seen, of_xla).holds
        assert not judge(seen, of_graphs).holds

    def test_graphs_may_fold_the_epsilon_into_the_constant_beside_it(self) -> None:
        """`(1 - p) + 1e-7` as `(1 + 1e-7) - p` in float32: 15.2492 in place of 15.3332."""
        case = Case(LossSpec("bce"), "none", "float32", np.array([[0.0]]), np.array([[1.0]]))
        eager, traced = (
            expect(case, Semantics("valid-twice", "keras-2.12.0"), traced=each)
            for each in (False, True)
        )
        assert isinstance(eager, Expected)
        assert isinstance(traced, Expected)
        folded = -np.log(np.float32(1.0 + 1e-7) - np.float32(1.0 - 1e-7))
        assert abs(folded - eager.value.value) > eager.value.radius
        assert abs(folded - traced.value.value) <= traced.value.radius


class TestEmptyBatches:
    case = case_of(np.zeros((0, 3)))

    @pytest.mark.parametrize(
        ("family", "generation", "value"),
        [
            ("all-elements", "keras-2.3.0", np.nan),
            ("all-elements", "keras-2.9.0", 0.0),
            ("valid-epsilon", "keras-3.0.5", np.nan),
            ("valid-epsilon", "keras-3.7.0", 0.0),
            ("valid-where", "keras-3.15.0", 0.0),
        ],
    )
    def test_no_sample(self, family: str, generation: str, value: float) -> None:
        np.testing.assert_array_equal(
            loss_of(self.case, family, generation=generation), np.array(value)
        )

    def test_keras_3_returns_shape_0_as_it_is(self) -> None:
        assert loss_of(case_of(np.zeros(0)), "valid-where").shape == (0,)
        assert loss_of(case_of(np.zeros(0)), "valid-twice").shape == ()

    def test_no_feature(self) -> None:
        nothing = np.zeros((2, 3, 0))
        case = Case(LossSpec.of("mse"), "sum", "float32", nothing, nothing)
        assert np.isnan(loss_of(case, "valid-where"))


class TestRefusals:
    @pytest.mark.parametrize("family", ["objective", "all-elements", "valid-twice"])
    @pytest.mark.parametrize("reduction", ["mean", "mean_with_sample_weight"])
    def test_reductions_that_came_later(self, family: str, reduction: str) -> None:
        assert refuses(case_of(LOSSES, reduction=reduction), family)

    def test_the_first_keras_3_has_three_reductions(self) -> None:
        case = case_of(LOSSES, reduction="mean")
        assert refuses(case, "valid-epsilon", generation="keras-3.6.0")
        assert not refuses(case, "valid-epsilon", generation="keras-3.7.0")

    def test_a_mask_of_numbers_does_not_join_that_of_ignore_class(self) -> None:
        loss = LossSpec.of("sparse_cce", ignore_class=0)
        probabilities = np.full((2, 3, 2), 0.5)
        case = Case(loss, "sum", "float32", np.ones((2, 3), int), probabilities, mask=MASK)
        assert not refuses(case, "valid-where")
        assert refuses(case.with_(mask=MASK.astype(np.int32)), "valid-where")

    def test_2_11_multiplies_masks_and_weights_uncast(self) -> None:
        case = case_of(LOSSES, mask=MASK, sample_weight=np.ones((2, 3), int))
        assert refuses(case, "valid-twice", generation="keras-2.11.0")
        assert not refuses(case, "valid-twice", generation="keras-2.12.0")

    def test_labels_that_are_no_class(self) -> None:
        case = Case(
            LossSpec.of("sparse_cce"), "sum", "float32", np.array([2]), np.array([[0.5, 0.5]])
        )
        assert refuses(case, "valid-where")


def right(losses: Any, weight: Any) -> float:
    """The mean with weights (B,) per sample."""
    weight = np.asarray(weight)
    return float((losses * weight.reshape((-1,) + (1,) * (losses.ndim - 1))).mean())


class TestRankAlignment:
    """What weights and masks of another rank than the losses mean, generation by generation."""

    def test_weights_per_sample_of_sequences(self) -> None:
        rng = np.random.default_rng(0)
        losses, square = rng.random((3, 4)), rng.random((4, 4))
        per_sample = np.array([1.0, 0.0, 3.0])
        case = case_of(losses, sample_weight=per_sample)
        for family in ("all-elements", "valid-twice"):
            assert float(loss_of(case, family)) == pytest.approx(right(losses, per_sample))
        for family in KERAS_3:
            assert refuses(case, family)
            four = np.array([1.0, 0.0, 0.0, 0.0])
            silent = loss_of(case_of(square, sample_weight=four), family)
            assert float(silent) == pytest.approx((square * four).mean())

    def test_weights_per_sample_of_images(self) -> None:
        rng = np.random.default_rng(1)
        losses, weight = rng.random((2, 3, 4)), np.array([1.0, 2.0])
        case = case_of(losses, sample_weight=weight)
        kept = loss_of(case, "all-elements", generation="keras-2.3.0")
        assert float(kept) == pytest.approx(right(losses, weight))
        for family, generation in (("all-elements", "keras-2.9.0"), ("valid-twice", "")):
            assert refuses(case, family, generation=generation)
            wide = case_of(rng.random((2, 3, 2)), sample_weight=weight)
            assert not refuses(wide, family, generation=generation)

    def test_masks_of_a_lower_rank(self) -> None:
        rng = np.random.default_rng(2)
        losses, mask = rng.random((2, 3, 4)), rng.random((2, 3)) < 0.5
        case = case_of(losses, mask=mask)
        wanted = (losses * mask[..., None]).sum() / 24 * 6 / mask.sum()
        assert float(loss_of(case, "valid-twice")) == pytest.approx(wanted)
        for family in KERAS_3:
            assert refuses(case, family)
            column = case.with_(mask=mask[..., None])
            assert float(loss_of(column, family)) == pytest.approx(wanted)

    def test_masks_of_a_higher_rank(self) -> None:
        rng = np.random.default_rng(3)
        mask = np.ones((4, 4), bool)
        for family in ("valid-twice", *KERAS_3):
            assert refuses(case_of(rng.random(3), mask=np.ones((3, 4), bool)), family)
        assert refuses(case_of(rng.random(4), mask=mask), "valid-twice")
        for family in ("objective", *KERAS_3):
            assert not refuses(case_of(rng.random(4), mask=mask), family)

    def test_labels_without_the_last_axis(self) -> None:
        rng = np.random.default_rng(4)
        y, p = rng.random((4, 4)), rng.random((4, 4, 1))
        case = Case(LossSpec.of("mse"), "none", "float64", y, p)
        for family in ("valid-twice", "valid-where"):
            value = loss_of(case, family)
            np.testing.assert_allclose(value, ((y - p[..., 0]) ** 2).mean(-1))

    @pytest.mark.parametrize("family", ["all-elements", "valid-twice", *KERAS_3])
    def test_columns_of_weights(self, family: str) -> None:
        rng = np.random.default_rng(5)
        losses, column = rng.random((3, 4)), rng.random((3, 1))
        value = loss_of(case_of(losses, sample_weight=column), family)
        assert float(value) == pytest.approx((losses * column).mean())
        flat = loss_of(case_of(losses[:, 0], sample_weight=column), family)
        assert float(flat) == pytest.approx((losses[:, 0] * column[:, 0]).mean())

    def test_the_first_keras_3_squeezes_where_later_ones_expand(self) -> None:
        case = case_of([1.0, 2.0], sample_weight=np.array([[1.0], [3.0]]), reduction="none")
        early = loss_of(case, "valid-epsilon", generation="keras-3.0.0")
        late = loss_of(case, "valid-epsilon", generation="keras-3.0.5")
        assert (early.shape, late.shape) == ((2,), (2, 1))
