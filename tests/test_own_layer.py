"""A user's own layer: what it takes is found out, what it makes of masked steps is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import own_layers
import pytest

from maskgate.engines import own_layer_laws as laws
from maskgate.engines.catalogue import properties, selected
from maskgate.engines.here import name_of
from maskgate.engines.outcome import Outcome
from maskgate.engines.own_layer_examination import NAME_ONE
from maskgate.subjects import InProcess, load_adapter
from maskgate.testing import assert_layer_keeps_laws, check_layer, check_loss

ROOT = Path(__file__).resolve().parents[1]


def checked(layer: Any, *names: str) -> dict[str, Outcome]:
    return {each.result.property: each for each in check_layer(layer, select=names)}


def said_of(layer: Any) -> Any:
    own = {"name": name_of(layer), "role": "layer", "target": layer}
    return InProcess(load_adapter(own=own)).describe().extra["own"]


# -- what is named


@pytest.mark.parametrize(
    ("layer", "broken"),
    [
        (own_layers.DividesByAll, {"layer-padding": laws.PADDED, "layer-compaction": ""}),
        (
            own_layers.MultipliesByMask,
            {"layer-under-mask-nonfinite": laws.NONFINITE, "layer-empty-row": laws.EMPTY},
        ),
        (
            own_layers.UnmaskedAttention,
            {
                "layer-under-mask": laws.CONTENT,
                "layer-under-mask-nonfinite": "",
                "layer-padding": laws.PADDED,
            },
        ),
        (own_layers.Forgets, {"layer-mask-handed-on": laws.DROPPED}),
        (own_layers.MixesRows, {"layer-batch-permutation": laws.MIXED, "layer-under-mask": ""}),
        (own_layers.AddsToFloats, {"layer-mask-dtype": laws.MASK_DTYPE}),
    ],
)
def test_a_mistake_is_named_with_a_minimal_batch(layer: Any, broken: dict[str, str]) -> None:
    outcomes = checked(layer, *broken)
    for name, mistake in broken.items():
        outcome = outcomes[name]
        assert outcome.result.verdict == "new", name
        (finding,) = outcome.findings
        assert mistake in finding.title
        assert finding.stage == "own"
        assert finding.case is not None
        assert int(np.prod(finding.case["y_pred"]["shape"][:-1])) <= 4


@pytest.mark.parametrize(
    "layer", [own_layers.MaskedAverage, own_layers.Attention, own_layers.lstm, own_layers.Two]
)
def test_a_right_layer_keeps_all_of_them(layer: Any) -> None:
    outcomes = checked(layer)
    assert set(outcomes) == {info.name for info in properties() if info.of_layer}
    verdicts = {name: each.result.verdict for name, each in outcomes.items()}
    skipped = {name for name, verdict in verdicts.items() if verdict == "skipped"}
    assert set(verdicts.values()) <= {"holds", "skipped"}, verdicts
    assert skipped <= {"layer-mask-handed-on", "layer-compaction"}
    assert all(each.result.examples >= 15 for each in outcomes.values() if each.result.examples)


def test_a_layer_of_the_framework_is_asked_too() -> None:
    """Its mean divides by the number of valid steps, which may be 0."""
    names = ("layer-padding", "layer-under-mask-nonfinite", "layer-empty-row")
    outcomes = checked(keras.layers.GlobalAveragePooling1D, *names)
    verdicts = [outcomes[name].result.verdict for name in names]
    assert verdicts == ["holds", "holds", "new"]
    assert outcomes["layer-empty-row"].findings[0].observed == "nan"


def test_the_assertion_shows_the_batch() -> None:
    assert_layer_keeps_laws(own_layers.MaskedAverage(), select=["layer-padding"])
    with pytest.raises(AssertionError) as caught:
        assert_layer_keeps_laws(own_layers.UnmaskedAttention(), select=["layer-under-mask"])
    text = str(caught.value)
    assert text.startswith("the layer does not keep 1 of the laws: layer-under-mask\n")
    assert "inputs" in text
    assert "labels" not in text


# -- what it takes


def test_what_a_layer_takes_is_found_out() -> None:
    said = said_of(own_layers.MaskedAverage)
    assert (said["form"], said["features"], said["steps"]) == ("class", 3, None)
    assert (said["pooled"], said["even"], said["skips"]) == ([True], True, True)
    assert said_of(own_layers.lstm)["form"] == "function"
    assert said_of(own_layers.lstm)["pooled"] == [False]
    assert said_of(own_layers.FourSteps())["steps"] == 4
    assert said_of(own_layers.Two)["pooled"] == [True, False]
    built = keras.layers.Dense(2)
    built.build((None, None, 5))
    assert said_of(built)["features"] == 5
    strided = said_of(keras.layers.AveragePooling1D(2))
    assert (strided["pooled"], strided["even"]) == ([False], False)


def test_what_a_layer_cannot_take_is_skipped_for_a_reason() -> None:
    outcomes = checked(own_layers.FourSteps, "layer-padding", "layer-under-mask")
    assert outcomes["layer-under-mask"].result.verdict == "holds"
    padding = outcomes["layer-padding"].result
    assert (padding.verdict, padding.reason) == ("skipped", "it takes batches of 4 steps alone")
    (refused,) = checked(own_layers.RefusesMasks, "layer-under-mask").values()
    reason = str(refused.result.reason)
    assert reason.startswith("it refuses a mask: ValueError: ")
    assert "no masks here" in reason
    assert reason.isprintable()
    (loud,) = checked(own_layers.RefusesMasks, "layer-mask-handed-on").values()
    assert loud.result.verdict == "holds"


def test_properties_of_layers_and_of_losses_are_not_mixed() -> None:
    assert not any(info.of_layer for info in selected())
    assert all(info.of_layer for info in selected(layer=True))
    (outcome,) = checked(own_layers.MaskedAverage, "empty-mask").values()
    assert (outcome.result.verdict, outcome.result.reason) == (
        "skipped",
        "about losses, not layers",
    )
    loss = keras.losses.MeanSquaredError()
    (other,) = check_loss(loss, select=["layer-padding"])
    assert (other.result.verdict, other.result.reason) == ("skipped", NAME_ONE)


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (own_layers.Sized, "own_layers:Sized needs arguments: size; give a layer"),
        (own_layers.NUMBER, "builtins:int is int, which is no layer; give a layer class"),
        (dict, "which is no layer"),
        (own_layers.Random, "answers the same batch otherwise when it is asked again"),
        (own_layers.Summed, "gives an output without a row for each sample"),
        (own_layers.Broken, "does not answer a plain batch of shape"),
    ],
)
def test_what_is_no_such_layer_is_refused_in_a_sentence(layer: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        check_layer(layer)
    assert "\n" not in str(caught.value)


# -- the command line


def maskgate(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "mine.py").write_text((ROOT / "tests" / "own_layers.py").read_text())
    (folder / "pyproject.toml").touch()
    return subprocess.run(
        [sys.executable, "-m", "maskgate", "check", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "harness")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--layer", "layers.Mine"], "--layer layers.Mine: it is not of the form pkg.module:NAME"),
        (["--layer", "a:B", "--like", "mse"], "--like mse: there is no loss of yours"),
        (["--layer", "a:B", "--loss", "a:C"], "--loss with --layer: both are named"),
        (
            ["keras-2.2.5", "--layer", "a:B"],
            "--layer a:B: layers of keras-2.2.5 take no arrays, only graphs do; check a layer of",
        ),
    ],
)
def test_wrong_usage_is_one_sentence(tmp_path: Path, arguments: list[str], said: str) -> None:
    done = maskgate(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"maskgate: {said}")
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layer", "count"),
    [("DividesByAll", 2), ("UnmaskedAttention", 3), ("Forgets", 1), ("MultipliesByMask", 2)],
)
def test_the_command_writes_scripts_that_show_it(tmp_path: Path, layer: str, count: int) -> None:
    done = maskgate(tmp_path, "--layer", f"mine:{layer}", "--profile", "smoke", "--out", "report")
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"--layer mine:{layer}" in done.stdout
    scripts = sorted((tmp_path / "report").glob("findings/*/repro.py"))
    assert len(scripts) == count
    for script in scripts:
        command = [sys.executable, str(script)]
        shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert shown.returncode == 1, shown.stdout + shown.stderr


@pytest.mark.slow
def test_a_baseline_accepts_a_layer_and_json_is_one_document(tmp_path: Path) -> None:
    gate = ["--layer", "mine:DividesByAll", "--profile", "smoke", "--baseline", "accepted.json"]
    assert maskgate(tmp_path, *gate, "--accept").returncode == 0
    again = maskgate(tmp_path, *gate, "--format", "json")
    assert again.returncode == 0, again.stdout
    verdicts = [each["verdict"] for each in json.loads(again.stdout)["results"]]
    assert verdicts.count("known") == 2


@pytest.mark.releases
@pytest.mark.parametrize(
    "subject",
    ["tf-2.15.1", "tf_keras-2.21.0", "keras-3.0.5", "keras-3.15.1-torch", "keras-3.15.1-jax"],
)
def test_a_layer_on_other_releases(tmp_path: Path, subject: str) -> None:
    """A layer of the framework: an LSTM keeps the laws on every generation."""
    source = "{0}\n\n\ndef lstm():\n    return layers.LSTM(2, return_sequences=True)\n"
    module = "tf_keras" if subject.startswith("tf_keras") else "keras"
    (tmp_path / "framework.py").write_text(source.format(f"from {module} import layers"))
    done = maskgate(tmp_path, subject, "--layer", "framework:lstm", "--profile", "smoke")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 properties hold, 1 was skipped" in done.stdout
