"""The rounding model: bounds hold in every order of operations; NaN and infinity have places."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from maskgate.case import FORMATS, format_of
from maskgate.oracle import functions, rounding, selection
from maskgate.oracle.arithmetic import arithmetic
from maskgate.oracle.rounding import EXACT, Rounded, count_valid, held

DTYPES = ("float64", "float32", "bfloat16", "float16")


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


def ball(value: Any, error: Any = 0.0, dtype: str = "float32") -> Rounded:
    values, errors = np.broadcast_arrays(np.asarray(value, float), np.asarray(error, float))
    return Rounded(values.copy(), errors.copy(), arithmetic(dtype))


def exact(values: Any, dtype: str = "float32") -> Rounded:
    return held(format_of(dtype).round(values), arithmetic(dtype))


def contains(result: Rounded, answer: Any) -> bool:
    value, errors = result.value, result.errors
    same = (value == answer) | (np.isnan(value) & np.isnan(answer))
    return bool((same | np.isinf(errors) | (np.abs(answer - value) <= errors)).all())


def certain(result: Rounded) -> bool:
    return bool((result.errors == 0.0).all())


def doubtful(result: Rounded) -> bool:
    return bool(np.isinf(result.errors).all())


@pytest.mark.parametrize("dtype", DTYPES)
def test_chains_of_operations_stay_inside(dtype: str) -> None:
    rng = np.random.default_rng(0)
    fmt = format_of(dtype)
    a, b, c = (fmt.round(rng.normal(size=(50, 7)) * 3.0) for _ in range(3))
    wide = [np.asarray(x, np.float64) for x in (a, b, c)]

    def chain(x: Any, y: Any, z: Any, r: Callable[[Any], Any]) -> Any:
        """The chain with every operation rounded by `r`."""
        d = r(np.asarray(x, float) - y)
        q = r(r(d * d) / r(np.asarray(z * z, float) + 1.0))
        return r(q - r(np.asarray(y, float) * d))

    rounded = np.asarray(chain(*wide, lambda v: np.asarray(fmt.round(v), np.float64)), np.float64)
    x, y, z = (exact(v, dtype) for v in (a, b, c))
    d = x - y
    bound = d * d / (z * z + 1.0) - y * d
    assert contains(bound, rounded)
    assert np.isfinite(bound.errors).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("terms", [1, 2, 17, 300, 5000])
def test_sums_in_every_order_stay_inside(dtype: str, terms: int) -> None:
    rng = np.random.default_rng(terms)
    fmt = format_of(dtype)
    values = np.asarray(fmt.round(rng.normal(size=terms)), np.float64)
    bound = exact(values, dtype).sum()
    adder = FORMATS["float32"] if dtype == "bfloat16" else fmt
    for order in (values, np.sort(values), np.sort(-np.abs(values)), rng.permutation(values)):
        bound = exact(order, dtype).sum()
        total = 0.0
        for value in order:
            total = float(adder.round(total + value))
        assert contains(bound, float(fmt.round(total)))


def test_float16_ones_stop_at_2048() -> None:
    bound = exact(np.ones(3000), "float16").sum()
    assert contains(bound, 2048.0)


def test_a_sum_that_stands_still_below_the_limit_is_no_certain_overflow() -> None:
    ones = np.ones(70_000, np.float16)
    one_by_one = np.add.accumulate(ones, dtype=np.float16)[-1]
    assert one_by_one == 2048
    assert contains(exact(ones, "float16").sum(), float(one_by_one))


@pytest.mark.parametrize("dtype", DTYPES)
def test_small_counts_are_exact(dtype: str) -> None:
    assert count_valid(exact(np.ones(200), dtype)).error is EXACT
    assert not certain(count_valid(exact(np.full(200, 0.3), dtype)))


class TestNaNAndInfinity:
    def test_zero_times_infinity(self) -> None:
        product = exact([0.0, 1.0]) * exact([np.inf, np.inf])
        assert certain(product)
        np.testing.assert_array_equal(product.value, [np.nan, np.inf])

    def test_what_may_be_zero_times_infinity_is_open(self) -> None:
        assert doubtful(ball([0.0], 1e-9) * exact([np.inf]))

    def test_zero_by_zero_is_nan(self) -> None:
        quotient = exact([0.0, 1.0]) / exact([0.0, 0.0])
        assert certain(quotient)
        np.testing.assert_array_equal(quotient.value, [np.nan, np.inf])

    def test_division_by_what_may_be_zero_is_open(self) -> None:
        assert doubtful(exact([1.0]) / ball([1e-9], 1e-9))

    @pytest.mark.parametrize(("dtype", "factor"), [("float16", 2.0), ("float32", 2.0)])
    def test_overflow(self, dtype: str, factor: float) -> None:
        largest = format_of(dtype).largest
        doubled = exact([largest], dtype) * factor
        assert certain(doubled)
        assert doubled.value == np.inf
        assert doubtful(ball([largest], largest / 100.0, dtype) * 1.0)

    def test_a_wide_exponent_range_does_not_overflow(self) -> None:
        wide = arithmetic("float16", wide=True)
        assert (Rounded(np.array([6e4]), EXACT, wide) * 2.0).value == 1.2e5

    def test_a_sum_with_both_infinities_is_nan(self) -> None:
        total = exact([np.inf, -np.inf, 1.0]).sum()
        assert certain(total)
        assert np.isnan(total.value)

    def test_a_sum_whose_order_decides_is_open(self) -> None:
        assert doubtful(exact([4e4, 4e4, -4e4], "float16").sum())
        assert certain(exact([4e4, 4e4], "float16").sum())

    def test_a_certain_nan_stays_whatever_else_is_open(self) -> None:
        assert certain(exact([np.nan]) * ball([1.0], np.inf))
        assert certain(
            Rounded(np.array([np.nan, 1.0]), np.array([0.0, np.inf]), ball(0.0).arithmetic).sum()
        )

    def test_maximum_keeps_nan(self) -> None:
        larger = selection.maximum(exact([np.nan, 1.0]), 0.0)
        np.testing.assert_array_equal(larger.value, [np.nan, 1.0])
        assert certain(larger)

    def test_divide_no_nan(self) -> None:
        quotient = selection.divide_no_nan(exact([np.nan, 1.0]), exact([0.0, 4.0]))
        np.testing.assert_array_equal(quotient.value, [0.0, 0.25])
        assert doubtful(selection.divide_no_nan(exact([1.0]), ball([1e-9], 1e-8)))


class TestSubnormals:
    def test_flushed_formats_may_read_zero(self) -> None:
        for dtype, tiny in (("float32", 1e-39), ("bfloat16", 1e-39), ("float64", 1e-310)):
            assert contains(exact([tiny], dtype), 0.0)

    def test_float16_keeps_them(self) -> None:
        assert certain(exact([1e-7], "float16"))

    def test_results_that_underflow(self) -> None:
        assert contains(exact([1e-30]) * exact([1e-30]), 0.0)
        assert certain(exact([0.0]) * exact([3.0]))


class TestKinks:
    def test_where_rounding_decides_both_branches_are_inside(self) -> None:
        chosen = selection.where_at_most(ball([1.0], 0.1), 1.05, exact([3.0]), exact([7.0]))
        assert contains(chosen, 3.0)
        assert contains(chosen, 7.0)

    def test_the_slope_of_the_absolute_value_at_zero(self) -> None:
        slope = functions.sign(exact([0.0, 2.0]))
        np.testing.assert_array_equal(slope.errors, [1.0, 0.0])

    def test_a_closed_gate_stops_nan(self) -> None:
        flow = functions.above(exact([np.nan, 5.0]), exact([-1.0, 1.0]), 0.0)
        np.testing.assert_array_equal(flow.value, [0.0, 5.0])


FUNCTIONS: dict[str, tuple[Callable[[Rounded], Rounded], Callable[[Any], Any]]] = {
    "log": (functions.log, np.log),
    "log1p": (functions.log1p, np.log1p),
    "exp": (functions.exp, np.exp),
    "sigmoid": (functions.sigmoid, lambda x: 1.0 / (1.0 + np.exp(-x))),
    "softplus": (functions.softplus, lambda x: np.logaddexp(0.0, x)),
    "sqrt": (functions.sqrt, np.sqrt),
    "rsqrt": (functions.rsqrt, lambda x: x**-0.5),
    "reciprocal": (functions.reciprocal, lambda x: 1.0 / x),
    "power": (lambda x: functions.power(x, 1.5), lambda x: x**1.5),
    "root": (lambda x: functions.power(x, -0.5), lambda x: x**-0.5),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_propagate_the_error_of_their_argument(name: str) -> None:
    bounded, plain = FUNCTIONS[name]
    rng = np.random.default_rng(1)
    centre, error = rng.uniform(0.1, 3.0, 500), rng.uniform(0.0, 0.09, 500)
    result = bounded(ball(centre, error))
    for end in (-1.0, -0.3, 0.4, 1.0):
        assert contains(result, plain(centre + end * error))
    # Not much wider than the image of the ball either.
    reach = np.abs(plain(centre + error) - plain(centre - error))
    assert (result.errors <= 2.0 * reach + 1e-6).all()


def test_functions_at_the_edges() -> None:
    np.testing.assert_array_equal(functions.log(exact([0.0, -1.0])).value, [-np.inf, np.nan])
    assert certain(functions.log(exact([0.0, -1.0])))
    assert doubtful(functions.log(ball([1e-3], 1e-2)))
    assert certain(functions.rsqrt(exact([0.0])))


def test_only_constants_of_the_format_are_used() -> None:
    assert rounding.constant(1e-7, arithmetic("float16")).value == 2.0**-23
    assert rounding.count(2049, arithmetic("float16")).value == 2048.0
