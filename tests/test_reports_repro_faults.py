"""Scripts of findings about layers called twice, several outputs and replicas, run for real.

Each says that the behaviour is there where it is, and that it is gone where it is not.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faults import keras_3_15_metrics, keras_3_15_recurrent
from faults.planting import Fault, plant
from sample_run import SUBJECT, finding
from test_planted_faults import check, installed

from maskgate.case import Case, LossSpec
from maskgate.case.layers import LayerCase
from maskgate.reports import repro_script
from maskgate.strategies import Pair
from maskgate.strategies.recurrent_calls import compacted, kept, layer_case
from maskgate.strategies.replicas import shared_batches
from maskgate.verdicts.model import Finding

FAULTS = {fault.name: fault for fault in (*keras_3_15_recurrent.FAULTS, *keras_3_15_metrics.FAULTS)}


def run(found: Finding, folder: Path, *, planted: Path | None = None) -> tuple[int, str]:
    """Exit status and output of a finding's script, with a folder put before everything else."""
    source = repro_script(found, SUBJECT)
    assert source is not None
    folder.mkdir(exist_ok=True)
    (folder / "repro.py").write_text(source, encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    if planted is not None:
        environment["PYTHONPATH"] = str(planted)
    command = [sys.executable, "repro.py"]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=environment, check=False
    )
    said = done.stdout
    assert "expected:" in said, said + done.stderr
    assert ("there" if done.returncode else "gone") in said.splitlines()[-1], said
    return done.returncode, said


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("masked-steps-let-the-state-through", marks=pytest.mark.slow),
        pytest.param("the-state-is-not-kept", marks=pytest.mark.slow),
        "an-output-without-its-loss-weight",
        pytest.param("what-is-added-is-halved", marks=pytest.mark.slow),
    ],
)
def test_a_script_tells_the_fault_from_the_framework_without_it(name: str, tmp_path: Path) -> None:
    fault: Fault = FAULTS[name]
    planted = plant(fault, installed("keras"), tmp_path / "planted")
    _, report = check(fault.killed_by, path=planted, profile="default")
    found = [Finding(**each) for each in report["findings"] if each["verdict"] == "new"]
    assert found
    assert run(found[0], tmp_path / "run", planted=planted)[0] == 1
    assert run(found[0], tmp_path / "run")[0] == 0


def rows(mask: Any) -> Pair:
    """Two samples of four steps; the numbers at masked steps are large."""
    x = np.where(np.array(mask)[..., None], np.linspace(-1.0, 1.0, 16).reshape(2, 4, 2), 2.0)
    case = Case(LossSpec.of("mse"), "sum", "float32", np.zeros_like(x), x, np.array(mask))
    flags = {"return_sequences": True, "go_backwards": True}
    return Pair(case, None, {"flags": flags, "seed": 1})


def of_row(name: str, part: str, index: list[int], *, wrong: bool, mode: str) -> Finding:
    """That the second row of a batch is not the row alone; wrong where another row stands alone."""
    pair = rows([[True, True, False, True], [True, False, False, True]])
    call = layer_case(pair, name)
    alone = compacted(call, 1)
    if wrong:
        alone = replace(alone, x=alone.x[:, ::-1])
    details = {
        "call": call.to_dict(),
        "alone": alone.to_dict(),
        "row": 1,
        "kept": [steps.tolist() for steps in kept(call, 1)],
    }
    return finding(
        pair.case,
        details=details,
        mode=mode,
        bound=1e-5,
        recipe={"relation": "row-alone", "part": part, "index": index},
    )


@pytest.mark.parametrize("wrong", [False, True])
@pytest.mark.parametrize(
    ("name", "part", "index", "mode"),
    [
        ("lstm", "output", [1, 2], "eager"),
        pytest.param("stateful-gru", "output", [1, 0], "graph", marks=pytest.mark.slow),
        pytest.param("stateful-lstm", "state1", [1], "eager", marks=pytest.mark.slow),
        pytest.param("gru", "state0", [1], "graph", marks=pytest.mark.slow),
    ],
)
def test_a_row_of_a_batch_beside_the_row_alone(
    name: str, part: str, index: list[int], mode: str, *, wrong: bool, tmp_path: Path
) -> None:
    found = of_row(name, part, index, wrong=wrong, mode=mode)
    assert run(found, tmp_path)[0] == wrong


@pytest.mark.parametrize("wrong", [False, True])
def test_a_call_that_is_refused_is_shown(wrong: bool, tmp_path: Path) -> None:
    pair = rows([[True, True, False, True], [True, False, False, True]])
    call = layer_case(pair, "lstm")
    if wrong:
        call = LayerCase(**{**vars(call), "parameters": {**call.parameters, "units": -1}})
    found = finding(
        pair.case,
        details={"call": call.to_dict()},
        mode="eager",
        recipe={"relation": "layer-call", "part": "answer"},
    )
    assert run(found, tmp_path)[0] == wrong


@pytest.mark.slow
@pytest.mark.parametrize("extra", ["", "regulariser", "add_loss"])
@pytest.mark.parametrize("wrong", [False, True])
def test_two_outputs(extra: str, wrong: bool, tmp_path: Path) -> None:
    mask = np.array([[True, False]])
    x = np.array([[[2.0, 4.0], [0.0, 0.0]]])
    left = Case(LossSpec.of("mse"), "sum_over_batch_size", "float32", np.ones_like(x), x, mask)
    right = left.with_(y_true=np.zeros_like(x))
    # Means of squares over one valid step: (1 + 9) / 2 and (4 + 16) / 2.
    added = {"": 0.0, "regulariser": 0.125 * 2.0, "add_loss": 0.125 * 20.0}[extra]
    found = finding(
        left,
        right,
        details={"loss_weights": [2.0, 0.5], "extra": extra},
        mode="eager",
        expected=2.0 * 5.0 + 0.5 * 10.0 + added + wrong,
        bound=1e-4,
        recipe={"relation": "outputs-equal-expected", "name": "whole", "part": "whole"},
    )
    assert run(found, tmp_path)[0] == wrong


@pytest.mark.slow
@pytest.mark.parametrize(("batch", "status"), [(0, 1), (2, 0)])
def test_a_step_that_replicas_share(batch: int, status: int, tmp_path: Path) -> None:
    # 4 and 3 valid steps a replica, whose means are weighted alike; then 4 and 4.
    pair = shared_batches()[batch]
    found = finding(
        pair.case,
        details=dict(pair.details),
        mode="graph",
        bound=1e-4,
        recipe={
            "relation": "trained-agree",
            "entry": "replicas",
            "against": "whole",
            "part": "value",
            "index": [0],
        },
    )
    code, said = run(found, tmp_path)
    assert code == status
    assert "NaN" not in said
    assert "Error" not in said
