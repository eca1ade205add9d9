"""`maskgate trace` on real models: the right answer, and one sentence where there is none."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from maskgate import environments
from maskgate.cli.app import run
from maskgate.engines.trace import TraceRequest, trace
from maskgate.engines.trace_found import Trace
from maskgate.reports.trace_report import trace_schema
from maskgate.subjects import WorkerSubject, open_subject

HERE = Path(__file__).parent
MODELS = HERE / "traced"
PAGE = HERE.parent / "docs" / "trace.md"


@pytest.fixture(scope="module")
def subject() -> Iterator[WorkerSubject]:
    with open_subject("current", timeout=300) as opened:
        yield opened


@pytest.fixture(autouse=True)
def in_the_folder_of_the_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(MODELS / "user_models.py", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ways(found: Trace) -> dict[str, str]:
    """What became of the mask, by class of the layer."""
    return {layer.kind: layer.way for layer in found.layers if layer.number}


def ask(subject: WorkerSubject, name: str, **more: str) -> Trace:
    return trace(subject, TraceRequest(f"user_models:{name}", **more))  # type: ignore[arg-type]


def test_the_model_of_the_question(subject: WorkerSubject) -> None:
    found = ask(subject, "question")
    assert found.failures == ()
    assert found.answer == "Yes, labels of masked steps are ignored."
    assert found.exit_status == 0
    assert ways(found) == {"Masking": "made", "LSTM": "kept", "Dropout": "kept", "Dense": "kept"}
    (output,) = found.outputs
    assert output.labels["training_matters"] is False
    assert output.predictions["matters"] is False
    assert output.gradient["zero"] is True
    assert output.gradient["largest_valid"] > 0
    assert output.family.nearest == "valid-where"
    assert output.mask is not None
    assert 0 < output.mask.valid < 1
    assert found.longer["matters"] is False
    assert found.all_masked["weights"] == "same"


def test_a_custom_layer_that_forgets_the_mask(subject: WorkerSubject) -> None:
    found = ask(subject, "forgetting")
    assert found.exit_status == 1
    assert found.answer == (
        "No, labels of masked steps matter: forgetful (Forgetful) drops the mask with a warning "
        "before the loss."
    )
    (output,) = found.outputs
    assert output.labels["training_matters"] is True
    assert output.predictions["matters"] is True
    assert output.gradient["zero"] is False


def test_a_metric_of_hits_counts_masked_steps_where_the_mask_is_lost(
    subject: WorkerSubject,
) -> None:
    """Other labels alone may be misses like those before them: accuracy stays what it is."""
    found = ask(subject, "convolved_tagger")
    assert found.exit_status == 1
    assert [metric["name"] for metric in found.metrics] == ["accuracy"]
    # The lost mask does it, and no listed deviation of metrics.
    assert [each.about for each in found.known] == []


def test_a_failure_with_more_steps_is_short_and_linked(subject: WorkerSubject) -> None:
    found = ask(subject, "tagger")
    assert found.answer == "Yes, labels of masked steps are ignored."
    assert found.longer["skipped"].startswith("fed 9 steps, the model fails (InvalidArgumentError")
    assert "File" not in found.longer["skipped"]
    (known,) = found.known
    assert known.about == "more padding"
    assert known.link.endswith("time-distributed-over-the-batch")


def test_flatten_leaves_no_labels_to_mask_and_is_no_yes(subject: WorkerSubject) -> None:
    found = ask(subject, "flattened")
    assert found.exit_status == 1
    assert re.fullmatch(
        r"No, masked steps are not ignored: flatten\w* \(Flatten\) drops the mask with a warning "
        r"before the loss\.",
        found.answer,
    )


def test_a_mask_for_each_output(subject: WorkerSubject) -> None:
    found = ask(subject, "two_outputs")
    assert found.answer == "Yes, labels of masked steps are ignored."
    assert [output.name for output in found.outputs] == ["a", "b"]
    one, other = (found.arrays[f"mask_{number}"] for number in (0, 1))
    assert one.shape == other.shape
    assert (one != other).any()
    assert {output.family.nearest for output in found.outputs} == {"valid-where"}


def test_a_batch_without_padding_tells_nothing(subject: WorkerSubject) -> None:
    found = ask(subject, "question", data="user_models:unpadded")
    assert found.answer == "It cannot be told: no step of the batch is masked."
    assert found.exit_status == 1


def test_an_operation_that_is_no_layer_loses_the_mask(subject: WorkerSubject) -> None:
    found = ask(subject, "subclassed", data="user_models:batch")
    assert found.exit_status == 1
    assert "an operation that is no layer loses the mask in front of" in found.answer
    assert found.made_up is False


def test_an_operation_in_a_functional_model_drops_the_mask(subject: WorkerSubject) -> None:
    found = ask(subject, "multiplied")
    assert found.exit_status == 1
    assert ways(found)["Multiply"] == "dropped silently"
    assert "(Multiply) drops the mask silently" in found.answer


def test_a_loss_of_the_users_own_has_no_family(subject: WorkerSubject) -> None:
    found = ask(subject, "own_loss")
    assert found.answer == "Yes, labels of masked steps are ignored."
    assert found.outputs[0].family.skipped == "Own has no formula here"


def test_one_label_a_sample(subject: WorkerSubject) -> None:
    found = ask(subject, "last_step")
    assert found.exit_status == 0
    assert "(LSTM) uses the mask up" in found.answer


def test_a_model_without_a_mask_and_without_compile(subject: WorkerSubject) -> None:
    assert ask(subject, "without_mask").answer.startswith("Nothing is masked")
    found = ask(subject, "not_compiled")
    assert found.notes == ("the model is not compiled: it was compiled with mse and sgd",)


@pytest.mark.parametrize(
    ("name", "data", "status", "words"),
    [
        ("broken", None, 3, "building the model raised RuntimeError: no such thing"),
        ("not_a_model", None, 2, "it is no Keras model but an object of class int"),
        ("nothing", None, 2, "module user_models has no nothing"),
        ("question", "wrong_width", 2, "the model does not take it"),
        ("question", "too_few_labels", 2, "its arrays hold 2 and 3 samples"),
        ("question", "not_a_model", 2, "making the batch raised"),
        ("subclassed", None, 2, "the model does not say what its inputs are"),
    ],
)
def test_what_cannot_be_traced_is_one_sentence(
    subject: WorkerSubject, name: str, data: str | None, status: int, words: str
) -> None:
    more = {} if data is None else {"data": f"user_models:{data}"}
    found = ask(subject, name, **more)
    (failure,) = found.failures
    assert words in failure.found
    assert "\n" not in str(failure)
    assert failure.hint
    if (name, data) != ("question", "not_a_model"):
        assert found.exit_status == status


def test_a_module_or_a_file_that_is_not_there(subject: WorkerSubject, tmp_path: Path) -> None:
    (tmp_path / "text.keras").write_text("no model")
    (tmp_path / "text.h5").write_text("no model")
    (tmp_path / "folder").mkdir()
    for target, words in (
        ("nowhere:model", "there is no module nowhere"),
        ("model.keras", "there is no such file"),
        ("text.keras", "it is no .keras file"),
        ("text.h5", "cannot read it as a model"),
        ("folder", "reads no such file as a model"),
        ("user_models", "no such file, and no pkg.module:NAME"),
    ):
        found = trace(subject, TraceRequest(target))
        assert found.exit_status == 2, target
        assert words in found.failures[0].found
        assert "\n" not in str(found.failures[0])


def test_no_bytecode_is_left_beside_the_users_module(
    subject: WorkerSubject, tmp_path: Path
) -> None:
    ask(subject, "nothing")
    assert not (tmp_path / "__pycache__").exists()


def test_the_command_line_writes_all_of_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    status = run(["trace", "user_models:convolved", "--format", "json", "--out", "out"])
    printed = capfd.readouterr()
    assert status == 1
    document = json.loads(printed.out)
    jsonschema.Draft202012Validator(trace_schema()).validate(document)
    assert document["answer"].startswith("No, labels of masked steps matter: conv1d")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"trace.html", "trace.json", "trace.md", "mask.svg", "gradient.svg"}
    assert json.loads((tmp_path / "out" / "trace.json").read_text()) == document


def test_the_command_line_refuses_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["trace", "user_models:broken", "--out", "out"]) == 3
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("maskgate: user_models:broken: building the model raised")
    assert list((tmp_path / "out").iterdir()) == []


def test_labels_matter_in_training_where_the_slope_tells_only_their_side(
    subject: WorkerSubject,
) -> None:
    (output,) = ask(subject, "convolved_mae").outputs
    assert (output.labels["matters"], output.labels["training_matters"]) == (True, True)


@pytest.mark.slow
def test_twenty_layers_in_nested_models(subject: WorkerSubject) -> None:
    found = ask(subject, "nested")
    assert found.answer == "Yes, labels of masked steps are ignored."
    assert len([layer for layer in found.layers if layer.number]) > 20
    assert max(layer.depth for layer in found.layers) == 1
    assert {layer.way for layer in found.layers if layer.number} == {"made", "kept"}


SAVE = """
import sys, user_models
user_models.question().save(sys.argv[1])
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_a_saved_model_is_traced_and_not_changed(
    subject: WorkerSubject, tmp_path: Path, name: str
) -> None:
    subprocess.run([sys.executable, "-c", SAVE, name], check=True, cwd=tmp_path)
    before = (tmp_path / name).read_bytes(), (tmp_path / name).stat().st_mtime_ns
    found = trace(subject, TraceRequest(name))
    assert found.answer == "Yes, labels of masked steps are ignored."
    assert ((tmp_path / name).read_bytes(), (tmp_path / name).stat().st_mtime_ns) == before


@pytest.mark.slow
def test_the_page_shows_what_the_commands_say(tmp_path: Path) -> None:
    text = PAGE.read_text()
    (code,) = re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)
    (tmp_path / "my_models.py").write_text(code)
    (block,) = re.findall(r"^```console\n(.*?)^```$", text, re.M | re.S)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for command, status in zip(block.splitlines(), (0, 1), strict=True):
        done = subprocess.run(
            [sys.executable, "-m", *command.split()],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stderr
        assert done.stderr == ""
        assert f"`{done.stdout.splitlines()[0]}`" in " ".join(text.split())
    for name in re.findall(r"^\* `([\w.]+)`", text, re.M):
        assert (tmp_path / "traced" / name).is_file()


YES = "Yes, labels of masked steps are ignored"
NAN = ", except that a batch of nothing but masked steps turns the weights into NaN."


@pytest.mark.releases
@pytest.mark.parametrize(
    ("release", "name", "status", "answer"),
    [
        ("keras-2.0.9", "question", 0, YES + NAN),
        ("keras-2.2.4", "question", 0, YES + NAN),
        ("keras-2.2.5", "question", 0, f"{YES}."),
        ("keras-2.2.5", "two_outputs", 0, f"{YES}."),
        ("keras-2.2.5", "nested", 0, f"{YES}."),
        ("keras-2.3.1", "question", 0, f"{YES}, except that more padding changes the loss."),
        ("keras-2.10.0", "two_outputs", 0, f"{YES}, except that more padding changes the loss."),
        ("tf-2.15.1", "question", 0, YES + NAN),
        ("tf-2.15.1", "forgetting", 1, "No, labels of masked steps matter: forgetful"),
        ("tf-2.15.1", "nested", 0, YES + NAN),
        ("tf_keras-2.21.0", "question", 0, YES + NAN),
        ("keras-3.0.5", "question", 0, f"{YES}, except that accuracy counts them."),
        ("keras-3.4.1-jax", "question", 1, "No, labels of masked steps matter: the mask arrives"),
        ("keras-3.15.1-jax", "question", 0, f"{YES}."),
        ("keras-3.15.1-torch", "two_outputs", 0, f"{YES}."),
    ],
)
def test_other_releases(release: str, name: str, status: int, answer: str) -> None:
    with open_subject(release, timeout=600) as opened:
        found = trace(opened, TraceRequest(f"user_models:{name}", release, timeout=600))
    assert found.failures == ()
    assert found.answer.startswith(answer)
    assert found.exit_status == status


@pytest.mark.releases
def test_a_saved_model_folder(tmp_path: Path) -> None:
    python = environments.ensure(environments.get("tf-2.15.1"))
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run([python, "-c", SAVE, "saved"], check=True, cwd=tmp_path, env=clean)
    with open_subject("tf-2.15.1", timeout=600) as opened:
        found = trace(opened, TraceRequest("saved", "tf-2.15.1"))
    assert found.failures == ()
    assert found.answer == YES + NAN


@pytest.mark.releases
def test_a_layer_that_refuses_a_mask_refuses_to_be_built(tmp_path: Path) -> None:
    assert (tmp_path / "user_models.py").is_file()
    with open_subject("keras-2.2.5", timeout=600) as opened:
        found = trace(opened, TraceRequest("user_models:flattened", "keras-2.2.5"))
    assert found.exit_status == 3
    assert "does not support masking" in found.failures[0].found
