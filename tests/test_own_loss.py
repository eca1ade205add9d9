"""A user's own loss: what it takes is found out, what is wrong with it is named."""

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
import own_losses
import pytest

from maskgate.case import Case, LossSpec
from maskgate.engines import diagnosis
from maskgate.engines.catalogue import selected
from maskgate.engines.here import name_of
from maskgate.engines.outcome import Outcome
from maskgate.engines.own_loss import OwnLoss
from maskgate.oracle import Expected, Measured, Semantics, expect
from maskgate.strategies import NotTaken, Scope
from maskgate.subjects import InProcess, load_adapter
from maskgate.testing import (
    assert_loss_keeps_laws,
    assert_metric_keeps_laws,
    check_loss,
    check_metric,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]


def checked(loss: Any, *names: str, like: str | None = None) -> dict[str, Outcome]:
    outcomes = check_loss(loss, select=names, like=like)
    return {outcome.result.property: outcome for outcome in outcomes}


def said_of(loss: Any) -> Any:
    name = name_of(loss)
    own = {"name": name, "sparse": False, "target": loss}
    return InProcess(load_adapter(own=own)).describe().extra["own"]


# -- what is named


@pytest.mark.parametrize(
    ("loss", "property_", "mistake"),
    [
        (own_losses.NotInDenominator, "constant-loss", diagnosis.COUNTED),
        (own_losses.UnsafeWhere, "labels-under-mask-nonfinite", diagnosis.UNSAFE_GRADIENT),
        (own_losses.DividesByZero, "empty-mask", diagnosis.EMPTY_VALUE),
        pytest.param(
            *(own_losses.Unmasked, "labels-under-mask", diagnosis.IGNORED), marks=pytest.mark.slow
        ),
        pytest.param(
            *(own_losses.Centred, "labels-under-mask", diagnosis.MIXED), marks=pytest.mark.slow
        ),
    ],
)
def test_a_mistake_is_named_with_a_minimal_batch(loss: Any, property_: str, mistake: str) -> None:
    (outcome,) = checked(loss, property_).values()
    assert outcome.result.verdict == "new"
    new = [finding for finding in outcome.findings if finding.verdict == "new"]
    assert mistake in new[0].title
    for finding in new:
        assert finding.case is not None
        assert int(np.prod(finding.case["y_pred"]["shape"][:-1])) <= 2
        assert finding.case["loss"]["name"] == f"own_losses:{loss.__name__}"


@pytest.mark.parametrize(
    ("loss", "verdict"), [(own_losses.Unmasked, "holds"), (own_losses.CoarseInHalf, "new")]
)
def test_a_loss_without_mask_is_no_fault_of_precision(loss: Any, verdict: str) -> None:
    (outcome,) = checked(loss, "low-precision").values()
    assert outcome.result.verdict == verdict
    assert all(finding.bound != 0.0 for finding in outcome.findings)


def test_a_loss_without_mask_is_no_fault_of_a_mode() -> None:
    """The bounds are of the right formula: what takes in more is rounded more."""
    (outcome,) = checked(own_losses.Averaged, "eager-graph-xla").values()
    assert outcome.result.verdict == "holds"


def test_what_the_release_does_to_every_loss_is_known() -> None:
    (outcome,) = checked(own_losses.LeftToKeras, "labels-under-mask-nonfinite").values()
    assert outcome.result.verdict == "known"
    (finding,) = outcome.findings
    assert finding.stage == "formula"
    assert finding.case is not None
    assert finding.case["loss"]["name"] == "own_losses:LeftToKeras"
    assert_loss_keeps_laws(own_losses.LeftToKeras, select=["labels-*"])


def test_a_loss_that_reduces_itself_has_no_excuse() -> None:
    """The same NaN as the release's, by code of its own."""
    (outcome,) = checked(own_losses.NotInDenominator, "predictions-under-mask-nonfinite").values()
    assert outcome.result.verdict == "new"
    assert {finding.stage for finding in outcome.findings} == {"own"}


def test_like_adds_the_formula() -> None:
    right = checked(own_losses.absolute, "loss-*", like="mae")
    said = {name: each.result.verdict for name, each in right.items()}
    # The last one is about metrics of models, which are no loss of one's own.
    assert said == {
        "loss-value": "holds",
        "loss-gradient": "holds",
        "loss-matches-metric": "skipped",
    }
    (wrong,) = checked(own_losses.absolute, "loss-value", like="mse").values()
    assert wrong.result.verdict == "new"
    assert "its element losses are not those of mse" in wrong.findings[0].title
    (unknown,) = checked(own_losses.absolute, "loss-value").values()
    assert (unknown.result.verdict, unknown.result.reason) == (
        "skipped",
        "needs a formula: --like NAME",
    )


def test_the_assertion_shows_the_batch() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_loss_keeps_laws(own_losses.DividesByZero(), select=["empty-mask"])
    text = str(caught.value)
    assert text.startswith("the loss does not keep 1 of the laws: empty-mask\n")
    assert "predictions   mask" in text
    assert "observed  nan" in text


# -- what it takes


def test_what_a_loss_takes_is_found_out() -> None:
    said = said_of(own_losses.LeftToKeras)
    assert said["form"] == "class"
    assert said["reductions"] == [
        "sum_over_batch_size",
        "sum",
        "none",
        "mean",
        "mean_with_sample_weight",
    ]
    assert said["dtypes"] == ["float32", "float64", "float16", "bfloat16"]
    assert (said["ranks"], said["weights"], said["reduces_itself"]) == ([2, 3, 4], True, False)


@pytest.mark.parametrize(
    ("loss", "form", "reductions", "itself"),
    [
        (own_losses.NotInDenominator, "class", ["sum_over_batch_size"], True),
        (own_losses.TRIPLED, "object", ["sum_over_batch_size"], False),
        (own_losses.doubled, "object", ["sum"], False),
    ],
)
def test_a_reduction_that_it_does_not_heed_is_not_asked(
    loss: Any, form: str, reductions: list[str], itself: bool
) -> None:
    said = said_of(loss)
    assert (said["form"], said["reductions"], said["reduces_itself"]) == (form, reductions, itself)


def test_an_object_is_asked_as_it_is() -> None:
    (outcome,) = checked(own_losses.TRIPLED, "constant-loss").values()
    assert outcome.result.verdict == "holds"
    assert outcome.result.examples > 0


def test_laws_that_it_cannot_take_are_skipped() -> None:
    # The second makes weights of the mask.
    for outcome in checked(own_losses.Unweighted, "unit-weights", "mask-times-weight").values():
        assert (outcome.result.verdict, outcome.result.reason) == (
            "skipped",
            "it takes no sample weight",
        )
    with pytest.raises(ValueError, match=r"nothing was tried of the loss \(unit-weights: it takes"):
        assert_loss_keeps_laws(own_losses.Unweighted, select=["unit-weights"])
    with pytest.raises(NotTaken, match="it takes no reduction mean or sum"):
        Scope(LossSpec("a:B"), reductions=("none",)).structure({"reductions": ("mean", "sum")})
    with pytest.raises(NotTaken, match="it takes no predictions of rank 3 or 4"):
        Scope(LossSpec("a:B"), ranks=(2,)).among((3, 4))


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (own_losses.Scaled, "own_losses:Scaled needs arguments: factor; give an object of it"),
        (own_losses.NUMBER, "builtins:int is int, which is no loss; give a loss class"),
        (dict, "which is no loss"),
        (lambda y_true, y_pred: y_true.nothing + y_pred, "does not answer a plain batch"),
    ],
)
def test_what_is_no_loss_is_refused_in_a_sentence(loss: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_loss(loss, select=["empty-mask"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"like": "mse("}, "a name such as mse"),
        ({"like": "unknown"}, "loss must be one of mse, mae"),
        ({"profile": "huge"}, "profile must be one of smoke, default, deep; got 'huge'"),
        ({"select": ["nothing-*"]}, "no property matches 'nothing-\\*'"),
    ],
)
def test_unknown_names_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_loss(own_losses.LeftToKeras, **options)


# -- its name


def test_an_own_loss_survives_a_file(tmp_path: Path) -> None:
    spec = LossSpec("pkg.module:Mine", like=LossSpec.parse("bce(from_logits=True)"))
    case = Case(spec, "sum", "float32", np.zeros((1, 1)), np.ones((1, 1)))
    case.save(tmp_path / "case.json")
    again = Case.load(tmp_path / "case.json")
    assert again.loss == spec
    assert again.loss.kind.keras_class == "pkg.module:Mine"
    assert again.loss["from_logits"] is True
    assert str(again.loss.definition) == "bce(from_logits=True)"


@pytest.mark.parametrize("text", ["mse", "bce(from_logits=True)", "huber(delta=0.5)"])
def test_a_loss_reads_as_it_is_written(text: str) -> None:
    assert str(LossSpec.parse(text)) == text


@pytest.mark.parametrize("text", ["", "mse(", "1", "mse(1)", "a.b", "bce(axis=1)"])
def test_other_texts_are_no_loss(text: str) -> None:
    with pytest.raises(ValueError, match=r"loss|mse"):
        LossSpec.parse(text)


def test_an_own_loss_has_no_parameters() -> None:
    with pytest.raises(ValueError, match="takes no parameters"):
        LossSpec("a:B", (("delta", 1.0),))
    with pytest.raises(ValueError, match="is a built-in one"):
        LossSpec("mse", like=LossSpec("mae"))


# -- the bound of measured elements


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize(("name", "own"), [("mse", "LeftToKeras"), ("mae", "absolute")])
def test_the_exact_loss_lies_within_the_measured_bound(name: str, own: str, dtype: str) -> None:
    target = getattr(own_losses, own)
    spec = LossSpec(f"own_losses:{own}", like=LossSpec(name))
    settings = {"name": spec.name, "sparse": False, "target": target}
    subject = InProcess(load_adapter(own=settings))
    loss = OwnLoss(spec, subject, subject.describe())
    random = np.random.default_rng(3)
    shape = (3, 4, 5)
    case = Case(
        spec,
        "sum_over_batch_size",
        dtype,
        random.normal(size=shape),
        random.normal(size=shape),
        mask=random.random(shape[:-1]) < 0.5,
        sample_weight=random.random((3, 1)),
    )
    built_in = case.with_(loss=LossSpec(name))
    exact = expect(built_in, Semantics("valid-where"))
    assert isinstance(exact, Expected)
    for singly in (True, False):
        elements = loss.elements(case, singly=singly)
        assert isinstance(elements, Measured)
        measured = expect(case, Semantics("valid-where"), elements=elements)
        assert isinstance(measured, Expected)
        for one, other in ((exact.value, measured.value), (exact.gradient, measured.gradient)):
            assert one is not None
            assert other is not None
            assert (np.abs(one.value - other.value) <= other.radius).all()
            # Not so wide that a wrong denominator would pass: far below the loss itself.
            scale = np.abs(one.value).max()
            assert (other.radius <= 3000 * case.format.unit_roundoff * scale).all()


# -- the plug-in and the command line


def test_the_plug_in_is_light_and_installed_with_the_package() -> None:
    entry = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    assert entry["pytest11"] == {"maskgate": "maskgate.pytest_plugin"}
    heavy = "{'numpy', 'hypothesis', 'tensorflow', 'keras', 'rich'} & set(sys.modules)"
    code = f"import sys, maskgate.pytest_plugin; print({heavy})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "set()\n"


def maskgate(
    folder: Path, *arguments: str, mended: tuple[str, str] = ("", "")
) -> subprocess.CompletedProcess[str]:
    source = (ROOT / "tests" / "own_losses.py").read_text()
    (folder / "mine.py").write_text(source.replace(*mended))
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
        (["--loss", "losses.MyLoss"], "--loss losses.MyLoss: it is not of the form pkg.module"),
        (
            ["--like", "mse"],
            "--like mse: there is no loss of yours to compare; name it",
        ),
        (["--loss", "a:B", "--like", "mze"], "--like mze: loss must be one of mse, mae"),
    ],
)
def test_wrong_usage_is_one_sentence(tmp_path: Path, arguments: list[str], said: str) -> None:
    done = maskgate(tmp_path, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"maskgate: {said}")
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (
            "nowhere:Loss",
            "importing nowhere raised ModuleNotFoundError: No module named 'nowhere'; name it as",
        ),
        ("no.where:Loss", "No module named 'no'; name it as pkg.module:NAME"),
        ("broken:Loss", "importing broken raised ZeroDivisionError: division by zero; mend it"),
        ("mine:Nothing", "mine has no Nothing (it has"),
        ("mine:Scaled", "mine:Scaled needs arguments: factor"),
    ],
)
def test_a_loss_that_is_not_there_is_one_sentence(tmp_path: Path, loss: str, said: str) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n")
    done = maskgate(tmp_path, "--loss", loss, "--select", "empty-mask")
    assert done.returncode == 3
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("loss", "mistake"),
    [
        ("NotInDenominator", diagnosis.COUNTED),
        ("UnsafeWhere", diagnosis.UNSAFE_GRADIENT),
        ("DividesByZero", diagnosis.EMPTY_VALUE),
    ],
)
def test_the_command_names_the_mistake_and_writes_a_script_that_shows_it(
    tmp_path: Path, loss: str, mistake: str
) -> None:
    names = ["constant-loss", "labels-under-mask-nonfinite", "empty-mask"]
    chosen = [word for name in names for word in ("--select", name)]
    done = maskgate(
        tmp_path, "--loss", f"mine:{loss}", "--profile", "smoke", "--out", "report", *chosen
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert mistake in done.stdout
    assert f"--loss mine:{loss}" in done.stdout
    scripts = sorted((tmp_path / "report").glob("findings/*/repro.py"))
    assert scripts
    for script in scripts:
        shown = subprocess.run(
            [sys.executable, str(script)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert shown.returncode == 1, shown.stdout + shown.stderr


@pytest.mark.parametrize(
    ("option", "name"), [("--loss", "mine:LeftToKeras"), ("--metric", "mine:MeanSquares")]
)
def test_the_command_has_a_verdict_on_every_property(
    tmp_path: Path, option: str, name: str
) -> None:
    """With nothing selected, those that ask whole models say that they are skipped, and why."""
    done = maskgate(tmp_path, option, name, "--profile", "smoke", "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads(done.stdout)["results"]
    assert [each["property"] for each in results] == [info.name for info in selected()]
    skipped = {each["property"]: each["reason"] for each in results if each["modes"] == {}}
    assert "built-in losses" in skipped["batch-split"]
    assert all(skipped.values())


@pytest.mark.slow
def test_a_baseline_accepts_an_own_loss_and_tells_when_it_is_mended(tmp_path: Path) -> None:
    gate = ["--select", "empty-mask", "--profile", "smoke", "--baseline", "accepted.json"]
    named = ["--loss", "mine:DividesByZero"]
    assert maskgate(tmp_path, *named, *gate, "--accept").returncode == 0
    again = maskgate(tmp_path, *named, *gate)
    assert again.returncode == 0, again.stdout
    # Not asked of the built-in losses, nor of another loss.
    assert maskgate(tmp_path, *gate).returncode == 0
    other = maskgate(tmp_path, "--loss", "mine:UnsafeWhere", *gate)
    assert other.returncode == 0, other.stdout
    guard = ("/ ops.sum(mask)", "/ ops.maximum(ops.sum(mask), 1)")
    fixed = maskgate(tmp_path, *named, *gate, mended=guard)
    assert fixed.returncode == 1
    assert "empty-mask no longer deviates as listed" in fixed.stdout


@pytest.mark.slow
def test_the_fixture_in_a_suite_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text((ROOT / "tests" / "own_losses.py").read_text())
    (tmp_path / "test_mine.py").write_text(
        "import mine\n\n"
        "def test_right(maskgate):\n"
        "    maskgate.assert_loss_keeps_laws(mine.LeftToKeras, select=['empty-*'])\n\n"
        "def test_wrong(maskgate):\n"
        "    maskgate.assert_loss_keeps_laws(mine.DividesByZero, select=['empty-*'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "maskgate.pytest_plugin", "--strict-markers", "-q"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "harness")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed, 1 passed" in done.stdout, done.stdout
    assert diagnosis.EMPTY_VALUE in done.stdout


@pytest.mark.releases
@pytest.mark.parametrize("subject", ["tf-2.15.1", "keras-3.15.1-torch", "keras-3.4.1"])
def test_an_own_loss_on_other_releases(tmp_path: Path, subject: str) -> None:
    names = ["--select", "empty-mask", "--select", "constant-loss", "--select", "compaction"]
    done = maskgate(tmp_path, subject, "--loss", "mine:LeftToKeras", "--profile", "smoke", *names)
    assert done.returncode == 0, done.stdout + done.stderr


# -- metrics


def test_a_metric_that_ignores_the_mask_is_named() -> None:
    outcomes = check_metric(own_losses.IgnoresMask, select=["labels-under-mask", "loss-value"])
    verdicts = {each.result.property: each.result for each in outcomes}
    assert verdicts["loss-value"].reason == "about losses, not metrics"
    (finding,) = (f for each in outcomes for f in each.findings)
    assert "the mask is ignored: masked steps are in the metric" in finding.title
    with pytest.raises(AssertionError, match="the metric does not keep 1 of the laws"):
        assert_metric_keeps_laws(own_losses.IgnoresMask, select=["labels-under-mask"])


def test_a_metric_left_to_keras_keeps_the_laws_as_far_as_keras_does() -> None:
    (outcome,) = check_metric(own_losses.MeanSquares, select=["labels-under-mask-nonfinite"])
    assert outcome.result.verdict == "known"
    assert_metric_keeps_laws(own_losses.absolute, select=["empty-mask", "labels-under-mask"])


def test_the_error_of_a_metric_does_not_shrink_with_its_weights() -> None:
    """A metric divides the weights out again: 1e-20 for each of them is 1 for each."""
    assert_metric_keeps_laws(keras.metrics.MeanAbsoluteError, select=["padding-invariance"])


def test_a_loss_is_no_metric() -> None:
    with pytest.raises(ValueError, match="own_losses:Scaled is a loss, no metric; check it as"):
        check_metric(own_losses.TRIPLED, select=["empty-mask"])
    with pytest.raises(ValueError, match="MeanSquares is a metric, no loss; check it as"):
        check_loss(own_losses.MeanSquares, select=["empty-mask"])


@pytest.mark.slow
def test_the_command_checks_a_metric_and_its_script_shows_what_is_wrong(tmp_path: Path) -> None:
    chosen = ["--select", "labels-under-mask", "--profile", "smoke", "--out", "report"]
    done = maskgate(tmp_path, "--metric", "mine:IgnoresMask", *chosen)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "--metric mine:IgnoresMask" in done.stdout
    (script,) = (tmp_path / "report").glob("findings/*/repro.py")
    shown = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert shown.returncode == 1, shown.stdout + shown.stderr
