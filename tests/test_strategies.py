"""The strategies reach everything they promise, refuse what they cannot draw, and shrink."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from maskgate.case import KINDS, REDUCTIONS, AnyArray, Case, LossSpec
from maskgate.strategies import (
    DOMAINS,
    DTYPES,
    LONG_SIDES,
    LOSS_NAMES,
    MASK_DTYPES,
    MASK_KINDS,
    PADDING_KINDS,
    PARAMETER_VALUES,
    SIGNATURE_SHAPES,
    SOFT_MASK,
    WEIGHT_KINDS,
    Signature,
    cases,
    contents,
    losses,
    masks,
    padding,
    repaddings,
    shapes,
    signatures,
    weights,
)

SEEDS = range(3)


def drawn(strategy: st.SearchStrategy[Any], count: int = 200) -> list[Any]:
    """Some draws, the same ones each time."""
    examples: list[Any] = []

    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(example: Any) -> None:
        examples.append(example)

    collect()
    return examples


def smallest(
    strategy: st.SearchStrategy[Any], condition: Callable[[Any], Any], seed: int = 0
) -> Any:
    """The example that Hypothesis shrinks to, from a start that the seed decides."""
    chosen = settings(
        max_examples=5000,
        database=None,
        report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink],
    )
    return find(strategy, condition, settings=chosen, random=random.Random(seed))


def plainest(strategy: st.SearchStrategy[Any]) -> Any:
    """The simplest example of all."""
    return smallest(strategy, lambda _: True)


# -- shapes ----------------------------------------------------------------------------------------


def test_shapes_have_every_rank_and_side() -> None:
    seen = drawn(shapes(min_rank=1, max_rank=4, max_side=3), 400)
    assert {len(shape) for shape in seen} == {1, 2, 3, 4}
    assert {side for shape in seen for side in shape} == {1, 2, 3}


def test_shapes_have_axes_distinct_and_coincident() -> None:
    seen = drawn(shapes(min_rank=3, max_rank=3))
    coincident = [batch == time > 1 for batch, time, _ in seen]
    assert 0.2 < np.mean(coincident) < 0.6
    assert any(len(set(shape)) == 3 for shape in seen)
    assert any(batch == features > 1 for batch, _, features in seen)


@pytest.mark.parametrize("length", LONG_SIDES)
def test_long_shapes_pass_every_limit_and_stay_small_otherwise(length: int) -> None:
    shape = smallest(shapes(min_rank=3, max_rank=3, long=True), lambda shape: length in shape)
    assert shape == (1, length, 1)
    assert smallest(shapes(max_rank=2, long=True), lambda shape: length in shape) == (length,)
    assert max(max(shape) for shape in drawn(shapes())) <= 4


def test_an_empty_batch_comes_on_request() -> None:
    assert any(shape[0] == 0 for shape in drawn(shapes(empty_batch=True)))
    assert all(0 not in shape for shape in drawn(shapes()))
    assert all(0 not in shape[1:] for shape in drawn(shapes(empty_batch=True)))


def test_shapes_shrink_to_ones_and_together_with_the_batch() -> None:
    assert plainest(shapes()) == (1,)
    assert plainest(shapes(min_rank=3, min_side=2)) == (2, 2, 2)
    for seed in SEEDS:
        square = smallest(shapes(min_rank=3), lambda shape: shape[0] == shape[1] > 1, seed)
        assert square == (2, 2, 1)


# -- losses ----------------------------------------------------------------------------------------


def test_losses_have_every_name_and_value_of_every_parameter() -> None:
    seen = drawn(losses(), 600)
    assert {loss.name for loss in seen} == set(KINDS)
    values = {(key, value) for loss in seen for key, value in loss.parameters}
    others = {(key, value) for key, domain in PARAMETER_VALUES.items() for value in domain[1:]}
    assert values == others


def test_parameters_begin_with_their_default() -> None:
    for kind in KINDS.values():
        for key, default in kind.parameters.items():
            assert PARAMETER_VALUES[key][0] == default


def test_losses_keep_to_names_and_to_defaults() -> None:
    seen = drawn(losses(names=["huber", "bce"], parameters=False), 50)
    assert set(seen) == {LossSpec("huber"), LossSpec("bce")}
    assert plainest(losses()) == LossSpec("mse")
    along_last_axis = losses(parameters=[name for name in PARAMETER_VALUES if name != "axis"])
    assert {loss.axis for loss in drawn(along_last_axis)} == {-1}


# -- masks -----------------------------------------------------------------------------------------


def is_kind(kind: str, mask: AnyArray | None) -> Any:
    """What each kind promises, on a loss of shape (3, 4)."""
    if mask is None or kind == "none":
        return mask is None and kind == "none"
    valid = mask.reshape(3, 4).astype(bool)
    ends = valid.sum(axis=1)
    return {
        "all-true": valid.all(),
        "all-false": not valid.any(),
        "one-valid": valid.sum() == 1,
        "empty-row": sorted(ends) == [0, 4, 4],
        "holes": 0 < valid.sum() < 12,
        "right-padding": ends.min() > 0 and (np.diff(valid.astype(int)) <= 0).all(),
        "left-padding": ends.min() > 0 and (np.diff(valid.astype(int)) >= 0).all(),
    }[kind]


@pytest.mark.parametrize("kind", MASK_KINDS)
def test_masks_are_what_their_kind_says(kind: str) -> None:
    seen = drawn(masks((3, 4), kinds=[kind], ranks=["equal", "column"]))
    assert all(is_kind(kind, mask) for mask in seen)


@pytest.mark.parametrize("kind", ["one-valid", "holes", "right-padding", "left-padding"])
def test_masks_vary_within_their_kind(kind: str) -> None:
    seen = {mask.tobytes() for mask in drawn(masks((3, 4), kinds=[kind], dtypes=["bool"]))}
    assert len(seen) >= 12


def test_rows_are_padded_differently_and_up_to_all_but_one_step() -> None:
    for kind in ("left-padding", "right-padding"):
        counts = [m.sum(axis=1) for m in drawn(masks((3, 4), kinds=[kind], ranks=["equal"]))]
        assert {count for row in counts for count in row} == {1, 2, 3, 4}
        assert any(len(set(row)) == 3 for row in counts)


@pytest.mark.parametrize(
    ("rank", "loss_shape", "expected"),
    [
        ("equal", (3, 4), (3, 4)),
        ("lower", (3, 4), (3,)),
        ("lower", (3,), (3,)),
        ("column", (3, 4), (3, 4, 1)),
        ("higher", (3, 4), (3, 4, 5)),
        ("equal", (), ()),
        ("equal", (0, 4), (0, 4)),
        ("higher", (2, 3, 2), (2, 3, 2, 5)),
    ],
)
@pytest.mark.parametrize("kind", [*MASK_KINDS[1:], SOFT_MASK])
def test_masks_have_the_rank_asked_for(
    kind: str, rank: str, loss_shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    mask = plainest(masks(loss_shape, kinds=[kind], ranks=[rank], features=5))
    assert mask.shape == expected
    if rank == "higher" and mask.size:
        assert (mask == mask[..., :1]).all()


def test_masks_have_every_dtype_and_rank() -> None:
    seen = drawn(masks((3, 4), kinds=["holes"]))
    assert {mask.dtype.name for mask in seen} == {"bool", "int32", "float64"}
    assert {mask.shape for mask in seen} == {(3, 4), (3,), (3, 4, 1), (3, 4, 2)}
    assert {float(value) for mask in seen for value in mask.flat} == {0.0, 1.0}


def test_soft_masks_come_on_request_as_floats() -> None:
    seen = drawn(masks((3, 4), kinds=[SOFT_MASK]))
    assert {mask.dtype.name for mask in seen} == {"float64"}
    assert {value for mask in seen for value in mask.flat} == {0.0, 0.25, 0.5, 1.0}


def test_one_valid_step_may_lie_anywhere_in_a_long_row() -> None:
    seen = drawn(masks((1, 65505), kinds=["one-valid"], ranks=["equal"]), 60)
    places = {int(mask.argmax()) for mask in seen}
    assert min(places) < 256
    assert max(places) > 60000


# -- weights ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "expected"),
    [*zip(WEIGHT_KINDS[1:], [(), (3,), (3, 1), (3, 4), (3, 4, 1)], strict=True)],
)
def test_weights_have_the_shape_that_names_their_kind(kind: str, expected: tuple[int, ...]) -> None:
    assert all(weight.shape == expected for weight in drawn(weights((3, 4), kinds=[kind]), 20))
    assert plainest(weights((3, 4), kinds=[kind])).tolist() == np.ones(expected).tolist()


@pytest.mark.parametrize("dtype", DTYPES)
def test_weights_have_every_kind_of_value(dtype: str) -> None:
    def some(name: str) -> AnyArray:
        found = drawn(weights((3, 4), kinds=["(B,T)"], values=[name], dtype=dtype), 30)
        return np.abs(found) if name == "huge" else np.array(found)

    assert set(some("one").flat) == {1}
    assert set(some("all-zero").flat) == {0}
    assert {0, 1} < set(some("zero").flat)
    assert some("negative").min() < 0
    assert 0 < some("tiny").min() < 1e-3
    assert 1000 < some("huge").max() < np.inf


def test_all_weight_values_are_drawn_and_none_is_plainest() -> None:
    assert plainest(weights((3, 4))) is None
    seen = [weight for weight in drawn(weights((3, 4)), 300) if weight is not None]
    assert any((weight == 0).all() for weight in seen)
    assert any((weight < 0).any() for weight in seen)
    assert any((weight > 1e19).any() for weight in seen)
    assert any((np.abs(weight) < 1e-19).any() and weight.any() for weight in seen)


# -- contents and padding --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "plain"),
    [*zip(DOMAINS, [1.0, 1.0, 0.5, [1.0, 0.0, 0.0], 0], strict=True)],
)
def test_contents_shrink_to_plain_values(domain: str, plain: Any) -> None:
    shape = (2, 3)
    values = plainest(contents(shape, domain=domain, classes=3))
    assert values.shape == shape
    assert values.tolist() == np.broadcast_to(plain, shape).tolist()


@pytest.mark.parametrize("dtype", DTYPES)
def test_contents_stay_in_their_domain(dtype: str) -> None:
    def some(domain: str, edges: bool | None = None) -> AnyArray:
        strategy = contents((5, 4), domain=domain, dtype=dtype, edges=edges, classes=3)
        return np.array(drawn(strategy, 60))

    assert np.isfinite(some("real")).all()
    assert some("real").min() < 0
    assert some("positive", edges=False).min() > 0
    inner = some("probability", edges=False)
    assert 0 < inner.min() < inner.max() < 1
    assert {0, 1} <= set(some("probability", edges=True).flat)
    assert set(some("class-ids").flat) == {0, 1, 2}
    assert set(some("one-hot").sum(axis=-1).flat) == {1}


def test_edges_are_drawn_where_the_dtype_can_tell_them() -> None:
    for dtype in DTYPES:
        seen = np.array(drawn(contents((5, 4), domain="probability", dtype=dtype), 60))
        assert (0 in seen) == (1 in seen) == (dtype in ("float32", "float64"))


def test_large_contents_have_more_than_a_repeated_row() -> None:
    values = drawn(contents((300, 200)), 3)[-1]
    assert values.shape == (300, 200)
    assert len({row.tobytes() for row in values}) > 20


def test_padding_is_finite_or_is_not() -> None:
    finite = np.array(drawn(padding((3, 2), kinds=["finite"]), 60))
    assert np.isfinite(finite).all()
    assert np.abs(finite).max() >= 1e6
    other = np.array(drawn(padding((3, 2), kinds=["non-finite"]), 60))
    assert np.isnan(other).any()
    assert {np.inf, -np.inf, np.float32(1e20)} <= set(other.flat)
    half = np.array(drawn(padding((3, 2), kinds=["finite"], dtype="float16"), 60))
    assert np.isfinite(half.astype(np.float16) ** 2).all()


def a_case(**changes: Any) -> Case:
    fields: dict[str, Any] = {
        "loss": LossSpec("mse"),
        "reduction": "sum",
        "dtype": "float32",
        "y_true": np.zeros((2, 3, 2)),
        "y_pred": np.ones((2, 3, 2)),
        "mask": np.array([[1, 0, 0], [1, 1, 0]], bool),
    }
    return Case(**{**fields, **changes})


@pytest.mark.parametrize(
    "case",
    [
        a_case(),
        a_case(mask=np.array([[[1], [0], [0]], [[1], [1], [0]]])),
        a_case(mask=np.array([1.0, 0.0])),
        a_case(loss=LossSpec.of("bce", axis=1), mask=np.array([[1, 0], [0, 1]])),
        a_case(loss=LossSpec("sparse_cce"), y_true=np.zeros((2, 3), int)),
    ],
    ids=["equal", "column", "lower", "axis", "class-ids"],
)
def test_repaddings_change_all_masked_places_and_no_other(case: Case) -> None:
    assert case.mask is not None
    mask = case.mask.reshape(case.mask.shape[: len(case.loss_shape)]).astype(bool)
    steps = mask.reshape(mask.shape + (1,) * (len(case.loss_shape) - mask.ndim))
    masked = ~np.broadcast_to(steps, case.loss_shape)
    wide = np.broadcast_to(np.expand_dims(masked, case.loss.axis), case.y_pred.shape)
    places = {"y_true": wide if case.y_true.ndim == 3 else masked, "y_pred": wide}
    seen = drawn(repaddings(case, fields=["y_true", "y_pred"], kinds=PADDING_KINDS))
    for field, where in places.items():
        before = getattr(case, field)
        changed = [getattr(altered, field) != before for altered in seen]
        assert (np.any(changed, axis=0) == where).all()
    assert any(np.isnan(altered.y_pred).any() for altered in seen)


@pytest.mark.parametrize("name", LOSS_NAMES)
def test_finite_predictions_stay_where_the_loss_is_finite(name: str) -> None:
    labels = np.zeros((2, 3), int) if KINDS[name].labels == "sparse" else np.ones((2, 3, 2))
    case = a_case(loss=LossSpec(name), y_true=labels)
    seen = drawn(repaddings(case, fields=["y_pred"]), 60)
    least = min(altered.y_pred.min() for altered in seen)
    assert (least < 0) == (KINDS[name].domain == "real")


def test_without_a_mask_there_is_nothing_to_repad() -> None:
    case = a_case(mask=None)
    assert plainest(repaddings(case)) is case


# -- signatures ------------------------------------------------------------------------------------


def test_signatures_are_few_different_and_the_same_each_time() -> None:
    listed = signatures(24, seed=0)
    assert len(set(listed)) == len(listed) == 24
    assert listed == signatures(24, seed=0)
    assert listed != signatures(24, seed=1)


@pytest.mark.parametrize("seed", range(5))
def test_signatures_cover_each_choice_and_most_pairs(seed: int) -> None:
    listed = signatures(24, seed=seed)
    assert {each.loss.name for each in listed} == set(KINDS)
    assert {each.shape for each in listed} >= set(SIGNATURE_SHAPES)
    assert {each.mask_dtype for each in listed} == {None, *MASK_DTYPES}
    pairs = {(each.reduction, each.dtype) for each in listed}
    assert len(pairs) >= 0.8 * len(REDUCTIONS) * len(DTYPES)
    extra = {
        len(each.mask_shape) - len(each.loss_shape)
        for each in listed
        if each.mask_shape is not None
    }
    assert extra == {-1, 0, 1}
    assert {each.weight_shape is None for each in listed} == {True, False}


def test_the_first_signature_is_the_simplest() -> None:
    first = signatures(10, losses=["mae", "mse"], dtypes=["float64", "float32"])[0]
    assert first == Signature(
        LossSpec("mae"), "sum_over_batch_size", "float64", (2, 3, 2), (2, 3), "bool", None
    )


def test_no_more_signatures_than_there_are() -> None:
    listed = signatures(
        50,
        losses=[LossSpec.of("huber", delta=2.0)],
        reductions=["sum"],
        dtypes=["float32"],
        mask_ranks=["equal"],
        mask_dtypes=["bool"],
        weight_kinds=["none", "(B,)", "(B,T)"],
        shapes=[(2, 3)],
    )
    # (B,) and (B,T) are one shape where the loss has no time axis.
    assert len(listed) == 4


def test_a_signature_is_that_of_its_case() -> None:
    for case in drawn(cases(), 60):
        signature = Signature.of(case)
        assert signature.loss_shape == case.loss_shape
        assert Signature.of(plainest(cases(bucketed=[signature]))) == signature


def test_bucketed_cases_have_no_other_signature() -> None:
    bucket = signatures(12)
    seen = drawn(cases(bucketed=bucket), 400)
    assert {Signature.of(case) for case in seen} == set(bucket)
    assert plainest(cases(bucketed=bucket)).loss == bucket[0].loss


def test_bucketed_cases_still_vary_in_content() -> None:
    bucket = signatures(1)
    seen = drawn(cases(bucketed=bucket, mask_kinds=["holes", "one-valid"]), 60)
    assert all(0 < case.mask.sum() < case.mask.size for case in seen)
    assert len({case.y_pred.tobytes() for case in seen}) > 10


# -- cases -----------------------------------------------------------------------------------------


def test_cases_reach_every_choice() -> None:
    seen = drawn(cases(), 800)
    assert {case.loss.name for case in seen} == set(KINDS)
    assert {case.reduction for case in seen} == set(REDUCTIONS)
    assert {case.dtype for case in seen} == set(DTYPES)
    ranks = [case.mask.ndim - len(case.loss_shape) for case in seen if case.mask is not None]
    assert set(ranks) == {-1, 0, 1}
    assert 0.4 < np.mean([rank == 0 for rank in ranks]) < 0.8
    assert any(case.mask is None for case in seen)
    kinds = {case.mask.dtype.kind for case in seen if case.mask is not None}
    assert kinds == {"b", "i", "f"}
    assert {w.ndim for case in seen if (w := case.sample_weight) is not None} == {0, 1, 2, 3}


def test_cases_are_all_different_not_mutants_of_a_few() -> None:
    seen = drawn(cases(), 100)
    assert len({Signature.of(case) for case in seen}) > 80
    assert len({case.loss.name for case in seen}) > 12


def test_strategies_of_others_can_decide_loss_and_shape() -> None:
    chosen = st.sampled_from([LossSpec("mae"), LossSpec.of("huber", delta=7.0)])
    seen = drawn(cases(losses=chosen, shapes=st.sampled_from([(2, 5), (7, 1, 1)])), 60)
    assert {case.loss["delta"] for case in seen if case.loss.name == "huber"} == {7.0}
    assert {case.y_pred.shape for case in seen} == {(2, 5), (7, 1, 1)}
    filtered = shapes(min_rank=3).filter(lambda shape: len(shape) == 4)
    assert {case.y_pred.ndim for case in drawn(cases(shapes=filtered), 30)} == {4}


@pytest.mark.parametrize("kind", MASK_KINDS)
def test_cases_reach_every_kind_of_mask(kind: str) -> None:
    strategy = cases(
        losses=["mse"],
        shapes=st.just((3, 4, 2)),
        mask_kinds=[kind],
        mask_ranks=["equal"],
        weight_kinds=["none"],
    )
    assert all(is_kind(kind, case.mask) for case in drawn(strategy, 30))


@given(cases())
def test_cases_are_finite_and_fit_together(case: Case) -> None:
    floats = [a for a in (case.y_true, case.y_pred, case.sample_weight) if a is not None]
    assert all(np.isfinite(array).all() for array in floats)
    sparse = case.loss.kind.labels == "sparse"
    assert case.y_true.shape == (case.y_pred.shape[:-1] if sparse else case.y_pred.shape)
    assert (case.y_true.dtype == np.int32) == sparse


@given(cases(losses=["sparse_cce"]))
def test_class_ids_are_classes_or_the_ignored_one(case: Case) -> None:
    allowed = {*range(case.y_pred.shape[-1]), case.loss["ignore_class"]}
    assert set(case.y_true.flat) <= allowed


def test_the_ignored_class_is_drawn() -> None:
    seen = drawn(cases(losses=["sparse_cce"]))
    assert any(-1 in case.y_true for case in seen if case.loss["ignore_class"] == -1)


@given(cases(losses=["cce", "categorical_focal", "categorical_hinge"]))
def test_shares_of_the_classes_sum_to_one(case: Case) -> None:
    assert (case.y_true.sum(axis=case.loss.axis) == 1).all()
    assert case.loss.name == "categorical_hinge" or case.y_pred.shape[case.loss.axis] >= 2


@pytest.mark.parametrize(
    ("name", "codings"),
    [
        ("hinge", [{0.0, 1.0}, {-1.0, 1.0}]),
        ("cce", [{0.0, 1.0}, {0.0, 0.25, 0.75}]),
    ],
)
def test_labels_are_coded_in_each_usual_way(name: str, codings: list[set[float]]) -> None:
    strategy = cases(losses=losses(names=[name], parameters=False), shapes=st.just((4, 5, 3)))
    seen = [set(case.y_true.flat) for case in drawn(strategy)]
    assert all(coding in seen for coding in codings)


@given(cases(dtypes=["float16", "bfloat16"], losses=["bce", "binary_focal", "kld"]))
def test_half_precision_stays_off_the_edges_of_the_logarithms(case: Case) -> None:
    if not ("from_logits" in case.loss.kind.parameters and case.loss["from_logits"]):
        assert 0 < case.y_pred.min() <= case.y_pred.max() < 1


def test_a_vector_has_no_second_axis_for_a_loss_to_reduce() -> None:
    seen = drawn(cases(losses=["bce", "cosine"], shapes=shapes(max_rank=1)), 60)
    assert {case.loss.axis for case in seen} == {-1}
    assert {case.loss_shape for case in seen} == {()}


def test_cases_of_no_samples_and_of_very_many() -> None:
    empty = drawn(cases(shapes=st.just((0, 3, 2))), 100)
    assert {case.y_pred.size for case in empty} == {0}
    large = drawn(cases(shapes=st.just((2, 65505, 1)), losses=["mse"]), 5)
    assert {case.loss_shape for case in large} == {(2, 65505)}


def test_lower_masks_alone_are_lower() -> None:
    seen = drawn(cases(mask_ranks=["lower"], mask_kinds=["holes"]), 60)
    assert {case.mask.ndim - len(case.loss_shape) for case in seen} == {-1}


@pytest.mark.parametrize("name", LOSS_NAMES)
def test_the_plainest_case_is_one_element_with_plain_values(name: str) -> None:
    case = plainest(cases(losses=[name]))
    assert case.loss == LossSpec(name)
    assert case.y_pred.size == (2 if "cce" in name or "categorical_f" in name else 1)
    assert {*case.y_pred.flat, *case.y_true.flat} <= {0.0, 0.5, 1.0}
    assert (case.y_pred != case.y_true).any() or name == "cosine"
    assert case.mask is None
    assert case.sample_weight is None


# -- planted faults shrink -------------------------------------------------------------------------


def element_losses(case: Case) -> AnyArray:
    return np.asarray(((case.y_true - case.y_pred).astype(float) ** 2).mean(axis=-1))


def wrong_denominator(case: Case) -> bool:
    """A fault: the masked mean divides by all elements, not by the valid ones."""
    if case.mask is None or case.mask.shape != case.loss_shape or not case.mask.any():
        return False
    valid = case.mask.astype(bool)
    masked = element_losses(case) * valid
    return bool(not np.isclose(masked.sum() / masked.size, masked.sum() / valid.sum()))


def weights_on_the_wrong_axis(case: Case) -> bool:
    """A fault: weights of one axis meet the time steps, which only fits where B = T."""
    weight = case.sample_weight
    if weight is None or weight.ndim != 1 or len(case.loss_shape) != 2:
        return False
    if case.loss_shape[0] != case.loss_shape[1]:
        return False
    loss, weight = element_losses(case), weight.astype(float)
    return bool(not np.isclose((loss * weight).sum(), (loss * weight[:, None]).sum()))


def masked_labels_matter(case: Case) -> bool:
    """A fault: the mask is not applied where labels are 1."""
    if case.mask is None or case.mask.shape != case.loss_shape:
        return False
    return bool(((element_losses(case) > 0) & ~case.mask.astype(bool)).any())


def only_in_long_rows(case: Case) -> bool:
    """A fault: past 128 steps a count overflows."""
    return len(case.loss_shape) > 1 and case.loss_shape[1] > 128 and case.mask is not None


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("names", [["mse"], LOSS_NAMES])
def test_a_wrong_denominator_shrinks_to_two_plain_elements(seed: int, names: list[str]) -> None:
    strategy = cases(losses=names)
    case = smallest(
        strategy, lambda case: case.loss.name == "mse" and wrong_denominator(case), seed
    )
    assert case.loss_shape == (2,)
    assert case.y_pred.tolist() == [[1], [1]]
    assert case.y_true.tolist() == [[0], [0]]
    assert case.mask.tolist() == [True, False]
    assert case.sample_weight is None
    assert (case.dtype, case.reduction) == ("float32", "sum_over_batch_size")


def test_a_fault_where_batch_is_time_shrinks_to_two_by_two() -> None:
    found = [
        smallest(cases(losses=["mse"]), weights_on_the_wrong_axis, seed=seed) for seed in range(5)
    ]
    for case in found:
        assert case.mask is None
        assert {*case.y_pred.flat, *case.y_true.flat, *case.sample_weight.flat} == {0, 1}
    # One start in twenty ends in a larger square: its weights of the first two samples are equal,
    # and several values would have to change at once.
    assert [case.y_pred.shape for case in found].count((2, 2, 1)) >= 4


@pytest.mark.parametrize("seed", SEEDS)
def test_a_fault_at_a_masked_element_shrinks_to_at_most_two(seed: int) -> None:
    case = smallest(cases(losses=["mse"]), masked_labels_matter, seed)
    assert case.y_pred.size <= 2
    assert {*case.y_pred.flat} == {1}
    assert {*case.y_true.flat} == {0}
    assert case.sample_weight is None


def test_a_fault_past_a_length_shrinks_to_the_next() -> None:
    long = cases(losses=["mse"], shapes=shapes(min_rank=3, long=True))
    assert smallest(long, only_in_long_rows).y_pred.shape == (1, 129, 1)


def test_a_fault_in_a_bucket_shrinks_in_content_alone() -> None:
    bucket = signatures(12)
    case = smallest(cases(bucketed=bucket), masked_labels_matter)
    assert Signature.of(case) in bucket
    assert {*case.y_pred.flat, *case.y_true.flat} <= {0, 1, 0.5}


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: shapes(min_rank=3, max_rank=2), "3 > 2"),
        (lambda: shapes(min_rank=0), "min_rank must be at least 1; got 0"),
        (lambda: shapes(max_rank=9), "max_rank must be at most 8; got 9"),
        (lambda: shapes(min_side=0), "min_side must be at least 1; got 0"),
        (lambda: shapes(max_side="4"), "max_side must be an integer; got '4'"),
        (lambda: losses(names=["mse", "rmse"]), "'rmse'"),
        (lambda: losses(names=[]), r"got \[\]"),
        (lambda: losses(parameters=["epsilon"]), "'epsilon'"),
        (lambda: losses(names="mse"), "non-empty sequence .* got 'mse'"),
        (lambda: masks((2, -3)), r"\(2, -3\)"),
        (lambda: masks(3), "got 3"),
        (lambda: masks((2, 3), kinds=["hole"]), "'hole'"),
        (lambda: masks((2, 3), ranks=["same"]), "'same'"),
        (lambda: masks((2, 3), dtypes=["float32"]), "'float32'"),
        (lambda: masks((2, 3), features=-1), "-1"),
        (lambda: weights((2, 3), kinds=["(T,)"]), r"'\(T,\)'"),
        (lambda: weights((2, 3), values=["nan"]), "'nan'"),
        (lambda: weights((2, 3), dtype="int8"), "'int8'"),
        (lambda: weights("ab"), "'ab'"),
        (lambda: contents((2,), domain="complex"), "'complex'"),
        (lambda: contents((2,), dtype="float8"), "'float8'"),
        (lambda: contents((2,), classes=0), "got 0"),
        (lambda: contents((True,)), "True"),
        (lambda: padding((2,), kinds=["nan"]), "'nan'"),
        (lambda: padding((2,), dtype="half"), "'half'"),
        (lambda: repaddings(a_case(), fields=["mask"]), "'mask'"),
        (lambda: repaddings(a_case(), kinds=["big"]), "'big'"),
        (lambda: repaddings(a_case(mask=np.ones((3, 2)))), r"\(2, 3\); got shape \(3, 2\)"),
        (lambda: signatures(0), "got 0"),
        (lambda: signatures(2, losses=["rmse"]), "'rmse'"),
        (lambda: signatures(2, reductions=["average"]), "'average'"),
        (lambda: signatures(2, shapes=[(2, -1)]), r"\(2, -1\)"),
        (lambda: Signature(LossSpec("mse"), "avg", "float32", (2, 3)), "'avg'"),
        (lambda: Signature(LossSpec("mse"), "sum", "int8", (2, 3)), "'int8'"),
        (lambda: Signature(LossSpec("mse"), "sum", "float32", (2, 3), (2,)), r"\(2,\) and None"),
        (
            lambda: Signature(LossSpec("mse"), "sum", "float32", (2, 3), (2,), "float32"),
            "'float32'",
        ),
        (lambda: cases(losses=["rmse"]), "'rmse'"),
        (lambda: cases(shapes=[(2, 3)]), r"a strategy.*got \[\(2, 3\)\]"),
        (lambda: cases(reductions=["average"]), "'average'"),
        (lambda: cases(reductions=[]), r"got \[\]"),
        (lambda: cases(dtypes=["int8"]), "'int8'"),
        (lambda: cases(mask_kinds=["hole"]), "'hole'"),
        (lambda: cases(mask_ranks=["two"]), "'two'"),
        (lambda: cases(mask_dtypes=["uint8"]), "'uint8'"),
        (lambda: cases(weight_kinds=["(B,2)"]), r"'\(B,2\)'"),
        (lambda: cases(weight_values=["big"]), "'big'"),
        (lambda: cases(bucketed=signatures(2), dtypes=["float32"]), r"dtypes=\['float32'\]"),
        (
            lambda: cases(bucketed=signatures(1), mask_kinds=["none"]),
            r"no signature fits mask_kinds=\('none',\)",
        ),
    ],
)
def test_a_bad_argument_is_refused_with_its_value(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
