"""Relations: what a property says of the answers to its cases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fake_subject import WHERE, case, right

from maskgate.case import Case
from maskgate.oracle import Ball, Expected, Refused, expect
from maskgate.subjects.protocol import Answer, Crash, Question, Refusal, Value
from maskgate.verdicts.compare import Mismatch, SubjectCrashed
from maskgate.verdicts.relations import Close, Conforms, Gives, Identical, Relation

NAN = float("nan")
NO = Refusal("ValueError", "no")


def answer(value: Any, gradient: Any = None) -> Value:
    slope = None if gradient is None else np.asarray(gradient, np.float32)
    return Value(np.asarray(value, np.float32), slope, "float32")


def expected(value: float, radius: float = 0.0) -> Expected:
    return Expected(Ball(np.asarray(value), np.asarray(radius)), None)


def wrong(relation: Relation, *answers: Answer) -> Mismatch:
    mismatch = relation.judge(answers).mismatch
    assert mismatch is not None
    return mismatch


def close(one: Case, other: Case, **law: Any) -> Close:
    return Close(one, other, (expect(one, WHERE), expect(other, WHERE)), **law)


def test_any_of_several_expectations_will_do() -> None:
    either = Conforms(case(), (expected(1.0), expected(2.0)))
    assert either.judge([answer(1.0)]).holds
    assert either.judge([answer(2.0)]).holds
    assert wrong(either, answer(1.5)).expected == 1.0
    assert either.recipe(wrong(either, answer(1.5))) == {"relation": "equals-expected"}


def test_a_refusal_conforms_where_one_expectation_is_a_refusal() -> None:
    assert Conforms(case(), (expected(1.0), Refused("no"))).judge([NO]).holds
    assert not Conforms(case(), (expected(1.0),)).judge([NO]).holds


def test_identical_is_bit_for_bit_nan_in_the_same_places_zeros_of_either_sign() -> None:
    relation = Identical((case(), case()))
    same = answer(NAN, [0.0, NAN])
    assert relation.judge([same, answer(NAN, [-0.0, NAN])]).holds
    above = np.nextafter(np.float32(1), np.float32(2))
    assert wrong(relation, answer(1.0), answer(above)).part == "value"
    assert wrong(relation, answer(1.0), answer(NAN)).part == "value"
    assert wrong(relation, answer(1.0, [1.0, 0.0]), answer(1.0, [1.0, 1e-30])).index == (1,)
    assert relation.recipe(wrong(relation, answer(1), answer(2)))["tolerance"] == 0.0


def test_identical_compares_every_answer_with_the_first() -> None:
    relation = Identical((case(), case(), case()))
    assert relation.judge([answer(1), answer(1), answer(1)]).holds
    assert wrong(relation, answer(1), answer(1), answer(2)).observed == 2.0
    assert wrong(relation, answer(1), answer(2), answer(1)).observed == 2.0


def test_two_refusals_are_alike_and_a_refusal_beside_a_value_is_not() -> None:
    relation = Identical((case(), case()))
    assert relation.judge([NO, Refusal("TypeError", "other words")]).holds
    assert wrong(relation, NO, answer(1)).part == "answer"
    assert wrong(relation, answer(1), NO).observed == "ValueError: no"


@pytest.mark.parametrize("answers", [(Crash("x"), answer(1)), (answer(1), Crash("x"))])
def test_a_crash_of_either_answer_is_not_judged(answers: tuple[Answer, Answer]) -> None:
    with pytest.raises(SubjectCrashed):
        Identical((case(), case())).judge(answers)
    with pytest.raises(SubjectCrashed):
        close(case(), case()).judge(answers)
    with pytest.raises(SubjectCrashed):
        Gives(case(), finite=True).judge([Crash("x")])


def test_close_allows_the_sum_of_both_bounds_the_first_times_the_factor() -> None:
    bounds = (expected(0.0, 0.25), expected(0.0, 0.5))
    relation = Close(case(), case(), bounds, factor=-2.0, slack=0.125)
    allowed = 2 * 0.25 + 0.5 + 0.125
    assert relation.judge([answer(1.0), answer(-2.0 + allowed)]).used == 1.0
    assert wrong(relation, answer(1.0), answer(-2.0 + allowed + 2**-10)).bound == allowed
    assert wrong(relation, answer(1.0), answer(2.0)).expected == -2.0


def test_close_has_no_slack_of_its_own_where_the_oracle_has_no_bound_to_give() -> None:
    nothing = (Refused("no"), Refused("no"))
    relation = Close(case(), case(), nothing)
    assert relation.judge([answer(1.0), answer(1.0)]).holds
    assert not relation.judge([answer(1.0), answer(1.0 + 2**-20)]).holds


def test_close_does_not_take_the_radius_of_a_nan_for_leave_to_answer_anything() -> None:
    nan = Expected(Ball(np.asarray(NAN), np.asarray(NAN)), None)
    relation = Close(case(), case(), (nan, nan))
    assert relation.judge([answer(NAN), answer(NAN)]).holds
    assert not relation.judge([answer(NAN), answer(1.0)]).holds
    assert not relation.judge([answer(1.0), answer(2.0)]).holds


def test_close_takes_infinity_for_what_the_format_does_not_hold() -> None:
    half = case().with_(dtype="float16")
    bounds = (expected(0.0, 1.0), expected(0.0, 1.0))
    relation = Close(half, half, bounds, factor=-2.0)
    assert relation.judge([answer(40_000.0), answer(-np.inf)]).holds
    assert not relation.judge([answer(40_000.0), answer(np.inf)]).holds
    assert not relation.judge([answer(30_000.0), answer(-np.inf)]).holds
    assert not relation.judge([answer(40_000.0), answer(-60_000.0)]).holds


def test_close_compares_the_places_that_both_cases_have() -> None:
    one = case(losses=((1, 4, 9), (16, 25, 36)), mask=((1, 1, 1), (1, 1, 1)), reduction="none")
    order = [1, 0]
    other = one.with_(y_true=one.y_true[order], y_pred=one.y_pred[order], mask=one.mask[order])
    relation = close(one, other, of_case=lambda array: array[order])
    answers = [right(Question(each, gradient=True)) for each in (one, other)]
    assert relation.judge(answers).holds
    assert not close(one, other).judge(answers).holds


def test_the_recipe_of_close_says_where_the_worst_element_lies_in_either_case() -> None:
    one = case(losses=((1, 4, 9), (16, 25, 36)), mask=None, reduction="none")
    other = case(losses=((16, 25, 36), (1, 4, 9)), mask=None, reduction="none")
    relation = close(
        one, other, of_case=lambda array: array[[1, 0]], of_altered=lambda array: array
    )
    good = right(Question(other))
    assert isinstance(good, Value)
    bent = good.value.copy()
    bent[0, 2] += 1
    mismatch = wrong(relation, right(Question(one)), Value(bent, None, "float32"))
    recipe = relation.recipe(mismatch)
    assert (recipe["relation"], recipe["factor"]) == ("close", 1.0)
    assert (recipe["index_of_case"], recipe["index_of_altered"]) == ([1, 2], [0, 2])
    assert recipe["tolerance"] == mismatch.bound > 0


@pytest.mark.parametrize(("relative", "holds"), [(0.0, False), (1e-6, True), (1e-8, False)])
def test_an_error_relative_to_the_first_answer_comes_on_top(relative: float, holds: bool) -> None:
    relation = close(case(), case(), relative=relative)
    assert relation.judge([answer(1e6), answer(1e6 + 0.5)]).holds == holds


def test_a_clear_error_is_as_good_only_where_the_relation_says_so_and_only_for_the_first() -> None:
    assert close(case(), case(), or_refused=True).judge([NO, answer(1)]).holds
    assert not close(case(), case()).judge([NO, answer(1)]).holds
    assert not close(case(), case(), or_refused=True).judge([answer(1), NO]).holds
    assert Gives(case(), finite=True, or_refused=True).judge([NO]).holds
    assert not Gives(case(), finite=True).judge([NO]).holds


def test_gives_asks_for_a_value_and_for_a_gradient() -> None:
    zero = Gives(case(), value=np.zeros_like, wanted_gradient=np.zeros_like, radius=0.5)
    assert zero.gradient
    assert zero.judge([answer(0.5, [0.0, -0.25])]).used == 1.0
    assert wrong(zero, answer(1.0, [0.0])).part == "value"
    assert wrong(zero, answer(0.0, [0.0, 1.0])).index == (1,)
    assert not Gives(case(), value=np.zeros_like).gradient


@pytest.mark.parametrize(
    ("observed", "holds"), [(1e30, True), (NAN, False), (float("-inf"), False)]
)
def test_finite_takes_any_number_and_no_nan_or_infinity(observed: float, holds: bool) -> None:
    relation = Gives(case(), finite=True)
    said = relation.judge([answer(observed)])
    assert said.holds is holds
    if said.mismatch is not None:
        assert relation.recipe(said.mismatch)["relation"] == "finite"


def test_the_recipe_of_a_wrong_gradient_is_not_about_finiteness() -> None:
    relation = Gives(case(), finite=True, wanted_gradient=np.zeros_like)
    mismatch = wrong(relation, answer(0.0, [1.0]))
    assert relation.recipe(mismatch)["relation"] == "equals-expected"
