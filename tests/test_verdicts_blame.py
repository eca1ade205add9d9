"""Blame: the stage at which a subject first leaves its family's formula."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fake_subject import WHERE, Bend, FakeSubject, case, plus

from maskgate.case import Case
from maskgate.oracle import expect
from maskgate.subjects.protocol import Answer, Question, Refusal, Value
from maskgate.verdicts.blame import blame
from maskgate.verdicts.compare import Judgement, judge

WEIGHT = ((2.0, 0.5, 1.0),)


def judged(bend: Bend | None) -> Any:
    """Asks a bent subject and compares with the oracle, gradient included."""
    subject = FakeSubject(bend)

    def said(each: Case) -> Judgement:
        answer = subject.evaluate([Question(each, gradient=True)])[0]
        return judge(answer, expect(each, WHERE))

    return said


def masked(each: Case) -> bool:
    return each.mask is not None


def weighted(each: Case) -> bool:
    return each.sample_weight is not None


def only_gradient(_question: Question, answer: Answer) -> Answer:
    assert isinstance(answer, Value)
    assert answer.gradient is not None
    return replace(answer, gradient=answer.gradient + np.float32(1))


def refuses_masks(question: Question, answer: Answer) -> Answer:
    return Refusal("TypeError", "no masks") if masked(question.case) else answer


@pytest.mark.parametrize(
    ("stage", "bend"),
    [
        ("elementwise", plus(1.0)),
        ("reduction", plus(1.0, when=lambda each: each.reduction != "none")),
        ("mask", plus(1.0, when=masked)),
        ("mask", refuses_masks),
        ("weight", plus(1.0, when=weighted)),
        ("mask-with-weight", plus(1.0, when=lambda each: masked(each) and weighted(each))),
        ("gradient", only_gradient),
        ("none", None),
    ],
)
def test_each_stage_is_found(stage: str, bend: Bend | None) -> None:
    assert blame(case(weight=WEIGHT), judged(bend)) == stage


def test_the_earliest_of_several_stages_is_blamed() -> None:
    both = plus(1.0, when=lambda each: masked(each) or weighted(each))
    assert blame(case(weight=WEIGHT), judged(both)) == "mask"
    assert blame(case(mask=None, weight=WEIGHT), judged(both)) == "weight"


def test_a_case_without_mask_and_weight_is_blamed_on_what_is_left() -> None:
    bare = case(mask=None)
    assert blame(bare, judged(plus(1.0))) == "elementwise"
    assert blame(bare, judged(plus(1.0, when=lambda each: each.reduction != "none"))) == "reduction"


def test_the_elements_are_asked_again_as_they_are() -> None:
    """A fault of one element is one of the element losses, whatever stands around it."""
    big = plus(1.0, when=lambda each: bool((each.y_pred == 5.0).any()))
    assert blame(case(), judged(big)) == "elementwise"
