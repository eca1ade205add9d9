"""The oracle against the Keras of this process: inside the bound always, and the bound is used."""

from __future__ import annotations

import zlib
from itertools import product
from typing import Any

import arb_reference as arb
import keras
import live_keras
import numpy as np
import pytest
from oracle_cases import DTYPES, MASKS, WEIGHTS, losses, random_case, wild

from maskgate.case import REDUCTIONS, Case, LossSpec
from maskgate.oracle import Expected, Refused, expect, ledger

SEMANTICS = ledger.lookup("keras", keras.__version__).semantics
LOOSEST = 0.01  # share of a bound that some small case must use up
COMBINATIONS = list(product(MASKS, WEIGHTS, REDUCTIONS))
SHAPES = [(3, 4, 2), (4, 4, 3), (2, 1, 7), (5, 3)]


def generator(*seed: object) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(repr(seed).encode()))


def drawn(rng: np.random.Generator, loss: LossSpec, dtype: str, number: int) -> list[Case]:
    """Cases that walk through masks, weights, reductions and shapes."""
    shapes = [shape for shape in SHAPES if len(shape) > 2 or loss.parameters != (("axis", 1),)]
    picked = rng.choice(len(COMBINATIONS), size=number, replace=False)
    return [
        random_case(
            rng,
            loss,
            dtype=dtype,
            mask=COMBINATIONS[i][0],
            weight=COMBINATIONS[i][1],
            reduction=COMBINATIONS[i][2],
            shape=shapes[int(rng.integers(len(shapes)))],
        )
        for i in picked
    ]


def share_used(case: Case, mode: str = "eager") -> float:
    """The larger share of the bounds of value and gradient that the live answer uses up."""
    expected = expect(case, SEMANTICS, traced=mode != "eager", excess_precision=mode == "xla")
    if isinstance(expected, Refused):
        with pytest.raises(Exception, match=r"."):
            live_keras.ask(case, mode)
        return 0.0
    return larger_share(live_keras.ask(case, mode), expected)


def larger_share(answer: tuple[Any, Any], expected: Expected) -> float:
    assert expected.gradient is not None
    return max(
        live_keras.used(answer[0], expected.value), live_keras.used(answer[1], expected.gradient)
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", losses(), ids=str)
def test_every_answer_is_inside_the_bound_and_uses_it(loss: LossSpec, dtype: str) -> None:
    rng = generator("ordinary", str(loss), dtype)
    shares = [share_used(case) for case in drawn(rng, loss, dtype, 10)]
    # A subgradient at a kink may lie on the edge of its ball.
    assert max(shares) <= 1.0
    if dtype != "float64":
        assert max(shares) >= LOOSEST


@pytest.mark.parametrize("loss", losses(), ids=str)
def test_the_bound_is_used_in_float64_too(loss: LossSpec) -> None:
    # There the oracle rounds as often as Keras does, and often alike: only a rigorous reference
    # shows how far off both are.
    rng = generator("float64", str(loss))
    shares = []
    for reduction, weight in product(("none", "sum", "mean"), ("none", "step")):
        case = random_case(rng, loss, reduction=reduction, dtype="float64", weight=weight)
        expected = expect(case, SEMANTICS, gradient=False)
        assert isinstance(expected, Expected)
        exact = arb.loss(case, "valid-where", "keras-3", arb.balls(case.y_pred))
        distance, radius = arb.distance(live_keras.ask(case)[0], exact), expected.value.radius
        shares.append(float((distance / np.where(radius > 0.0, radius, 1.0)).max()))
    assert LOOSEST <= max(shares) <= 1.0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", losses(), ids=str)
def test_special_values_have_their_places(loss: LossSpec, dtype: str) -> None:
    rng = generator("special", str(loss), dtype)
    for case in drawn(rng, loss, dtype, 5):
        assert share_used(wild(rng, case)) <= 1.0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("version", "epsilon"), [("with-epsilon", 1e-7), ("without-epsilon", 0.0)])
def test_the_seed_in_tensorflow_operations(version: str, epsilon: float, dtype: str) -> None:
    rng = generator("seed", version, dtype)
    semantics = ledger.lookup("seed", version).semantics
    for mask, weight in product(MASKS, ("none", "step", "vector", "some-zero", "zero")):
        case = random_case(rng, LossSpec.of("mse"), dtype=dtype, mask=mask, weight=weight)
        for asked in (case, wild(rng, case)):
            expected = expect(asked, semantics)
            if isinstance(expected, Refused):
                with pytest.raises(Exception, match=r"."):
                    live_keras.ask_seed(asked, epsilon)
                continue
            answer = live_keras.ask_seed(asked, epsilon)
            assert larger_share(answer, expected) <= 1.0, asked.to_dict()


@pytest.mark.parametrize("mode", ["graph", "xla"])
def test_traced_and_compiled_code_is_inside_the_bound_too(mode: str) -> None:
    rng = generator("modes", mode)
    for i, loss in enumerate(losses()[:: 3 if mode == "xla" else 2]):
        (case,) = drawn(rng, loss, DTYPES[i % len(DTYPES)], 1)
        assert share_used(case, mode) <= 1.0, case.to_dict()


def test_radii_are_finite_for_ordinary_values() -> None:
    rng = generator("finite")
    for loss in losses():
        for dtype in DTYPES:
            expected = expect(random_case(rng, loss, dtype=dtype), SEMANTICS)
            assert isinstance(expected, Expected)
            assert expected.gradient is not None
            assert np.isfinite(expected.value.radius).all()
            assert np.isfinite(expected.gradient.radius).all()
