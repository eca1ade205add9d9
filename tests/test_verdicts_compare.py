"""Comparison: every number has its allowed error, every NaN and infinity its place."""

from __future__ import annotations

import numpy as np
import pytest

from maskgate.oracle import Ball, Expected, Refused
from maskgate.subjects.protocol import Crash, Refusal, Value
from maskgate.verdicts.compare import SubjectCrashed, judge, judge_array, larger

NAN, INF = float("nan"), float("inf")


def ball(value: object, radius: object = 0.0) -> Ball:
    values = np.asarray(value, np.float64)
    return Ball(values, np.broadcast_to(np.asarray(radius, np.float64), values.shape))


def answer(value: object, gradient: object = None) -> Value:
    slope = None if gradient is None else np.asarray(gradient, np.float32)
    return Value(np.asarray(value, np.float32), slope, "float32")


@pytest.mark.parametrize(
    ("observed", "expected", "radius", "holds"),
    [
        (1.0, 1.0, 0.0, True),
        (1.5, 1.0, 0.5, True),
        (1.5 + 2**-20, 1.0, 0.5, False),
        (0.5, 1.0, 0.5, True),
        (-0.0, 0.0, 0.0, True),
        (NAN, NAN, 0.0, True),
        (NAN, 1.0, 1e300, False),
        (1.0, NAN, 0.0, False),
        (0.0, NAN, 1e300, False),
        (INF, INF, 0.0, True),
        (-INF, -INF, 0.0, True),
        (INF, -INF, 0.0, False),
        (INF, 1e308, 1e308, False),
        (3.4e38, INF, 0.0, False),
        (NAN, INF, 0.0, False),
        (INF, NAN, 0.0, False),
    ],
)
def test_a_number_nan_or_infinity_is_right_in_its_own_place_alone(
    observed: float, expected: float, radius: float, holds: bool
) -> None:
    said = judge_array("value", np.asarray(observed), ball(expected, radius))
    assert said.holds is holds


@pytest.mark.parametrize("observed", [0.0, 1e30, -1e30, NAN, INF, -INF])
def test_an_infinite_radius_accepts_anything_there_and_nothing_beside_it(observed: float) -> None:
    allowed = Ball(np.array([1.0, 2.0]), np.array([INF, 0.0]))
    assert judge_array("value", np.array([observed, 2.0]), allowed).holds
    mismatch = judge_array("value", np.array([observed, 2.5]), allowed).mismatch
    assert mismatch is not None
    assert (mismatch.index, mismatch.count) == ((1,), 1)


@pytest.mark.parametrize("shape", [(), (1,), (2, 1), (1, 2), (3,)])
def test_another_shape_is_wrong_though_it_would_broadcast(shape: tuple[int, ...]) -> None:
    mismatch = judge_array("value", np.zeros(shape), ball(np.zeros(2))).mismatch
    assert mismatch is not None
    assert (mismatch.expected, mismatch.observed) == ("shape (2,)", f"shape {shape}")


def test_an_empty_array_of_the_right_shape_holds() -> None:
    assert judge_array("value", np.zeros((0, 2)), ball(np.zeros((0, 2)))).holds
    assert not judge_array("value", np.zeros((2, 0)), ball(np.zeros((0, 2)))).holds


def test_the_worst_place_is_named_and_all_are_counted() -> None:
    seen = np.array([[0.0, 1.0], [3.0, 0.2]])
    mismatch = judge_array("gradient", seen, ball(np.zeros((2, 2)), 0.5)).mismatch
    assert mismatch is not None
    assert (mismatch.index, mismatch.count, mismatch.size) == ((1, 0), 2, 4)
    assert (mismatch.expected, mismatch.observed, mismatch.bound) == (0.0, 3.0, 0.5)
    assert str(mismatch) == (
        "gradient[1, 0]: expected 0.0, observed 3.0, allowed error 0.5 (2 of 4 elements differ)"
    )


def test_a_misplaced_nan_is_worse_than_any_number() -> None:
    mismatch = judge_array("value", np.array([1e30, NAN, 0.0]), ball(np.zeros(3))).mismatch
    assert mismatch is not None
    assert mismatch.index == (1,)


def test_an_element_inside_a_wide_bound_is_never_named_the_worst() -> None:
    allowed = Ball(np.zeros(2), np.array([100.0, 0.5]))
    mismatch = judge_array("value", np.array([99.0, 1.0]), allowed).mismatch
    assert mismatch is not None
    assert mismatch.index == (1,)


def test_the_share_of_the_bound_that_was_used_is_the_largest() -> None:
    allowed = Ball(np.array([1.0, 1.0, 1.0, INF]), np.array([1.0, 0.5, 0.0, 0.0]))
    said = judge_array("value", np.array([1.25, 0.625, 1.0, INF]), allowed)
    assert said.used == 0.75
    assert judge_array("value", np.array([1.0]), ball([1.0])).used is None


def test_the_larger_of_two_fractions_may_lack_either() -> None:
    assert [larger(*pair) for pair in ((None, None), (None, 0.0), (0.5, None), (0.5, 0.7))] == [
        None,
        0.0,
        0.5,
        0.7,
    ]


def test_the_gradient_counts_where_both_have_one() -> None:
    wanted = Expected(ball(1.0, 0.5), ball([1.0, 1.0], 0.5))
    said = judge(answer(1.25, [1.0, 1.375]), wanted)
    assert (said.holds, said.used) == (True, 0.75)
    mismatch = judge(answer(1.0, [1.0, 2.0]), wanted).mismatch
    assert mismatch is not None
    assert (mismatch.part, mismatch.index) == ("gradient", (1,))
    assert judge(answer(1.0), wanted).holds
    assert judge(answer(1.0, [9.0, 9.0]), Expected(ball(1.0), None)).holds


def test_a_wrong_value_is_named_before_a_wrong_gradient() -> None:
    mismatch = judge(answer(2.0, [2.0]), Expected(ball(1.0), ball([1.0]))).mismatch
    assert mismatch is not None
    assert mismatch.part == "value"


def test_where_the_formula_refuses_only_an_exception_is_right() -> None:
    refused = Refused("ranks do not fit")
    assert judge(Refusal("ValueError", "no"), refused).holds
    mismatch = judge(answer(1.0), refused).mismatch
    assert mismatch is not None
    assert mismatch.part == "answer"
    assert str(mismatch) == "expected refused (ranks do not fit), observed the value 1"


def test_an_exception_is_wrong_where_the_formula_has_a_value() -> None:
    mismatch = judge(Refusal("ValueError", "x" * 999), Expected(ball([1.0, 2.0]), None)).mismatch
    assert mismatch is not None
    assert (mismatch.part, mismatch.expected) == ("answer", "the value of shape (2,)")
    assert str(mismatch.observed).startswith("ValueError: xxx")
    assert len(str(mismatch.observed)) == 300


@pytest.mark.parametrize("wanted", [Refused("no"), Expected(ball(NAN), None)])
def test_a_crash_is_no_answer_whatever_was_expected(wanted: Expected | Refused) -> None:
    with pytest.raises(SubjectCrashed, match="it hung"):
        judge(Crash("it hung"), wanted)
