"""Masked calls of layers without recurrence: the case, the oracle, and real releases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faults import keras_3_15_layer_calls
from faults.planting import Fault, plant
from test_planted_faults import check, installed, judge

from maskgate.case.layer_calls import LayerCall
from maskgate.engines.layer_call_judging import defined, places
from maskgate.engines.layer_calls_examination import DEFINED
from maskgate.oracle.attention import attended, seen
from maskgate.oracle.ball import Ball
from maskgate.oracle.merges import emitted, merged
from maskgate.oracle.normalisation import batch_normalised
from maskgate.oracle.pooling import global_average
from maskgate.strategies.layer_calls import (
    ATTENTION,
    CALLS,
    MERGES,
    STATISTICS,
    layer_call,
    masked_corners,
)
from maskgate.strategies.layer_padding import MORE, lengthened, refilled
from maskgate.subjects import open_subject
from maskgate.subjects.protocol import Done, Refusal, Task

NEWEST = (3, 15)
LAWS = ("statistics-under-mask", "attention-padding", "layer-forward")


def a_call(name: str, seed: int = 0) -> LayerCall:
    """On left and right padding, a hole, and a row with nothing valid."""
    return layer_call(replace(masked_corners()[0], details={"seed": seed}), name)


def ask(subject: Any, call: LayerCall) -> Done | Refusal:
    asked = {
        "layer": call.layer,
        "arguments": dict(call.arguments),
        "options": dict(call.options),
        "training": call.training,
        "needs_mask": False,
    }
    done = subject.perform(Task("layer_calls.call", asked, call.arrays()), timeout=240.0)
    assert isinstance(done, Done | Refusal), done
    return done


def balls(call: LayerCall, release: tuple[int, ...] = NEWEST) -> dict[str, Ball]:
    if len(call.inputs) > 1 and "Attention" not in call.layer:
        return {"output": merged(call, release)}
    return dict(defined(call))


# -- the case


@pytest.mark.parametrize("name", CALLS)
def test_a_call_survives_a_file(name: str) -> None:
    call = a_call(name)
    again = LayerCall.from_dict(json.loads(json.dumps(call.to_dict())))
    assert again.to_dict() == call.to_dict()
    assert set(again.arrays()) == set(call.arrays())
    with pytest.raises(ValueError, match="read-only"):
        again.inputs[0][0] = 1.0


def test_a_call_that_does_not_fit_is_refused() -> None:
    call = a_call("attention")
    with pytest.raises(ValueError, match="need as many masks"):
        replace(call, masks=())
    with pytest.raises(ValueError, match=r"has shape \(4, 2\)"):
        replace(call, masks=call.masks[::-1])
    with pytest.raises(ValueError, match="not a layer call"):
        LayerCall.from_dict({"layer": "Attention"})
    damaged = {**call.to_dict(), "inputs": [None, None]}
    with pytest.raises(ValueError, match="only masks may be missing"):
        LayerCall.from_dict(damaged)


def test_a_seed_draws_one_call_and_another_seed_another() -> None:
    for name in (*ATTENTION, "batch-normalization", *MERGES):
        first, again, other = (a_call(name, seed).to_dict() for seed in (1, 1, 2))
        assert first == again != other


def test_masked_content_is_changed_and_nothing_else() -> None:
    call = a_call("attention")
    valid = call.valid(1)
    other = refilled(call, 1, np.nan)
    assert np.isnan(other.inputs[1][~valid]).all()
    assert np.array_equal(other.inputs[1][valid], call.inputs[1][valid])
    longer = lengthened(call, 1)
    assert longer.inputs[1].shape[1] == call.inputs[1].shape[1] + MORE
    assert not longer.valid(1)[:, -MORE:].any()
    assert longer.inputs[0] is not other.inputs[0]
    assert np.array_equal(longer.inputs[0], call.inputs[0])


# -- the oracle, beside plain computations over what is valid


def plain_softmax(scores: Any) -> Any:
    risen = np.exp(scores - scores.max())
    return risen / risen.sum()


def plain_attention(call: LayerCall, row: int, query: int) -> Any:
    """One output, computed with the keys that are seen and no others."""
    one = call.inputs[0][row, query].astype(np.float64)
    let = seen(call)[row, query]
    keys = call.inputs[1][row][let].astype(np.float64)
    weights = [each.astype(np.float64) for each in call.weights]
    if call.layer == "MultiHeadAttention":
        wq, bq, wk, bk, wv, bv, wo, bo = weights
        total = bo.copy()
        for head in range(wq.shape[1]):
            q = one @ wq[:, head] + bq[head]
            k = keys @ wk[:, head] + bk[head]
            v = keys @ wv[:, head] + bv[head]
            total += plain_softmax(k @ q / np.sqrt(q.size)) @ v @ wo[head]
        return total
    if call.layer == "AdditiveAttention":
        scores = np.tanh(one + keys) @ weights[0]
    else:
        scores = keys @ one * (weights[0] if weights else 1.0)
    return plain_softmax(scores) @ keys


@pytest.mark.parametrize("name", ATTENTION)
def test_attention_is_a_mean_of_the_keys_that_are_seen(name: str) -> None:
    compared = 0
    for seed in range(4):
        call = a_call(name, seed)
        said = attended(call)
        for row, query in np.ndindex(*call.inputs[0].shape[:2]):
            here = said.value[row, query]
            if call.layer != "MultiHeadAttention" and not call.valid(0)[row, query]:
                assert not here.any()
            elif seen(call)[row, query].any():
                compared += 1
                assert np.allclose(here, plain_attention(call, row, query), rtol=1e-12, atol=1e-12)
                assert (said.radius[row, query] < 1e-3).all()
            else:
                assert np.isposinf(said.radius[row, query]).all()
    assert compared > 10


def test_a_causal_query_sees_no_later_key() -> None:
    let = seen(a_call("attention-causal"))
    assert not let[:, 0, 1:].any()
    assert let.any()


def test_pooling_is_the_mean_of_the_valid_steps() -> None:
    call = a_call("global-average-pooling1d")
    said = global_average(call)
    for row, valid in enumerate(call.valid()):
        if valid.any():
            assert np.allclose(said.value[row], call.inputs[0][row][valid].mean(0, np.float64))
        assert np.isposinf(said.radius[row]).all() == (not valid.any())


def test_normalisation_is_that_of_the_valid_steps_laid_end_to_end() -> None:
    call = a_call("batch-normalization")
    said = batch_normalised(call)
    steps = call.inputs[0][call.valid()].astype(np.float64)
    gamma, beta, mean, variance = (each.astype(np.float64) for each in call.weights)
    wanted = (steps - steps.mean(0)) / np.sqrt(steps.var(0) + 1e-3) * gamma + beta
    assert np.allclose(said.output.value[call.valid()], wanted, rtol=1e-6)
    assert np.allclose(said.mean.value, 0.75 * mean + 0.25 * steps.mean(0), rtol=1e-12)
    assert np.allclose(said.variance.value, 0.75 * variance + 0.25 * steps.var(0), rtol=1e-12)


def test_a_batch_of_nothing_has_no_statistics() -> None:
    call = layer_call(masked_corners()[1], "batch-normalization")
    said = batch_normalised(call)
    for ball in (said.output, said.mean, said.variance):
        assert np.isposinf(ball.radius).all()


def test_softmax_shares_among_the_places_let_through() -> None:
    call = a_call("softmax", 1)
    said = defined(call)["output"]
    let = call.masks[0]
    assert let is not None
    assert not said.value[~let].any()
    some = let.any(axis=-1)
    assert np.allclose(said.value.sum(-1)[some], 1.0)
    assert np.isposinf(said.radius[~some]).all()


def test_merges_and_their_masks_by_release() -> None:
    call = a_call("multiply")
    one, other = call.valid(0), call.valid(1)
    product = call.inputs[0].astype(np.float64) * call.inputs[1]
    assert np.allclose(merged(call, (2, 15)).value, product)
    left = merged(call, (3, 4))
    assert np.array_equal(left.value[one & ~other], call.inputs[0][one & ~other])
    assert np.array_equal(left.value[~one & other], call.inputs[1][~one & other])
    assert np.isposinf(left.radius[~one & ~other]).all()
    assert np.array_equal(emitted(call, (2, 15)), one & other)
    assert emitted(call, (3, 3)) is None
    assert np.array_equal(emitted(call, (3, 4)), one | other)


def test_a_window_counts_where_one_of_its_steps_is_valid() -> None:
    call = a_call("max-pooling1d")
    assert np.array_equal(places(call, (4, 2, 2)), [[0, 1], [1, 0], [1, 1], [0, 0]])
    assert np.array_equal(places(call, (4, 2)), [1, 1, 1, 0])


# -- real releases


@pytest.fixture(scope="module")
def current() -> Iterator[Any]:
    subject = open_subject("current")
    yield subject
    subject.close()


def share(found: Any, ball: Ball) -> float:
    """The largest error as a share of its bound, where there is one."""
    assert found.shape == ball.value.shape
    apart = np.abs(np.asarray(found, np.float64) - ball.value)
    bounded = (ball.radius > 0.0) & np.isfinite(ball.radius)
    assert not apart[ball.radius == 0.0].any()
    return float(np.max(apart[bounded] / ball.radius[bounded], initial=0.0))


def agrees(subject: Any, names: Any, release: tuple[int, ...] = NEWEST) -> float:
    worst = 0.0
    for name in names:
        for seed in range(3):
            call = a_call(name, seed)
            done = ask(subject, call)
            assert isinstance(done, Done), (name, done)
            for part, ball in balls(call, release).items():
                used = share(done.arrays[part], ball)
                assert used <= 1.0, (name, seed, part, used)
                worst = max(worst, used)
    return worst


def test_the_installed_release_computes_the_definitions(current: Any) -> None:
    # A bound that nothing comes near would hide a fault.
    assert agrees(current, ATTENTION) > 0.01
    assert agrees(current, ("batch-normalization", "global-average-pooling1d")) > 0.01
    assert agrees(current, ("softmax",)) > 0.01
    agrees(current, MERGES)


def test_a_merge_carries_its_mask_out(current: Any) -> None:
    call = a_call("add")
    done = ask(current, call)
    assert isinstance(done, Done)
    assert np.array_equal(done.arrays["mask"], call.valid(0) | call.valid(1))


def test_what_a_release_lacks_is_not_offered(current: Any) -> None:
    nothing = ask(current, replace(a_call("add"), layer="NoSuchLayer"))
    assert isinstance(nothing, Refusal)
    assert nothing.kind == "NotOfferedError"
    no_option = ask(current, replace(a_call("attention"), options={"no_such_option": True}))
    assert isinstance(no_option, Refusal)
    assert no_option.kind == "NotOfferedError"


def test_every_call_has_a_definition_or_is_asked_by_the_law() -> None:
    assert set(CALLS) == {*DEFINED, *STATISTICS}
    for name in DEFINED:
        for part, ball in balls(a_call(name)).items():
            assert ball.value.shape == ball.radius.shape, (name, part)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, id=fault.name, marks=[pytest.mark.slow] if number else [])
        for number, fault in enumerate(keras_3_15_layer_calls.FAULTS)
    ],
)
def test_a_fault_in_a_layer_is_killed(fault: Fault, tmp_path: Path) -> None:
    judge(fault, *check(fault.killed_by, path=plant(fault, installed("keras"), tmp_path)))


@pytest.mark.releases
@pytest.mark.parametrize(
    "name",
    [
        *("keras-2.0.9", "keras-2.2.5", "keras-2.3.1", "keras-2.10.0", "tf-2.12.1", "tf-2.15.1"),
        *("keras-3.0.5", "keras-3.12.4", "keras-3.15.1-torch", "keras-3.15.1-jax"),
    ],
)
def test_other_releases_do_as_is_listed(name: str) -> None:
    for select in LAWS:
        status, report = check(select, subject=name, profile="smoke")
        assert status == 0, [each["title"] for each in report["findings"]]
        old = select == "attention-padding" and name in (
            "keras-2.0.9",
            "keras-2.2.5",
            "keras-2.3.1",
        )
        assert (report["results"][0]["verdict"] == "skipped") == old
