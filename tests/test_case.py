"""A case is the same case after a journey through a file, and refuses what is none."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from maskgate.case import (
    FORMATS,
    KINDS,
    REDUCTIONS,
    AnyArray,
    Case,
    LossSpec,
    array_from_dict,
    array_to_dict,
    format_of,
    number_to_json,
)

SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
ANY_FLOATS = st.floats(width=64)  # NaN, infinities, subnormals and -0.0 among them


def any_array(shape: tuple[int, ...]) -> st.SearchStrategy[AnyArray]:
    return st.one_of(
        arrays.arrays(np.float64, shape, elements=ANY_FLOATS),
        arrays.arrays(np.int32, shape),
        arrays.arrays(np.bool_, shape),
    )


@st.composite
def any_cases(draw: st.DrawFn) -> Case:
    """Cases as wild as the format allows: no strategy of maskgate draws such."""
    shape = draw(SHAPES)
    return Case(
        loss=LossSpec.of("huber", delta=draw(st.sampled_from([1.0, 0.5, 1e-300]))),
        reduction=draw(st.sampled_from(REDUCTIONS)),
        dtype=draw(st.sampled_from(list(FORMATS))),
        y_true=draw(any_array(shape)),
        y_pred=draw(any_array(shape)),
        mask=draw(st.none() | any_array(shape)),
        sample_weight=draw(st.none() | any_array(draw(SHAPES))),
    )


def simple_case(**changes: Any) -> Case:
    fields: dict[str, Any] = {
        "loss": LossSpec("mse"),
        "reduction": "sum",
        "dtype": "float32",
        "y_true": np.zeros((2, 3, 1)),
        "y_pred": np.ones((2, 3, 1)),
    }
    return Case(**{**fields, **changes})


def arrays_of(case: Case) -> list[AnyArray | None]:
    return [case.y_true, case.y_pred, case.mask, case.sample_weight]


def same_bits(one: AnyArray | None, other: AnyArray | None) -> bool:
    """Shape, dtype and bits; NaNs by place alone."""
    if one is None or other is None:
        return one is other
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    numbers = one == one
    return np.array_equal(numbers, other == other) and (
        np.where(numbers, one, 0).tobytes() == np.where(numbers, other, 0).tobytes()
    )


# -- the journey -----------------------------------------------------------------------------------


@given(any_cases())
def test_a_case_survives_json(case: Case) -> None:
    text = json.dumps(case.to_dict(), allow_nan=False)
    again = Case.from_dict(json.loads(text))
    assert (again.loss, again.reduction, again.dtype) == (case.loss, case.reduction, case.dtype)
    assert all(map(same_bits, arrays_of(case), arrays_of(again)))
    assert again.identical(case)


@given(any_cases())
def test_a_case_changes_nothing_when_it_is_made_again(case: Case) -> None:
    assert all(map(same_bits, arrays_of(case), arrays_of(case.with_())))


def test_a_case_survives_a_file(tmp_path: Path) -> None:
    case = simple_case(y_pred=np.array([[[np.nan], [-np.inf], [-0.0]]] * 2), dtype="bfloat16")
    case.save(tmp_path / "case.json")
    assert Case.load(tmp_path / "case.json").identical(case)


@pytest.mark.parametrize(
    "changes",
    [
        {"reduction": "none"},
        {"dtype": "float64"},
        {"loss": LossSpec("mae")},
        {"y_true": np.full((2, 3, 1), -0.0)},
        {"mask": np.ones((2, 3), bool)},
    ],
)
def test_any_difference_is_a_difference(changes: dict[str, Any]) -> None:
    assert not simple_case().identical(simple_case(**changes))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.25])
def test_numbers_are_spelled_as_reports_spell_them(value: float) -> None:
    spelled = number_to_json(value)
    assert spelled == {"nan": "nan", "inf": "inf", "-inf": "-inf"}.get(str(value), value)


def test_an_array_is_spelled_with_dtype_and_shape() -> None:
    assert array_to_dict(np.array([[1.5, math.inf]])) == {
        "dtype": "float64",
        "shape": [1, 2],
        "data": [[1.5, "inf"]],
    }
    assert array_to_dict(None) is None
    assert array_from_dict(None) is None


# -- what a case holds -----------------------------------------------------------------------------


@given(any_cases())
def test_floats_are_rounded_to_the_dtype_and_integers_are_int32(case: Case) -> None:
    for array in arrays_of(case):
        if array is not None and array.dtype.kind == "f":
            assert array.dtype == case.format.storage
            assert case.format.holds(array)
        elif array is not None:
            assert array.dtype in (np.dtype(np.int32), np.dtype(np.bool_))


def test_a_case_cannot_be_changed_nor_its_source_change_it() -> None:
    source = np.ones((2, 3, 1), np.float32)
    mask = np.ones((2, 3), bool)
    case = simple_case(y_pred=source, mask=mask)
    source[:], mask[:] = 7, False
    assert case.mask is not None
    assert case.y_pred.max() == 1
    assert case.mask.all()
    for array in (case.y_pred, case.mask):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0


def test_views_are_held_in_order() -> None:
    grid = np.arange(6.0).reshape(3, 2)
    case = simple_case(y_true=grid.T, y_pred=np.broadcast_to(1.0, (2, 3)))
    assert case.y_true.flags.c_contiguous
    assert case.y_pred.flags.c_contiguous
    assert case.y_true.tolist() == grid.T.tolist()


@pytest.mark.parametrize(
    ("loss", "shape", "expected"),
    [
        (LossSpec("mse"), (2, 3, 4), (2, 3)),
        (LossSpec.of("bce", axis=1), (2, 3, 4), (2, 4)),
        (LossSpec.of("cosine", axis=-2), (2, 3, 4), (2, 4)),
        (LossSpec("sparse_cce"), (2, 3, 4), (2, 3)),
        (LossSpec("mse"), (4,), ()),
        (LossSpec("mse"), (), ()),
    ],
)
def test_the_loss_has_the_predictions_shape_without_one_axis(
    loss: LossSpec, shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    case = simple_case(loss=loss, y_true=np.zeros(shape), y_pred=np.zeros(shape))
    assert case.loss_shape == expected


# -- rounding --------------------------------------------------------------------------------------


def nearest_bfloat16(value: float) -> float:
    """Round to nearest even by exact arithmetic: 8 bits of significand, exponents from -126."""
    if not math.isfinite(value) or value == 0:
        return value
    exponent = max(math.frexp(value)[1] - 1, -126)
    unit = Fraction(2) ** (exponent - 7)
    exact = Fraction(value) / unit
    rounded = round(exact) * unit  # Python rounds a Fraction's ties to even
    if abs(rounded) > Fraction(FORMATS["bfloat16"].largest):
        return math.copysign(math.inf, value)
    return math.copysign(float(rounded), value)


@given(
    st.one_of(
        ANY_FLOATS,
        st.floats(width=32),
        st.integers(-(2**12), 2**12).map(lambda n: n * 2.0**-140),
        st.integers(2**11, 2**12).flatmap(
            lambda n: st.sampled_from([n * 2.0**-8, n * 2.0**116, -n * 2.0**100])
        ),
    )
)
def test_bfloat16_rounds_once_to_nearest_even(value: float) -> None:
    rounded = FORMATS["bfloat16"].round(np.array([value]))
    expected = np.array([nearest_bfloat16(value)], np.float32)
    assert same_bits(rounded, expected), (value, rounded, expected)


def test_bfloat16_is_not_rounded_by_way_of_float32() -> None:
    # Just above a tie of bfloat16, by less than float32 can tell.
    above_tie = 1 + 2.0**-8 + 2.0**-40
    assert FORMATS["bfloat16"].round(above_tie) == 1 + 2.0**-7
    assert FORMATS["bfloat16"].round(np.float32(above_tie)) == 1


@pytest.mark.parametrize("name", list(FORMATS))
def test_a_format_holds_its_own_limits(name: str) -> None:
    fmt = FORMATS[name]
    limits = np.array([fmt.largest, -fmt.tiny, 1 + 2 * fmt.unit_roundoff, 0.0, np.inf, np.nan])
    assert fmt.holds(limits.astype(fmt.storage))
    assert fmt.round(1 + fmt.unit_roundoff) == 1


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32"])
def test_a_format_overflows_halfway_past_its_largest(name: str) -> None:
    fmt = FORMATS[name]
    halfway = np.float64(fmt.largest) * (1 + fmt.unit_roundoff)
    assert fmt.round(halfway) == np.inf
    assert fmt.round(halfway * (1 - fmt.unit_roundoff)) == fmt.largest


@pytest.mark.parametrize("name", list(FORMATS))
def test_rounding_makes_a_new_array(name: str) -> None:
    values = FORMATS[name].round([0.5, 2.0])
    again = FORMATS[name].round(values)
    again[:] = 0
    assert values.tolist() == [0.5, 2.0]


# -- what is no case -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reduction": "average"}, "'average'"),
        ({"dtype": "int8"}, "'int8'"),
        ({"y_true": np.zeros(3, complex)}, "complex128"),
        ({"mask": np.array(["yes"])}, "<U3"),
        ({"y_true": np.array([2**40])}, str(2**40)),
    ],
)
def test_a_bad_argument_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        simple_case(**changes)


def test_a_loss_or_parameter_that_does_not_exist_is_named() -> None:
    with pytest.raises(ValueError, match="'mean_square'"):
        LossSpec("mean_square")
    with pytest.raises(ValueError, match="'gamma'"):
        LossSpec.of("huber", gamma=2.0)
    with pytest.raises(ValueError, match="'float8'"):
        format_of("float8")


def test_parameters_at_their_default_are_left_out() -> None:
    assert LossSpec.of("huber", delta=1.0) == LossSpec("huber")
    loss = LossSpec.of("bce", from_logits=True, axis=-1)
    assert str(loss) == "bce(from_logits=True)"
    assert (loss["from_logits"], loss["label_smoothing"]) == (True, 0.0)
    assert str(LossSpec("mse")) == "mse"


@pytest.mark.parametrize("name", list(KINDS))
def test_every_loss_reduces_its_last_axis_by_default(name: str) -> None:
    assert LossSpec(name).axis == -1


@pytest.mark.parametrize("field", ["loss", "reduction", "dtype", "y_true", "y_pred", "mask"])
def test_a_missing_field_is_named(field: str) -> None:
    data = simple_case().to_dict()
    del data[field]
    with pytest.raises(ValueError, match=f"not a case: KeyError: '{field}'"):
        Case.from_dict(data)


@pytest.mark.parametrize(
    "damage",
    [
        {"y_true": None},
        {"y_pred": 3},
        {"y_pred": {"dtype": "float32", "shape": [3], "data": [1.0]}},
        {"y_pred": {"dtype": "float99", "shape": [1], "data": [1.0]}},
        {"y_pred": {"dtype": "float32", "shape": [1], "data": ["one"]}},
        {"y_true": {"dtype": "int32", "shape": [1], "data": [2**40]}},
        {"loss": "mse"},
        {"loss": {"name": "mse", "parameters": {"delta": 1}}},
        {"dtype": ["float32"]},
    ],
)
def test_a_damaged_case_is_refused(damage: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "damaged.json"
    path.write_text(json.dumps({**simple_case().to_dict(), **damage}))
    with pytest.raises(ValueError, match=r"damaged\.json: "):
        Case.load(path)


@pytest.mark.parametrize("text", ["", "[]", "null", '{"loss"', "\x00"])
def test_a_file_that_holds_no_case_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"other\.json: "):
        Case.load(path)
