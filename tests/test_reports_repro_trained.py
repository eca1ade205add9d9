"""Scripts of findings about models, metrics, class weights and layers, run for real."""

from __future__ import annotations

import os
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sample_run import SUBJECT, finding

from maskgate.case import Case, LossSpec, array_to_dict
from maskgate.case.layer_calls import LayerCall
from maskgate.reports import repro_script
from maskgate.strategies.layer_padding import refilled
from maskgate.verdicts.model import Finding

Run = Callable[[Finding], int]


def masked_samples() -> Case:
    """Four samples of which the first has three valid steps and the others one."""
    lengths = np.array([3, 1, 1, 1])
    mask = np.arange(3) < lengths[:, None]
    x = np.where(mask, np.arange(1.0, 5.0)[:, None], 0.0)[..., None]
    return Case(LossSpec.of("mse"), "sum_over_batch_size", "float32", np.zeros((4, 3, 1)), x, mask)


def told(case: Case, altered: Case | None = None, **changes: Any) -> Finding:
    """A finding of a model or metric."""
    return finding(case, altered, **{"mode": "eager", "stage": "formula", **changes})


@pytest.fixture
def exit_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[[Finding], int]:
    """Run a finding's script in this process; its exit status."""
    for name in ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
        monkeypatch.delenv(name)

    def run(found: Finding) -> int:
        source = repro_script(found, SUBJECT)
        assert source is not None
        path = tmp_path / "repro.py"
        path.write_text(source, encoding="utf-8")
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(path), run_name="__main__")
        said = capfd.readouterr().out
        assert "expected:" in said
        status = int(str(ended.value.code))
        assert ("there" if status else "gone") in said.splitlines()[-1], said
        return status

    return run


@pytest.mark.parametrize(("masked", "status"), [(True, 1), (False, 0)])
def test_batch_by_batch_against_all_at_once(masked: bool, status: int, exit_of: Run) -> None:
    case = masked_samples() if masked else masked_samples().with_(mask=None)
    found = told(
        case,
        bound=1e-4,
        details={"model": "masking" if masked else "identity", "batch_size": 2},
        recipe={"relation": "trained-agree", "entry": "evaluate", "against": "evaluate"},
    )
    assert exit_of(found) == status


@pytest.mark.parametrize(("expected", "status"), [(10.0, 0), (9.0, 1)])
@pytest.mark.parametrize("entry", ["fit", "fit-generator", "evaluate-dataset"])
def test_an_epoch_is_what_its_batches_make_of_it(
    entry: str, expected: float, status: int, exit_of: Run
) -> None:
    # Masked means of two batches, weighed by their samples: (1.75 + 12.5) / 2.
    found = told(
        masked_samples(),
        expected=7.125 if status == 0 else expected,
        bound=1e-4,
        details={"model": "masking", "batch_size": 2, "steps_per_execution": 2},
        mode="graph",
        recipe={"relation": "trained-equals-expected", "entry": entry},
    )
    assert exit_of(found) == status


@pytest.mark.parametrize(("expected", "status"), [(1.0 - 0.125 * 32.0 / 3.0, 0), (-0.5, 1)])
def test_a_step_by_the_gradient_of_the_loss(expected: float, status: int, exit_of: Run) -> None:
    # The squares of the valid steps sum up to 32, and there are six of them: dW = 2 * 32 / 6.
    found = told(
        masked_samples(),
        expected=expected,
        bound=1e-5,
        details={"model": "masking"},
        recipe={"relation": "trained-step", "part": "weights", "index": [0]},
    )
    assert exit_of(found) == status


def test_accumulated_gradients(exit_of: Run) -> None:
    found = told(
        masked_samples(),
        bound=1e-6,
        details={"model": "masking", "parts": 2},
        recipe={
            "relation": "trained-agree",
            "entry": "accumulated",
            "against": "whole",
            "index": [0],
        },
    )
    assert exit_of(found) == 1


@pytest.mark.parametrize("work", ["evaluate", "train"])
@pytest.mark.parametrize(
    ("form", "status"), [("keras", 0), ("config", 0), ("weights", 0), ("savedmodel", 1)]
)
def test_saved_copies(form: str, work: str, status: int, exit_of: Run) -> None:
    found = told(
        masked_samples(),
        details={"model": "masking", "format": form, "work": work},
        recipe={"relation": "survives-saving"},
    )
    assert exit_of(found) == status


def binary() -> Case:
    """One sample of two steps, the second masked."""
    return Case(
        LossSpec.of("bce"),
        "sum_over_batch_size",
        "float32",
        np.array([[[1.0], [0.0]]]),
        np.array([[[0.75], [0.25]]]),
        np.array([[True, False]]),
    )


@pytest.mark.parametrize("path", ["direct", "compiled"])
@pytest.mark.parametrize(("name", "status"), [("Precision", 1), ("BinaryAccuracy", 0)])
def test_a_metric_of_two_batches(path: str, name: str, status: int, exit_of: Run) -> None:
    case = binary()
    # A wrong label, and a prediction that counts as one, under the mask.
    altered = case.with_(y_pred=np.array([[[0.75], [0.875]]]))
    if path == "compiled":
        # A Masking layer goes by the zeros that it is fed: content there differs in labels alone.
        case, altered = (each.with_(y_pred=np.array([[[0.75], [0.0]]])) for each in (case, case))
        altered = altered.with_(y_true=np.array([[[1.0], [1.0]]]))
        name, status = ("Recall", status) if name == "Precision" else (name, status)
    found = told(
        case,
        altered,
        details={"path": path, "weighted": False},
        recipe={"relation": "metric-identical", "name": name, "part": name},
    )
    assert exit_of(found) == status


@pytest.mark.parametrize("path", ["direct", "compiled"])
@pytest.mark.parametrize("content", [np.nan, np.inf])
@pytest.mark.parametrize(
    ("name", "status"), [("MeanSquaredError", 1), ("TopKCategoricalAccuracy", 0)]
)
def test_a_metric_of_predictions_that_are_no_numbers(
    path: str, content: float, name: str, status: int, exit_of: Run
) -> None:
    x = np.arange(1.0, 15.0).reshape(1, 2, 7)
    mask = np.array([[True, False]])
    y_true = np.eye(7)[None, :2]
    case = Case(LossSpec.of("mse"), "sum_over_batch_size", "float32", y_true, x, mask)
    altered = case.with_(y_pred=np.where(mask[..., None], x, content))
    found = told(
        case,
        altered,
        details={"path": path, "weighted": False},
        recipe={"relation": "metric-identical", "name": name, "part": name},
    )
    assert exit_of(found) == status


@pytest.mark.parametrize(("expected", "status"), [(1.0, 0), (0.5, 1)])
def test_a_metric_by_its_formula(expected: float, status: int, exit_of: Run) -> None:
    found = told(
        binary(),
        expected=expected,
        bound=1e-6,
        details={"path": "direct", "weighted": True},
        recipe={"relation": "metric-equals-expected", "name": "BinaryAccuracy"},
    )
    assert exit_of(found) == status


@pytest.mark.parametrize(("weighted", "status"), [(True, 1), (False, 0)])
def test_a_metric_beside_the_loss(weighted: bool, status: int, exit_of: Run) -> None:
    case = masked_samples()
    if weighted:
        case = case.with_(sample_weight=np.array([[1.0] * 3, [2.0] * 3, [0.5] * 3, [1.0] * 3]))
    found = told(
        case,
        bound=1e-4,
        details={"path": "compiled", "weighted": True},
        recipe={"relation": "metric-is-loss", "name": "MeanSquaredError"},
    )
    assert exit_of(found) == status


ENTRIES = ("train_on_batch", "fit", "fit-generator", "fit-dataset", "fit-sequence")


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("expected", [1.5, 1.0])
def test_class_weights_of_samples(entry: str, expected: float, exit_of: Run) -> None:
    # Cross-entropies of log(2), weighted 1 and 2: their mean is 1.5 times log(2).
    case = Case(
        LossSpec.of("sparse_cce"),
        "sum_over_batch_size",
        "float32",
        np.array([0, 1], np.int32),
        np.full((2, 2), 0.5),
    )
    found = told(
        case,
        expected=expected * np.log(2.0),
        bound=1e-5,
        details={"model": "flat", "target": "sparse", "weights": [1.0, 2.0]},
        recipe={"relation": "class-weight", "name": entry},
    )
    # Class weights for a generator are refused, and the error says so.
    assert exit_of(found) == (0 if expected == 1.5 or entry == "fit-generator" else 1)


def test_class_weights_of_steps_are_no_clear_error(exit_of: Run) -> None:
    case = Case(
        LossSpec.of("sparse_cce"),
        "sum_over_batch_size",
        "float32",
        np.zeros((2, 3), np.int32),
        np.full((2, 3, 2), 0.5),
        np.ones((2, 3), bool),
    )
    found = told(
        case,
        expected="a loss, or an error about class_weight",
        details={"model": "masking", "target": "sparse-steps", "weights": [1.0, 2.0]},
        recipe={"relation": "class-weight", "name": "train_on_batch", "part": "answer"},
    )
    assert exit_of(found) == 1


def pooled(layer: str) -> LayerCall:
    """Two valid steps and a masked one."""
    x = np.array([[[1.0], [3.0], [0.0]]], np.float32)
    return LayerCall(layer, {}, (x,), (np.array([[True, True, False]]),))


def called(call: LayerCall, **changes: Any) -> Finding:
    details = {"call": call.to_dict(), **changes.pop("details", {})}
    return told(masked_samples(), details=details, **changes)


@pytest.mark.parametrize(("expected", "status"), [(2.0, 0), (4 / 3, 1)])
def test_a_masked_call_by_its_definition(expected: float, status: int, exit_of: Run) -> None:
    found = called(
        pooled("GlobalAveragePooling1D"),
        expected=expected,
        bound=1e-6,
        recipe={"relation": "masked-call", "part": "output", "index": [0, 0]},
    )
    assert exit_of(found) == status


@pytest.mark.parametrize(("wanted", "status"), [("[[1, 1, 0]]", 0), ("None", 1)])
def test_the_mask_that_a_call_hands_on(wanted: str, status: int, exit_of: Run) -> None:
    one = pooled("Add")
    both = LayerCall("Add", {}, one.inputs * 2, one.masks * 2)
    found = called(both, expected=wanted, recipe={"relation": "masked-call", "part": "mask"})
    assert exit_of(found) == status


@pytest.mark.parametrize(
    ("layer", "status"), [("GlobalMaxPooling1D", 1), ("GlobalAveragePooling1D", 0)]
)
def test_two_masked_calls(layer: str, status: int, exit_of: Run) -> None:
    call = pooled(layer)
    allowed = array_to_dict(np.full((1, 1), 1e-6))
    found = called(
        call,
        details={"altered_call": refilled(call, 0).to_dict(), "within": {"output": allowed}},
        recipe={"relation": "masked-calls", "part": "output"},
    )
    assert exit_of(found) == status


@pytest.mark.parametrize(("valid", "status"), [(True, 0), (False, 1)])
def test_the_mean_of_nothing_is_no_finite_number(valid: bool, status: int, exit_of: Run) -> None:
    call = pooled("GlobalAveragePooling1D")
    call = LayerCall(call.layer, {}, call.inputs, (np.full((1, 3), valid),))
    found = called(
        call,
        details={"altered_call": None},
        expected="a finite number",
        recipe={"relation": "masked-calls", "part": "value"},
    )
    assert exit_of(found) == status
