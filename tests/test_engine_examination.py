"""One property put to one subject: what passes, what is known, what is raised, what is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fake_subject import (
    DESCRIPTION,
    WHERE,
    Bend,
    case,
    elements,
    examination,
    loaded,
    plus,
    right,
    run_property,
)
from hypothesis.errors import UnsatisfiedAssumption

from maskgate.case import Case
from maskgate.engines.examination import Examination
from maskgate.engines.forced_failure import prove_it_can_fail
from maskgate.engines.inquiry import CRASHES_ENOUGH, Deviation
from maskgate.engines.outcome import Outcome, conclude, replay_known, try_other_modes
from maskgate.oracle import Semantics
from maskgate.strategies import MASKED, Pair, pairs
from maskgate.strategies.alterations import repadded
from maskgate.subjects.protocol import Answer, Crash, Question, Refusal, SubjectError, Value
from maskgate.verdicts.compare import Judgement
from maskgate.verdicts.deviations import KnownDeviation
from maskgate.verdicts.evidence import finding_id
from maskgate.verdicts.model import Identity
from maskgate.verdicts.relations import Gives

NAN = float("nan")


def masked(each: Case) -> bool:
    return each.mask is not None


def weighted(each: Case) -> bool:
    return each.sample_weight is not None


def listed(stage: str, **changes: Any) -> KnownDeviation:
    fields: dict[str, Any] = {
        "id": f"listed-{stage}",
        "property": "loss-value",
        "families": ("valid-where",),
        "stage": stage,
        "shape_class": "plain",
        "sentence": "it is off",
        "link": "https://github.com/keras-team/keras/issues/18829",
        "case": case(),
        "altered": None,
    }
    return KnownDeviation(**{**fields, **changes})


def raised(examined: Examination, pair: Pair, **options: Any) -> Deviation:
    with pytest.raises(Deviation) as caught:
        examined.conforms(pair, **options)
    return caught.value


def concluded(
    examined: Examination, problem: BaseException | None = None, replayed: Any = ()
) -> Outcome:
    return conclude(
        examined, kind="law", replayed=[*replayed], problem=problem, seconds=lambda: 0.0
    )


def conform(examined: Examination) -> Any:
    def run(pair: Pair) -> None:
        examined.conforms(pair)

    return run


# -- what is listed, and what is not


def test_a_right_answer_passes_and_its_share_of_the_bound_is_kept() -> None:
    examined = examination()
    examined.conforms(Pair(case(losses=((1.1, 0.3, 7.0),))), gradient=True)
    assert examined.tally.examples == 1
    assert examined.tally.worst is not None
    assert 0 < examined.tally.worst <= 1
    assert concluded(examined).result.verdict == "holds"


def test_a_listed_deviation_is_counted_and_not_raised() -> None:
    examined = examination(plus(NAN, when=masked), known=[listed("mask")])
    examined.conforms(Pair(case()))
    assert examined.tally.known == {"listed-mask": 1}
    assert examined.tally.deviating == {"eager": 1}
    assert concluded(examined).result.modes == {"eager": "known"}


@pytest.mark.parametrize(
    ("entry", "identity"),
    [
        (listed("weight"), ("mask", "plain")),
        (listed("mask", shape_class="mask-rank-lower"), ("mask", "plain")),
        (listed("mask", families=("valid-no-nan",)), ("mask", "plain")),
        (listed("mask", property="loss-gradient"), ("mask", "plain")),
    ],
)
def test_a_deviation_of_another_identity_is_raised(
    entry: KnownDeviation, identity: tuple[str, str]
) -> None:
    examined = examination(plus(NAN, when=masked), known=[entry])
    finding = raised(examined, Pair(case())).finding
    assert (finding.identity["stage"], finding.identity["shape_class"]) == identity
    assert finding.verdict == "new"
    assert not examined.tally.known


def test_a_law_that_the_formula_itself_breaks_has_the_stage_formula() -> None:
    """All masked is NaN in Keras 2.15 by its formula: no fault of the subject."""
    semantics = Semantics("valid-twice")
    empty = case(mask=((0, 0, 0),))
    law = Gives(empty, value=np.zeros_like)
    entry = listed("formula", property="empty-mask", families=("valid-twice",))
    for known in ([], [entry]):
        examined = examination(name="empty-mask", semantics=semantics, known=known)
        if known:
            examined.holds(Pair(empty), lambda _mode: law)
            assert examined.tally.known["listed-formula"] == 1
        else:
            with pytest.raises(Deviation) as caught:
                examined.holds(Pair(empty), lambda _mode: law)
            assert caught.value.finding.stage == "formula"


def test_a_listed_formula_does_not_excuse_a_subject_that_leaves_it() -> None:
    semantics = Semantics("valid-twice")
    entry = listed("formula", property="empty-mask", families=("valid-twice",))

    def one(question: Question, answer: Answer) -> Answer:
        wrong = Value(np.ones((), np.float32), None, "float32")
        return wrong if masked(question.case) else answer

    examined = examination(one, name="empty-mask", semantics=semantics, known=[entry])
    empty = case(mask=((0, 0, 0),))
    with pytest.raises(Deviation) as caught:
        examined.holds(Pair(empty), lambda _mode: Gives(empty, value=np.zeros_like))
    assert caught.value.finding.stage == "mask"


# -- replay


def test_a_listed_case_that_still_deviates_is_known_and_counts_for_no_example() -> None:
    entry = listed("mask")
    examined = examination(plus(NAN, when=masked), known=[entry])
    (finding,) = replay_known(examined, conform(examined))
    assert (finding.id, finding.verdict) == (entry.id, "known")
    assert (finding.title, finding.link) == (entry.sentence, entry.link)
    assert finding.observed == "nan"
    assert examined.tally.examples == 0


def test_a_listed_case_that_is_right_now_is_fixed() -> None:
    examined = examination(known=[listed("mask")])
    replayed = replay_known(examined, conform(examined))
    examined.conforms(Pair(case()))
    outcome = concluded(examined, replayed=replayed)
    assert [each.verdict for each in outcome.findings] == ["fixed"]
    assert (outcome.result.verdict, outcome.unexpected) == ("fixed", True)


def test_a_listed_case_that_fails_in_another_way_is_fixed_and_something_new() -> None:
    examined = examination(plus(NAN), known=[listed("mask")])
    replayed = replay_known(examined, conform(examined))
    assert [(each.verdict, each.stage) for each in replayed] == [
        ("fixed", "mask"),
        ("new", "elementwise"),
    ]


def test_a_listed_case_that_fails_in_another_listed_way_is_fixed_alone() -> None:
    examined = examination(plus(NAN), known=[listed("mask"), listed("elementwise")])
    replayed = replay_known(examined, conform(examined))
    assert [(each.verdict, each.stage) for each in replayed] == [
        ("fixed", "mask"),
        ("known", "elementwise"),
    ]


def test_a_listed_case_is_replayed_in_the_modes_of_its_entry() -> None:
    entry = listed("mode", modes=("xla",))
    examined = examination(plus(NAN, mode="xla"), known=[entry])
    replay_known(examined, conform(examined))
    assert set(examined.tally.asked) == {"eager", "xla"}  # alone it would be no fault of a mode


@pytest.mark.parametrize("mode", ["graph", "xla"])
def test_a_deviation_of_one_compiled_mode_that_was_accepted_is_known_from_then_on(
    mode: Any,
) -> None:
    """What `--accept` writes must be what the next run replays."""
    bend = plus(NAN, mode=mode)
    seen = raised(examination(bend), Pair(case(), compiled=True)).finding
    entry = listed(
        seen.stage, shape_class=seen.identity["shape_class"], case=loaded(seen)[0], modes=(mode,)
    )
    examined = examination(bend, known=[entry])
    assert [each.verdict for each in replay_known(examined, conform(examined))] == ["known"]


def test_a_subject_that_dies_of_a_listed_case_has_not_fixed_it() -> None:
    examined = examination(dies(masked), known=[listed("mask")])
    replayed = replay_known(examined, conform(examined))
    outcome = concluded(examined, replayed=replayed)
    assert [each.verdict for each in outcome.findings] == ["error"]


def test_after_too_many_crashes_no_listed_case_is_called_fixed() -> None:
    entries = [listed("mask", id=f"entry-{number}") for number in range(CRASHES_ENOUGH + 2)]
    examined = examination(dies(masked), known=entries)
    assert replay_known(examined, conform(examined)) == []


def test_a_listed_case_that_a_property_no_longer_takes_is_fixed() -> None:
    """A case edited by hand may be one that the property assumes away."""

    def assumes(_pair: Pair) -> None:
        raise UnsatisfiedAssumption

    examined = examination(known=[listed("mask")])
    assert [each.verdict for each in replay_known(examined, assumes)] == ["fixed"]


# -- refusals


def lost_weights() -> Case:
    return case(weight=np.ones((4, 7)))


def test_a_refusal_that_the_family_predicts_is_no_deviation() -> None:
    examined = examination(name="zero-weights")
    examined.holds(Pair(lost_weights()), lambda _mode: Gives(lost_weights(), finite=True))
    assert examined.tally.refused == 1
    assert concluded(examined).result.verdict == "holds"


def test_a_refusal_that_the_family_does_not_predict_is_a_deviation() -> None:
    def refuse(_question: Question, _answer: Answer) -> Answer:
        return Refusal("TypeError", "no")

    finding = raised(examination(refuse), Pair(case())).finding
    assert (finding.observed, finding.stage) == ("TypeError: no", "elementwise")


def test_an_answer_where_the_family_refuses_is_a_deviation() -> None:
    def answers(_question: Question, answer: Answer) -> Answer:
        given = isinstance(answer, Refusal)
        return Value(np.zeros((), np.float32), None, "float32") if given else answer

    finding = raised(examination(answers), Pair(lost_weights())).finding
    assert str(finding.expected).startswith("refused (")


# -- crashes


def dies(when: Any) -> Bend:
    def bend(question: Question, answer: Answer) -> Answer:
        return Crash("it ended with signal SIGSEGV") if when(question.case) else answer

    return bend


def test_a_crash_is_an_error_that_keeps_the_case_and_the_run_goes_on() -> None:
    deadly = case(losses=((2.0, 3.0, 4.0),))
    examined = examination(dies(lambda each: each.identical(deadly)))
    for each in (deadly, case(), case(mask=None)):
        examined.conforms(Pair(each))
    outcome = concluded(examined)
    (finding,) = outcome.findings
    assert loaded(finding)[0].identical(deadly)
    assert (finding.verdict, finding.stage) == ("error", "crash")
    assert finding.observed == "it ended with signal SIGSEGV"
    assert (outcome.result.verdict, outcome.result.examples) == ("error", 3)


def test_a_crash_and_a_deviation_are_both_told() -> None:
    examined = examination(
        lambda question, answer: (
            dies(weighted)(question, answer)
            if weighted(question.case)
            else plus(NAN, when=masked)(question, answer)
        )
    )
    examined.conforms(Pair(case(weight=1.0)))
    outcome = concluded(examined, raised(examined, Pair(case())))
    assert sorted(each.verdict for each in outcome.findings) == ["error", "new"]
    assert outcome.result.verdict == "error"


def test_after_some_crashes_a_property_asks_no_more() -> None:
    examined = examination(dies(lambda _case: True))
    for _ in range(CRASHES_ENOUGH + 5):
        examined.conforms(Pair(case()))
    assert examined.tally.examples == CRASHES_ENOUGH
    assert sum(examined.tally.asked.values()) == CRASHES_ENOUGH


def test_a_crash_under_hypothesis_stops_neither_the_run_nor_other_examples() -> None:
    seen: list[Case] = []

    def once(question: Question, answer: Answer) -> Answer:
        seen.append(question.case)
        return Crash("once") if len(seen) == 5 else answer

    examined = examination(once)
    problem = run_property(conform(examined), pairs(compiled=False), examples=20)
    assert problem is None
    assert examined.tally.examples >= 20
    assert concluded(examined).result.verdict == "error"


def test_a_crash_while_blaming_leaves_the_failure_with_a_stage_of_its_own() -> None:
    def bend(question: Question, answer: Answer) -> Answer:
        bare = not masked(question.case)
        return Crash("while blaming") if bare else plus(NAN)(question, answer)

    assert raised(examination(bend), Pair(case())).finding.stage == "crash"


# -- modes


@pytest.mark.parametrize("mode", ["graph", "xla"])
def test_what_fails_in_a_later_mode_alone_is_the_fault_of_the_mode(mode: Any) -> None:
    examined = examination(plus(NAN, mode=mode))
    finding = raised(examined, Pair(case(), compiled=True)).finding
    assert (finding.mode, finding.stage) == (mode, "mode")
    outcome = concluded(examined, raised(examined, Pair(case(), compiled=True)))
    assert outcome.result.modes["eager"] == "holds"
    assert outcome.result.modes[mode] == "new"


def test_what_fails_in_the_first_mode_is_not_the_fault_of_a_mode() -> None:
    finding = raised(examination(plus(NAN)), Pair(case(), compiled=True)).finding
    assert (finding.mode, finding.stage) == ("eager", "elementwise")


def test_a_listed_deviation_of_the_first_mode_is_looked_for_in_the_others_too() -> None:
    examined = examination(plus(NAN, when=masked), known=[listed("mask")])
    examined.conforms(Pair(case(), compiled=True))
    assert examined.tally.deviating == {"eager": 1, "graph": 1, "xla": 1}


def test_what_the_first_mode_shows_is_asked_in_the_others_before_they_are_said_to_hold() -> None:
    everywhere, eager_alone = plus(NAN), plus(NAN, mode="eager")
    said = {}
    for name, bend in (("everywhere", everywhere), ("eager alone", eager_alone)):
        examined = examination(bend)
        deviation = raised(examined, Pair(case(), compiled=True))
        try_other_modes(examined, deviation, conform(examined))
        said[name] = concluded(examined, deviation).result
    assert said["everywhere"].modes == dict.fromkeys(("eager", "graph", "xla"), "new")
    assert said["eager alone"].modes == {"eager": "new", "graph": "holds", "xla": "holds"}
    assert said["everywhere"].examples == 1


def test_what_a_later_mode_alone_shows_is_not_asked_again() -> None:
    examined = examination(plus(NAN, mode="graph"))
    deviation = raised(examined, Pair(case(), compiled=True))
    try_other_modes(examined, deviation, conform(examined))
    assert concluded(examined, deviation).result.modes == {"eager": "holds", "graph": "new"}


def test_modes_that_part_ways_are_told_apart_by_the_property_about_modes() -> None:
    examined = examination(plus(1.0, mode="xla"), name="eager-graph-xla")
    with pytest.raises(Deviation) as caught:
        examined.modes_agree(Pair(case(), compiled=True))
    assert (caught.value.finding.mode, caught.value.finding.stage) == ("xla", "mode")
    examination(plus(1.0), name="eager-graph-xla").modes_agree(Pair(case(), compiled=True))


def test_a_pair_that_is_not_compiled_is_asked_in_the_first_mode_alone() -> None:
    examined = examination(plus(NAN, mode="graph"))
    examined.conforms(Pair(case()))
    assert dict(examined.tally.asked) == {"eager": 1}
    only = examination(modes=("graph",))
    only.conforms(Pair(case(), compiled=True))
    assert dict(only.tally.asked) == {"graph": 1}


# -- repetition


def test_an_answer_that_depends_on_the_last_question_does_not_repeat() -> None:
    count = iter(range(100))

    def counting(question: Question, answer: Answer) -> Answer:
        return plus(float(next(count)))(question, answer)

    examined = examination(counting, name="repeatable")
    with pytest.raises(Deviation) as caught:
        examined.repeats(Pair(case(), case(mask=None)))
    assert caught.value.finding.reproducer["relation"] == "repeats"
    examination(name="repeatable").repeats(Pair(case(), case(mask=None)))


# -- the forced failure


@pytest.mark.parametrize("family", ["objective", "valid-twice", "valid-epsilon", "valid-where"])
def test_a_wrong_answer_is_noticed_in_every_family(family: str) -> None:
    prove_it_can_fail(examination(name="forced-failure", semantics=Semantics(family)))


@pytest.mark.parametrize("path", ["relations", "compare"])
def test_a_machinery_that_lets_everything_pass_is_not_trusted(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "judge" if path == "relations" else "judge_array"
    monkeypatch.setattr(f"maskgate.verdicts.{path}.{name}", lambda *_given: Judgement(None))
    with pytest.raises(SubjectError, match="no verdict of this run can be trusted"):
        prove_it_can_fail(examination(name="forced-failure"))


def test_a_machinery_that_takes_everything_for_known_is_not_trusted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(KnownDeviation, "matches", lambda _entry, _identity: True)
    examined = examination(name="forced-failure", known=[listed("mask")])
    with pytest.raises(SubjectError, match="a wrong answer was let through"):
        prove_it_can_fail(examined)


def test_a_subject_that_dies_of_the_forced_case_is_told_from_a_blind_machinery() -> None:
    with pytest.raises(SubjectError, match="fake: it was lost over a plain case: it ended with"):
        prove_it_can_fail(examination(dies(masked), name="forced-failure"))


# -- under Hypothesis


def test_two_causes_are_two_findings_of_one_run() -> None:
    def bend(question: Question, answer: Answer) -> Answer:
        either = masked(question.case) != weighted(question.case)
        return plus(NAN, when=lambda _case: either)(question, answer)

    strategy = pairs(
        compiled=False,
        losses=["mse"],
        mask_ranks=("equal",),
        weight_kinds=("none", "(B,T)"),
        reductions=["sum"],
    )
    examined = examination(bend)
    problem = run_property(conform(examined), strategy)
    outcome = concluded(examined, problem)
    shown = {each.stage: loaded(each)[0] for each in outcome.findings}
    assert set(shown) == {"mask", "weight"}
    assert shown["mask"].sample_weight is None
    assert shown["weight"].mask is None


def test_one_cause_is_one_finding_however_often_it_shows() -> None:
    strategy = pairs(compiled=False, losses=["mse"], mask_ranks=("equal",), weight_kinds=("none",))
    examined = examination(plus(NAN, when=lambda each: each.reduction == "sum"))
    outcome = concluded(examined, run_property(conform(examined), strategy))
    assert [each.stage for each in outcome.findings] == ["reduction"]


def mask_lost(question: Question, _answer: Answer) -> Answer:
    return right(replace(question, case=question.case.with_(mask=None)))


def mask_leaks(question: Question, answer: Answer) -> Answer:
    """One part in eight of what the loss would be without its mask."""
    bare = mask_lost(question, answer)
    if question.case.mask is None or not isinstance(answer, Value):
        return answer
    if not isinstance(bare, Value) or bare.value.shape != answer.value.shape:
        return answer
    return replace(answer, value=question.case.format.round(answer.value + bare.value / 8))


def plain(each: Case) -> bool:
    """As small as such a case can be: two loss elements, and nothing but 0 and 1."""
    arrays = [each.y_true, each.y_pred, each.mask, each.sample_weight]
    values = set().union(*(elements(array) for array in arrays if array is not None))
    return np.prod(each.loss_shape) <= 2 and values <= {0.0, 1.0}


# Hypothesis stops after 500 shrinks of all findings together: few identities here.
FEW: dict[str, Any] = {"compiled": False, "mask_ranks": ("equal",), "weight_kinds": ("none",)}


@pytest.mark.parametrize("bend", [mask_lost, mask_leaks])
def test_a_mask_fault_shrinks_to_two_elements_of_plain_values(bend: Bend) -> None:
    examined = examination(bend)
    problem = run_property(conform(examined), pairs(**FEW))
    (shown,) = [each for each in concluded(examined, problem).findings if each.stage == "mask"]
    assert plain(loaded(shown)[0]), shown.case


def test_labels_that_matter_under_the_mask_shrink_to_two_elements() -> None:
    examined = examination(mask_lost, name="labels-under-mask")
    law = {"mask_kinds": MASKED, "max_rank": 3, "losses": ["mse", "mae"], **FEW}
    strategy = pairs(repadded("y_true", "finite"), **law)
    problem = run_property(lambda pair: examined.identical(pair), strategy)
    (shown,) = [each for each in concluded(examined, problem).findings if each.stage == "mask"]
    one, altered = loaded(shown)
    assert plain(one), one.to_dict()
    assert altered is not None
    assert np.flatnonzero(one.y_true != altered.y_true).size == 1


# -- the verdict of a property


def test_an_unexpected_finding_has_the_id_of_its_identity() -> None:
    deviation = raised(examination(plus(NAN, when=masked)), Pair(case()))
    identity = Identity("loss-value", "valid-where", "mask", "plain")
    assert deviation.finding.id == finding_id(identity)
    assert str(deviation) == deviation.finding.message


def test_deviations_inside_groups_are_all_findings() -> None:
    class Group(Exception):
        exceptions: tuple[BaseException, ...] = ()

    examined = examination(plus(NAN, when=masked))
    other = examination(plus(NAN, when=weighted))
    inner, outer = Group(), Group()
    inner.exceptions = (raised(examined, Pair(case())),)
    outer.exceptions = (inner, raised(other, Pair(case(mask=None, weight=1.0))))
    outcome = concluded(examined, outer)
    assert [each.stage for each in outcome.findings] == ["mask", "weight"]
    assert (outcome.result.verdict, outcome.result.reason) == ("new", None)


def test_a_property_that_tried_nothing_does_not_hold() -> None:
    outcome = concluded(examination())
    assert (outcome.result.verdict, outcome.result.reason) == ("error", "no example was tried")


@pytest.mark.parametrize(
    ("problem", "verdict", "reason"),
    [
        (pytest.skip.Exception("no such mode"), "skipped", "no such mode"),
        (
            SubjectError("venv:x", "it was lost", "ask less"),
            "error",
            "venv:x: it was lost; ask less",
        ),
        (ZeroDivisionError("ours"), "error", "ZeroDivisionError: ours"),
    ],
)
def test_what_a_property_raises_otherwise_is_its_reason(
    problem: BaseException, verdict: str, reason: str
) -> None:
    outcome = concluded(examination(), problem)
    assert (outcome.result.verdict, outcome.result.reason) == (verdict, reason)
    assert outcome.unexpected is (verdict == "error")


def test_the_summary_names_the_property_its_verdict_and_every_finding() -> None:
    examined = examination(plus(NAN, when=masked))
    outcome = concluded(examined, raised(examined, Pair(case())))
    said = outcome.summary()
    assert said.startswith("loss-value: new\nnew: loss-value: value nan where 2.5 is right")


def test_the_report_says_which_formula_a_release_was_checked_as() -> None:
    described = concluded(examination()).subject
    assert (described["family"], described["listed"]) == ("valid-where", True)
    unlisted = Examination(
        subject=examination()._subject,
        description=replace(DESCRIPTION, keras="3.99.0"),
        semantics=WHERE,
        property_name="loss-value",
    )
    newer = concluded(unlisted).subject
    assert (newer["listed"], newer["checked_as"]) == (False, "3.15.1")
