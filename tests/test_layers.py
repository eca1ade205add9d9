"""Masked forward passes of recurrent layers: the case, the oracle, and real releases."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faults import keras_3_15_recurrent
from faults.planting import Fault, plant
from test_planted_faults import check, installed, judge

from maskgate.case.layers import LayerCase
from maskgate.oracle.ball import Ball
from maskgate.oracle.recurrent import CELLS, TANH_ROUNDINGS, forward, weight_shapes
from maskgate.oracle.recurrent_calls import THEN, held_over, layer_calls, parts
from maskgate.reports.repro import repro_script
from maskgate.strategies.recurrent import recurrent_corners
from maskgate.strategies.recurrent_calls import KINDS, MERGE_MODES, layer_case
from maskgate.subjects import open_subject
from maskgate.subjects.protocol import Done, Task
from maskgate.verdicts.model import Finding

# Left and right padding, a hole, nothing masked, all masked.
MASK = np.array([[0, 0, 1, 1], [1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0]], bool)
VARIANTS = [
    *[(layer, {}) for layer in CELLS],
    ("GRU", {"reset_after": True}),
]
FLAGS = [
    dict(zip(("return_sequences", "go_backwards"), said, strict=True))
    for said in itertools.product((False, True), repeat=2)
]


def a_case(layer: str, seed: int = 0, mask: Any = MASK, **parameters: Any) -> LayerCase:
    random = np.random.default_rng(seed)
    gates = {} if layer == "SimpleRNN" else {"recurrent_activation": "sigmoid"}
    if layer == "GRU":
        gates["reset_after"] = parameters.pop("reset_after", False)
    x = random.uniform(-2.0, 2.0, (5, 4, 2))
    bare = LayerCase(layer, {"units": 3, **gates, **parameters}, x, mask)
    weights = tuple(random.uniform(-1.0, 1.0, shape) for shape in weight_shapes(bare))
    return replace(bare, weights=weights)


def cases(layer: str, seeds: int = 2, **parameters: Any) -> Iterator[LayerCase]:
    for seed, flags in itertools.product(range(seeds), FLAGS):
        yield a_case(layer, seed, **flags, **parameters)


def ask(subject: Any, case: LayerCase) -> Done:
    arrays = {"x": case.x, **{f"weight{i}": each for i, each in enumerate(case.weights)}}
    if case.mask is not None:
        arrays["mask"] = case.mask
    asked = {"layer": case.layer, "arguments": dict(case.parameters)}
    asked.update(cut=case.cut, reset=case.reset)
    task = Task("layers.forward", asked, arrays)
    done = subject.perform(task, timeout=240.0)
    assert isinstance(done, Done), done
    return done


def used(done: Done, case: LayerCase) -> float:
    """The largest error of a subject as a share of its bound."""
    said = forward(case)
    balls = {"output": said.output}
    balls.update({f"state{i}": each for i, each in enumerate(said.states)})
    assert set(done.arrays) == set(balls)
    return max(share(done.arrays[name], ball) for name, ball in balls.items())


def share(found: Any, ball: Ball) -> float:
    assert found.shape == ball.value.shape
    apart = np.abs(np.asarray(found, np.float64) - ball.value)
    safe = np.where(ball.radius > 0.0, ball.radius, 1.0)
    return float(np.max(np.where(ball.radius > 0.0, apart / safe, np.where(apart > 0, np.inf, 0))))


# -- the case


def test_a_case_survives_a_file() -> None:
    case = a_case("LSTM")
    again = LayerCase.from_dict(json.loads(json.dumps(case.to_dict())))
    assert again.to_dict() == case.to_dict()
    assert replace(case, mask=None).to_dict()["mask"] is None


def test_a_case_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(5, 4\)"):
        a_case("LSTM", mask=MASK[:, :2])
    with pytest.raises(ValueError, match="not a layer case"):
        LayerCase.from_dict({"layer": "LSTM"})
    with pytest.raises(ValueError, match="weights of shapes"):
        forward(replace(a_case("LSTM"), weights=()))
    with pytest.raises(ValueError, match="no recurrent layer"):
        forward(replace(a_case("LSTM"), layer="Dense"))


# -- the oracle


@pytest.mark.parametrize(("layer", "parameters"), VARIANTS)
def test_the_definition_keeps_the_law_of_compaction(layer: str, parameters: Any) -> None:
    """At valid steps: what the sequence gives with its masked steps cut out."""
    for case in cases(layer, **parameters):
        whole = forward(case)
        for row, valid in enumerate(MASK[:-1]):
            short = replace(case, x=case.x[row][valid][None], mask=None)
            alone = forward(short)
            for state, same in zip(whole.states, alone.states, strict=True):
                assert np.array_equal(state.value[row], same.value[0])
            if case.parameters["return_sequences"]:
                order = valid[::-1] if case.parameters["go_backwards"] else valid
                assert np.array_equal(whole.output.value[row][order], alone.output.value[0])


@pytest.mark.parametrize("layer", CELLS)
def test_an_empty_sequence_leaves_zeros(layer: str) -> None:
    said = forward(a_case(layer, return_sequences=True))
    assert not said.output.value[-1].any()
    assert not any(state.value[-1].any() for state in said.states)


def test_a_mask_of_numbers_masks_where_it_is_zero() -> None:
    plain = forward(a_case("LSTM", return_sequences=True))
    for dtype in ("int32", "float32"):
        case = a_case("LSTM", mask=MASK.astype(dtype), return_sequences=True)
        assert case.mask is not None
        assert case.mask.dtype == dtype
        again = LayerCase.from_dict(json.loads(json.dumps(case.to_dict())))
        assert again.to_dict() == case.to_dict()
        assert np.array_equal(forward(case).output.value, plain.output.value)
    with pytest.raises(ValueError, match="float64"):
        a_case("LSTM", mask=MASK.astype("float64"))


def test_a_cut_needs_steps_on_either_side() -> None:
    for cut in (0, 4):
        with pytest.raises(ValueError, match="cannot be cut"):
            replace(a_case("GRU"), cut=cut)


@pytest.mark.parametrize("layer", CELLS)
def test_two_calls_are_one_where_the_state_is_kept(layer: str) -> None:
    case = a_case(layer, return_sequences=True)
    whole, cut = layer_calls(case), layer_calls(replace(case, cut=2))
    outputs = [cut["output"].value, cut[THEN + "output"].value]
    assert np.array_equal(np.concatenate(outputs, axis=1), whole["output"].value)
    assert np.array_equal(cut[THEN + "state0"].value, whole["state0"].value)
    reset = layer_calls(replace(case, cut=2, reset=True))
    _, second = parts(replace(case, cut=2))
    assert np.array_equal(reset[THEN + "output"].value, layer_calls(second)["output"].value)


def test_outputs_that_the_first_call_leaves() -> None:
    case = replace(a_case("LSTM", return_sequences=True), cut=2)
    # The second row ends in the first call; the third has its next valid step first.
    assert held_over(case)[..., 0].tolist() == [
        [False, False],
        [True, True],
        [False, False],
        [False, False],
        [False, False],
    ]
    assert held_over(replace(case, parameters={"units": 3}))[:, 0].tolist() == [
        False, True, False, False, False,
    ]  # fmt: skip
    assert not held_over(replace(case, reset=True)).any()


def test_the_ways_to_merge_are_those_of_the_parts() -> None:
    pair = recurrent_corners()[0]
    said = {}
    for mode in MERGE_MODES:
        flags = {**pair.details["flags"], "merge_mode": mode}
        asked = replace(pair, details={**pair.details, "flags": flags})
        said[mode] = layer_calls(layer_case(asked, "bidirectional-gru"))
    one, other = said[None]["output"].value, said[None]["backward"].value
    assert np.array_equal(said["concat"]["output"].value, np.concatenate([one, other], axis=-1))
    assert np.array_equal(said["sum"]["output"].value, one + other)
    assert np.array_equal(said["mul"]["output"].value, one * other)
    assert np.array_equal(said["ave"]["output"].value, (one + other) / 2)


# -- real releases


@pytest.fixture(scope="module")
def current() -> Iterator[Any]:
    subject = open_subject("current")
    yield subject
    subject.close()


def agrees(subject: Any, seeds: int = 2) -> None:
    worst = 0.0
    for layer, parameters in VARIANTS:
        for case in cases(layer, seeds, **parameters):
            share_of_case = used(ask(subject, case), case)
            assert share_of_case <= 1.0, (case.layer, case.parameters, share_of_case)
            worst = max(worst, share_of_case)
    # A bound that nothing comes near would hide a fault.
    assert worst > 0.01


def test_the_installed_release_computes_the_definition(current: Any) -> None:
    agrees(current)


def test_masked_content_reaches_nothing(current: Any) -> None:
    for layer in CELLS:
        case = a_case(layer, return_sequences=True)
        other = replace(case, x=np.where(MASK[..., None], case.x, 1e6))
        first, second = ask(current, case), ask(current, other)
        for name, found in first.arrays.items():
            assert np.array_equal(found, second.arrays[name]), (layer, name)


def test_zeros_for_masked_steps(current: Any) -> None:
    for layer in CELLS:
        case = a_case(layer, return_sequences=True, zero_output_for_mask=True)
        assert used(ask(current, case), case) <= 1.0


def unrolled_to_the_wrong_steps(case: LayerCase) -> bool:
    """A listed deviation: the finding `unrolled-recurrent-layers`."""
    given = case.parameters
    backwards = given.get("go_backwards") or case.layer == "Bidirectional"
    return bool(given.get("unroll") and given.get("zero_output_for_mask") and backwards)


def test_unrolled_layers_are_as_defined(current: Any) -> None:
    asked = [layer_case(pair, name) for pair in recurrent_corners() for name in KINDS]
    unrolled = [case for case in asked if case.parameters.get("unroll")]
    right = [case for case in unrolled if not unrolled_to_the_wrong_steps(case)]
    assert 0 < len(right) < len(unrolled)
    for case in right:
        assert used(ask(current, case), case) <= 1.0


@pytest.mark.parametrize("name", [each for each in KINDS if each.partition("-")[2]])
def test_wrapped_and_stateful_layers_are_as_defined(current: Any, name: str) -> None:
    worst = 0.0
    for pair in recurrent_corners():
        case = layer_case(pair, name)
        if unrolled_to_the_wrong_steps(case):
            continue
        done, balls = ask(current, case), layer_calls(case)
        assert set(done.arrays) == set(balls)
        for key, ball in balls.items():
            radius = ball.radius
            if key == THEN + "output":  # a listed deviation
                radius = np.where(held_over(case), np.inf, radius)
            found = share(done.arrays[key], Ball(ball.value, radius))
            assert found <= 1.0, (case.parameters, key, found)
            worst = max(worst, found)
    assert worst > 0.01


@pytest.mark.slow
def test_the_tangent_of_the_installed_release_is_as_exact_as_assumed() -> None:
    import tensorflow as tf

    ends = np.array([2.0**-126, 32.0], np.float32).view(np.uint32)
    x = np.arange(*ends, 997, dtype=np.uint32).view(np.float32)
    exact = np.tanh(x.astype(np.float64))
    worst = np.max(np.abs(tf.tanh(x).numpy().astype(np.float64) - exact) / exact) * 2.0**24
    assert TANH_ROUNDINGS / 4.0 <= worst <= TANH_ROUNDINGS


@pytest.mark.releases
@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["keras-3.0.5", "keras-3.15.1-torch", "keras-3.15.1-jax", "tf-2.15.1", "keras-2.2.5"],
)
def test_other_releases_compute_the_definition(name: str) -> None:
    subject = open_subject(name)
    try:
        agrees(subject, seeds=1)
    finally:
        subject.close()


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, id=fault.name, marks=[pytest.mark.slow] if number else [])
        for number, fault in enumerate(keras_3_15_recurrent.FAULTS)
    ],
)
def test_a_fault_in_a_recurrent_layer_is_killed(fault: Fault, tmp_path: Path) -> None:
    judge(fault, *check(fault.killed_by, path=plant(fault, installed("keras"), tmp_path)))


@pytest.mark.slow
def test_a_finding_shows_the_call_and_its_script_makes_it(tmp_path: Path) -> None:
    _, report = check("layer-forward", profile="smoke")
    held = next(each for each in report["findings"] if each["stage"] == "held-output")
    call = LayerCase.from_dict(held["details"]["call"])
    assert (call.layer, call.cut, len(call.weights)) == ("LSTM", 2, 3)
    source = repro_script(Finding(**held), {})
    assert source is not None
    assert "keras.layers.LSTM(units=3" in source
    script = tmp_path / "repro.py"
    script.write_text(source)
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert run.returncode == 1, run.stdout + run.stderr
    assert "observed: 0.0" in run.stdout


@pytest.mark.releases
@pytest.mark.parametrize("name", ["keras-2.0.9", "keras-2.3.1", "tf-2.15.1", "keras-3.15.1-torch"])
def test_other_releases_keep_the_laws(name: str) -> None:
    for select in ("layer-forward", "recurrent-compaction"):
        status, report = check(select, subject=name, profile="smoke")
        assert status == 0, [each["title"] for each in report["findings"]]
        assert report["results"][0]["verdict"] in ("holds", "known")
