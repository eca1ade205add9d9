"""Corner cases are tried and reported; backends have their own formula; loss objects are kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake_subject import DESCRIPTION, FakeSubject, case, deviations, examination, plus

from maskgate.case import Case, LossSpec
from maskgate.engines.examination import Examination
from maskgate.engines.examining import examine
from maskgate.engines.inquiry import Deviation
from maskgate.engines.listing import listed
from maskgate.engines.outcome import CornersDeviate, try_corners
from maskgate.oracle import Expected, Refused, Semantics, expect
from maskgate.oracle.ledger import lookup, on_backend
from maskgate.strategies import (
    Pair,
    compiled_corners,
    corners_of,
    mask_corners,
    value_corners,
    weight_corners,
    with_corners,
)
from maskgate.subjects.worker.kept import KeptLosses
from maskgate.subjects.worker.words import Ask
from maskgate.verdicts.deviations import KnownDeviation
from maskgate.verdicts.shapes import shape_class

GROUPS = (weight_corners(), mask_corners(), value_corners(), compiled_corners())


@pytest.mark.parametrize("group", GROUPS)
def test_corners_are_different_cases_that_the_oracle_answers(group: tuple[Pair, ...]) -> None:
    texts = [str(pair.case.to_dict()) for pair in group]
    assert len(set(texts)) == len(texts) > 8
    answers = [expect(pair.case, Semantics("valid-where")) for pair in group]
    assert not [each for each in answers if isinstance(each, Refused)]


def test_a_property_keeps_its_corners_in_their_order() -> None:
    @with_corners(GROUPS[0][:2], GROUPS[1][:1])
    def test() -> None: ...

    assert list(corners_of(test)) == [*GROUPS[0][:2], GROUPS[1][0]]
    assert not corners_of(lambda: None)


def test_a_corner_that_deviates_is_reported_once_and_the_others_are_tried() -> None:
    asked = examination(plus(1.0, when=lambda each: each.mask is not None))
    tried = [pair for group in GROUPS[:2] for pair in group if pair.case.y_pred.size < 100]
    problem = try_corners(tried, asked.conforms, compiled=0)
    assert isinstance(problem, CornersDeviate)
    assert {type(each) for each in deviations(problem)} == {type(e) for e in problem.exceptions}
    assert len({str(each.finding.identity) for each in problem.exceptions}) == len(
        problem.exceptions
    )
    assert asked.tally.examples == len(tried)
    assert try_corners(tried, examination().conforms, compiled=0) is None


def test_only_so_many_corners_are_compiled() -> None:
    asked = examination()
    assert try_corners(compiled_corners(), asked.conforms, compiled=2) is None
    assert asked.tally.asked["eager"] == len(compiled_corners())
    assert asked.tally.asked["xla"] == asked.tally.asked["graph"] == 2


def test_float64_on_jax_may_be_computed_in_float32_and_nothing_else_changes() -> None:
    here, there = Semantics("valid-where"), on_backend(Semantics("valid-where"), "jax")
    for dtype, wider in (("float64", True), ("float32", False)):
        tenth = Case(LossSpec("mse"), "sum", dtype, np.zeros((1, 1)), np.full((1, 1), 0.1))
        one, other = expect(tenth, here), expect(tenth, there)
        assert isinstance(one, Expected)
        assert isinstance(other, Expected)
        assert (other.value.radius > 1e6 * one.value.radius) == wider
        error = abs(float(np.float32(0.1)) ** 2 - 0.1**2)
        assert wider == (one.value.radius < error <= other.value.radius) or dtype == "float32"


def test_torch_refuses_weights_that_broadcast_against_the_mask() -> None:
    torch = on_backend(Semantics("valid-where"), "torch")
    assert isinstance(expect(case(weight=2.0), torch), Refused)
    assert isinstance(expect(case(weight=((1.0, 2.0, 3.0),)), torch), Expected)
    assert isinstance(expect(case(mask=None, weight=2.0), torch), Expected)


def test_jax_loses_the_mask_where_code_is_traced_before_3_6() -> None:
    older = on_backend(Semantics("valid-epsilon", "keras-3.4.0"), "jax")
    newer = on_backend(Semantics("valid-epsilon", "keras-3.6.0"), "jax")
    masked, bare = case(), case(mask=None)
    values = {
        (name, gradient): float(expect(masked, each, gradient=gradient).value.value)  # type: ignore[union-attr]
        for name, each in (("older", older), ("newer", newer))
        for gradient in (False, True)
    }
    lost = float(expect(bare, older).value.value)  # type: ignore[union-attr]
    assert values["older", True] == lost
    assert values["older", False] == values["newer", False] == values["newer", True] != lost


def beside(peer: FakeSubject) -> Examination:
    asked = examination(name="backends")
    return Examination(
        subject=FakeSubject(),
        description=DESCRIPTION,
        semantics=asked.semantics,
        property_name="backends",
        peers=(peer,),
    )


def test_a_backend_that_answers_otherwise_is_a_deviation() -> None:
    other = replace(DESCRIPTION, backend="torch")
    beside(FakeSubject(description=other)).backends_agree(Pair(case()))
    with pytest.raises(Deviation) as raised:
        beside(FakeSubject(plus(1.0), description=other)).backends_agree(Pair(case()))
    found = raised.value.finding
    assert (found.stage, found.details["backend"]) == ("backend", "torch")


@pytest.mark.parametrize(
    ("own", "others", "about"),
    [
        ("tensorflow", ("torch",), True),
        ("tensorflow", ("jax",), True),
        ("jax", ("torch",), False),  # both are named: they agree
        ("jax", ("tensorflow",), True),
        ("tensorflow", ("tensorflow",), False),
    ],
)
def test_where_backends_are_compared_an_entry_names_those_that_part_with_the_rest(
    own: str, others: tuple[str, ...], about: bool
) -> None:
    entry = KnownDeviation(
        "id", "backends", ("valid-where",), "backend", "plain", "off", None, case(), None
    )
    entry = replace(entry, backends=("jax", "torch"))
    here = replace(DESCRIPTION, backend=own)
    peers = [FakeSubject(description=replace(DESCRIPTION, backend=other)) for other in others]
    asked = examine(FakeSubject(description=here), here, "backends", [entry], peers)
    assert (asked.known == (entry,)) is about
    everywhere = replace(entry, backends=())
    assert examine(asked._subject, here, "backends", [everywhere], peers).known == (everywhere,)


def test_weights_that_leave_nothing_are_a_class_of_their_own_where_backends_are_compared() -> None:
    zeros = ((0.0, 0.0, 0.0),)
    some = case(reduction="mean_with_sample_weight", weight=zeros)
    assert shape_class(some, stage="backend") == "weights-of-nothing"
    assert shape_class(some.with_(reduction="sum"), stage="backend") == "masked"
    weighed = case(reduction="mean_with_sample_weight", weight=((0.0, 0.0, 2.0),))
    assert shape_class(weighed, stage="backend") == "weights-of-nothing"  # the mask leaves them
    assert shape_class(weighed.with_(mask=None), stage="backend") == "plain"


def test_an_entry_is_of_some_backends_versions_and_modes() -> None:
    entry = KnownDeviation(
        "id", "loss-value", ("valid-where",), "mask", "plain", "off", None, case(), None
    )
    who = replace(DESCRIPTION, keras="3.15.1", backend="jax", modes=("eager", "xla"))

    def applies(**changes: object) -> bool:
        return replace(entry, **changes).applies("valid-where", who)  # type: ignore[arg-type]

    assert applies()
    assert not entry.applies("valid-twice", who)
    assert applies(backends=("jax",))
    assert not applies(backends=("torch",))
    assert applies(versions=">=3.15")
    assert not applies(versions="<3.15")
    assert applies(modes=("xla",))
    assert not applies(modes=("graph",))
    seed = replace(who, keras="with-epsilon", extra={"elementwise": ["keras", "2.2.4"]})
    assert not replace(entry, versions=">=2.3").applies("valid-where", seed)


def test_the_ledger_entry_of_a_subject_has_its_own_epsilon_and_backend() -> None:
    who = replace(DESCRIPTION, epsilon=1e-3, backend="torch")
    semantics = listed(who).semantics
    assert (semantics.epsilon, semantics.in_place) == (1e-3, True)


def test_loss_objects_are_kept_between_eager_questions_alone() -> None:
    class Api:
        def loss(self, ask: Ask) -> list[Ask]:
            return [ask]

    kept, y = KeptLosses(Api()), np.zeros((1, 1))
    ask = Ask("MeanSquaredError", {}, "sum", "float32", "eager", False, y, y)
    first = kept.loss(ask)
    assert kept.loss(ask._replace(gradient=True)) is first
    assert kept.loss(ask._replace(reduction="none")) is not first
    assert kept.loss(ask._replace(mode="graph")) is not kept.loss(ask._replace(mode="graph"))
    kept.clear()
    assert kept.loss(ask) is not first


@pytest.mark.parametrize(
    ("backend", "shares", "smoothed"),
    [
        ("tensorflow", [0.0, 2 / 3], 0.4),
        ("jax", [-1 / 3, 2 / 3], 0.45),
        ("torch", [-1 / 3, 2 / 3], 0.45),
    ],
)
def test_slopes_of_cross_entropies_differ_by_backend(
    backend: str, shares: list[float], smoothed: float
) -> None:
    """TensorFlow clips shares before it divides, and takes the sum of the labels for 1."""
    release = on_backend(lookup("keras", "3.15.1").semantics, backend)
    ids = Case(
        LossSpec.of("sparse_cce"),
        "sum",
        "float64",
        np.array([0]),
        np.array([[1.0, 0.5]]),
    )
    # Smoothed over the last axis, of one class: labels of 1 and 0.1 in place of 0.95 and 0.05.
    spec = LossSpec.of("cce", axis=1, from_logits=True, label_smoothing=0.1)
    labels = np.array([[[1.0], [0.0]]])
    vectors = Case(spec, "sum", "float64", labels, np.ones((1, 2, 1)))
    for asked, wanted in ((ids, shares), (vectors, [None, smoothed])):
        said = expect(asked, release)
        assert isinstance(said, Expected)
        assert said.gradient is not None
        for found, want in zip(said.gradient.value.ravel(), wanted, strict=True):
            assert want is None or abs(found - want) < 1e-6
