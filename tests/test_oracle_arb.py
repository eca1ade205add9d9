"""The oracle against an independent one in rigorous ball arithmetic."""

from __future__ import annotations

import zlib
from typing import Any

import arb_reference as arb
import numpy as np
import pytest
from oracle_cases import losses, random_case

from maskgate.case import Case, LossSpec
from maskgate.oracle import FAMILIES, Ball, Expected, Semantics, expect

# How far central differences over steps of 2**-100 at 400 bits may be off: far below any float.
DIFFERENCING = 1e-50

FAMILY_OF = {"keras-2": "valid-twice", "keras-3": "valid-where"}


def own_share(case: Case) -> float:
    """The part of a radius that the oracle's own float64 may use up: all of it only in float64.

    Losses of half formats may be computed in float32, so that is the format to compare with.
    """
    return 1.0 if case.dtype == "float64" else 4.0 * 2.0**-53 / 2.0**-24


def expected(case: Case, family: str, *, path: Any = "direct") -> Expected:
    answer = expect(case, Semantics(family, path=path))
    assert isinstance(answer, Expected), answer
    return answer


def assert_agree(case: Case, family: str, dialect: str, *, path: Any = "direct") -> None:
    answer = expected(case, family, path=path)
    compiled = path == "compiled"
    share = own_share(case)
    exact = arb.loss(case, family, dialect, arb.balls(case.y_pred), compiled=compiled)
    assert answer.value.value.shape == np.shape(exact)
    assert_within(answer.value, exact, share)
    assert answer.gradient is not None
    slope = arb.gradient(case, family, dialect, compiled=compiled)
    assert_within(answer.gradient, slope, share)


def assert_within(ball: Ball, exact: Any, share: float) -> None:
    distance = arb.distance(ball.value, exact)
    assert (distance <= share * ball.radius + DIFFERENCING).all(), (distance, ball.radius)


@pytest.mark.parametrize("dialect", ["keras-2", "keras-3"])
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("loss", losses(), ids=str)
def test_element_losses_and_their_gradients(loss: LossSpec, dtype: str, dialect: str) -> None:
    rng = np.random.default_rng(zlib.crc32(f"{loss} {dtype}".encode()))
    case = random_case(rng, loss, dtype=dtype, shape=(2, 3, 3), weight="step")
    assert_agree(case, FAMILY_OF[dialect], dialect)


REDUCTIONS = {
    "objective": ("sum_over_batch_size",),
    "objective-epsilon": ("sum_over_batch_size",),
    "all-elements": ("sum_over_batch_size", "sum", "none"),
    "valid-twice": ("sum_over_batch_size", "sum", "none"),
}
MODERN = ("sum_over_batch_size", "mean", "sum", "none", "mean_with_sample_weight")


@pytest.mark.parametrize("path", ["direct", "compiled"])
@pytest.mark.parametrize("family", FAMILIES)
def test_families(family: str, path: str) -> None:
    rng = np.random.default_rng(7)
    dialect = "keras-2" if family in REDUCTIONS else "keras-3"
    for dtype in ("float64", "float32", "bfloat16"):
        for reduction in REDUCTIONS.get(family, MODERN):
            for mask in ("none", "holes", "all", "one", "row", "soft"):
                for weight in ("none", "step", "some-zero", "integer"):
                    case = random_case(
                        rng,
                        LossSpec.of("mse"),
                        reduction=reduction,
                        dtype=dtype,
                        mask=mask,
                        weight=weight,
                        shape=(2, 3, 1),
                    )
                    if not weighs_something(case, family):
                        continue
                    assert_agree(case, family, dialect, path=path)


def weighs_something(case: Case, family: str) -> bool:
    """Whether no denominator is 0, as the plain formulas of the reference demand."""
    weight = np.ones(1) if case.sample_weight is None else np.asarray(case.sample_weight)
    if family.startswith("objective"):
        return bool((weight != 0).any() and (case.mask is None or np.asarray(case.mask).any()))
    if case.reduction == "mean_with_sample_weight":
        mask = np.ones(1) if case.mask is None else np.asarray(case.mask, float)
        return bool((mask * weight).sum() != 0)
    return True


def test_the_weight_of_a_sample_is_averaged_over_its_steps() -> None:
    rng = np.random.default_rng(8)
    for family in ("objective", "objective-epsilon"):
        for dtype in ("float64", "float32"):
            case = random_case(
                rng, LossSpec.of("mae"), dtype=dtype, weight="vector", shape=(3, 4, 2)
            )
            assert_agree(case, family, "keras-2")


def test_ignored_classes_join_the_mask() -> None:
    rng = np.random.default_rng(9)
    loss = LossSpec.of("sparse_cce", ignore_class=1)
    for family, dialect in (("valid-twice", "keras-2"), ("valid-epsilon", "keras-3")):
        for mask in ("none", "holes"):
            case = random_case(rng, loss, dtype="float64", mask=mask, weight="step")
            assert_agree(case, family, dialect)
