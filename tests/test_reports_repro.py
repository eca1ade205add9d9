"""Every finding's script is run for real: 1 while the behaviour is there, 0 once it is gone."""

from __future__ import annotations

import ast
import os
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sample_run import SUBJECT, finding, known_finding, new_finding, small_case

from maskgate import environments
from maskgate.case import Case, LossSpec, array_to_dict
from maskgate.reports import repro_script
from maskgate.reports.literals import HELPERS, array_source
from maskgate.verdicts.model import Finding

MODES = ("eager", "graph", "xla")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Any:
    """Run a finding's script in this process; its exit status and what it printed."""
    for name in ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
        monkeypatch.delenv(name)

    def run_it(evidence: Finding) -> tuple[int, str]:
        path = tmp_path / "repro.py"
        source = repro_script(evidence, SUBJECT)
        assert source is not None
        path.write_text(source, encoding="utf-8")
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(path), run_name="__main__")
        return int(str(ended.value.code)), capfd.readouterr().out

    return run_it


def padded(case: Case) -> Case:
    zero = np.zeros((1, 1, 1))
    assert case.mask is not None
    return case.with_(
        y_true=np.concatenate([case.y_true, zero], axis=1),
        y_pred=np.concatenate([case.y_pred, zero], axis=1),
        mask=np.concatenate([case.mask, [[False]]], axis=1),
    )


def test_script_of_its_own_process(tmp_path: Path) -> None:
    for evidence, status, word in ((known_finding(), 1, "there"), (new_finding(), 0, "gone")):
        source = repro_script(evidence, SUBJECT)
        assert source is not None
        path = tmp_path / f"{word}.py"
        path.write_text(source, encoding="utf-8")
        # From another folder, and without maskgate on the path: the framework is all it needs.
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        done = subprocess.run(
            [sys.executable, str(path)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == status, done.stderr
        assert done.stderr == ""
        assert done.stdout.endswith(f"the behaviour is {word}\n")
        assert done.stdout.startswith("expected: the same for both batches: value 0.25")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_nan_label_under_the_mask(run: Any, mode: str, dtype: str) -> None:
    case = small_case(dtype=dtype)
    altered = case.with_(y_true=np.array([[[0.5], [np.nan]]]))
    status, said = run(finding(case, altered, mode=mode))
    assert status == 1
    assert "observed: value nan" in said


@pytest.mark.parametrize("mode", MODES)
def test_finite_label_under_the_mask_is_gone(run: Any, mode: str) -> None:
    assert run(replace(new_finding(), mode=mode))[0] == 0


@pytest.mark.parametrize(
    ("part", "here", "there", "status"),
    [
        ("value", 0.25, 0.5, 1),
        ("value", 0.5, 0.25, 0),
        ("answer", "a value", "RuntimeError: shapes do not fit", 1),
        ("answer", "RuntimeError: shapes do not fit", "a value", 0),
    ],
)
def test_the_answer_of_another_backend_is_what_is_expected(
    run: Any, part: str, here: object, there: object, status: int
) -> None:
    found = finding(
        small_case(),
        stage="backend",
        property="backends",
        expected=here,
        observed=there,
        details={"backend": "torch"},
        recipe={"relation": "close", "part": part},
    )
    assert run(found)[0] == status
    assert "as torch does" in str(repro_script(found, SUBJECT))


@pytest.mark.releases
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize(
    ("backend", "mode"), [("jax", "eager"), ("jax", "xla"), ("torch", "eager")]
)
def test_scripts_of_other_backends(tmp_path: Path, backend: str, mode: str, dtype: str) -> None:
    python = environments.ensure(environments.get(f"keras-3.15.1-{backend}"))
    case = small_case(dtype=dtype)
    for label, status in ((np.nan, 1), (3.0, 0)):
        altered = case.with_(y_true=np.array([[[0.5], [label]]]))
        found = finding(case, altered, mode=mode, recipe={"backend": backend})
        source = repro_script(found, {**SUBJECT, "backend": backend})
        assert source is not None
        path = tmp_path / "repro.py"
        path.write_text(source, encoding="utf-8")
        done = subprocess.run([python, path], capture_output=True, text=True, timeout=120)
        assert done.returncode == status, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("part", "index", "expected", "status"),
    [
        ("value", [], 0.25, 0),
        ("value", [], 0.2500002, 1),
        ("value", [], "nan", 1),
        ("gradient", [0, 0, 0], 1.0, 0),
        ("gradient", [0, 1, 0], 0.5, 1),
        ("value", [], "shape (2,)", 1),
        ("value", [], "shape ()", 0),
        ("answer", [], "the value 0.25", 0),
        ("answer", [], "refused (no such rank)", 1),
    ],
)
def test_equals_expected(run: Any, part: str, index: list[int], expected: Any, status: int) -> None:
    recipe = {"relation": "equals-expected", "part": part, "index": index}
    evidence = finding(small_case(), expected=expected, bound=1e-7, recipe=recipe)
    assert run(evidence)[0] == status


def test_observed_nan_where_nan_is_right(run: Any) -> None:
    case = small_case(y_true=np.array([[[np.nan], [0.0]]]))
    recipe = {"relation": "equals-expected"}
    status, said = run(finding(case, expected="nan", bound=0.0, recipe=recipe))
    assert (status, "observed: value = nan" in said) == (0, True)


def refused_case() -> Case:
    """Per-sample weights that Keras 3 cannot broadcast: two samples, three steps."""
    return small_case(
        y_true=np.zeros((2, 3, 1)),
        y_pred=np.ones((2, 3, 1)),
        mask=None,
        sample_weight=np.array([2.0, 0.0]),
    )


@pytest.mark.parametrize(
    ("recipe", "expected", "status"),
    [
        ({"relation": "equals-expected", "part": "answer"}, "the value 1", 1),
        ({"relation": "equals-expected", "part": "answer"}, "refused (cannot broadcast)", 0),
        ({"relation": "equals-expected"}, 1.0, 1),
        ({"relation": "equals-expected", "or_refused": True}, 1.0, 0),
        ({"relation": "finite"}, 0.0, 1),
    ],
)
def test_refusals(run: Any, recipe: dict[str, Any], expected: Any, status: int) -> None:
    ended, said = run(finding(refused_case(), expected=expected, recipe=recipe))
    assert ended == status
    assert "Error: " in said.split("observed:")[1]


@pytest.mark.parametrize(("or_refused", "status"), [(False, 1), (True, 0)])
def test_close_to_a_refusal(run: Any, or_refused: bool, status: int) -> None:
    case = refused_case()
    altered = case.with_(sample_weight=np.array([[2.0], [0.0]]))
    recipe = {"relation": "close", "or_refused": or_refused}
    assert run(finding(case, altered, recipe=recipe))[0] == status
    assert run(finding(case, altered, recipe={"relation": "close", "part": "answer"}))[0] == 1


@pytest.mark.parametrize(("factor", "status"), [(2.0, 0), (3.0, 1)])
@pytest.mark.parametrize("part", ["value", "gradient"])
def test_close(run: Any, factor: float, status: int, part: str) -> None:
    case = small_case(sample_weight=np.ones((1, 2)))
    altered = case.with_(sample_weight=np.full((1, 2), 2.0))
    index = [0, 0, 0] if part == "gradient" else []
    recipe = {"relation": "close", "factor": factor, "part": part, "index": index}
    assert run(finding(case, altered, bound=1e-6, recipe=recipe))[0] == status


def test_close_across_shapes_needs_the_place_in_both(run: Any) -> None:
    case = small_case()
    recipe = {"relation": "close", "part": "gradient", "index": [0, 0, 0]}
    assert repro_script(finding(case, padded(case), recipe=recipe), SUBJECT) is None
    # A law that moves one of the batches names its place; the index is that of the other.
    for moved in ("index_of_case", "index_of_altered"):
        for place, status in (([0, 1, 0], 1), ([0, 0, 0], 0)):
            named = {**recipe, moved: place}
            assert run(finding(case, padded(case), bound=1e-6, recipe=named))[0] == status


def test_close_of_two_losses(run: Any) -> None:
    case = small_case()
    altered = case.with_(reduction="sum", dtype="float64", loss=LossSpec.of("huber", delta=0.1))
    status, said = run(finding(case, altered, bound=1e-6, recipe={"relation": "close"}))
    assert (status, "second value 0.045" in said) == (1, True)


@pytest.mark.parametrize("mode", ["graph", "xla"])
def test_modes_agree(run: Any, mode: str) -> None:
    evidence = finding(small_case(), mode=mode, bound=1e-6, recipe={"relation": "close"})
    assert run(evidence)[0] == 0
    differing = {**evidence.reproducer, "factor": 2.0}
    assert run(replace(evidence, reproducer=differing))[0] == 1


def test_repeats(run: Any) -> None:
    case = small_case()
    between = padded(case).with_(y_true=np.full((1, 3, 1), np.nan))
    assert run(finding(case, between, recipe={"relation": "repeats"}))[0] == 0


def test_finite(run: Any) -> None:
    assert run(finding(small_case(), recipe={"relation": "finite"}))[0] == 0
    huge = small_case(dtype="float16", y_pred=np.full((1, 2, 1), 6e4))
    assert run(finding(huge, recipe={"relation": "finite"}))[0] == 1


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_long_batch_in_half_precision(run: Any, dtype: str) -> None:
    shape = (1, 65536, 1)
    case = small_case(dtype=dtype, y_true=np.zeros(shape), y_pred=np.ones(shape), mask=None)
    evidence = finding(
        case, expected=1.0, bound=0.25, recipe={"relation": "equals-expected"}, title="x" * 300
    )
    source = repro_script(evidence, SUBJECT)
    assert source is not None
    assert len(source) < 4000
    assert run(evidence)[0] == (1 if dtype == "float16" else 0)


def test_parameters_and_class_ids(run: Any) -> None:
    case = small_case(
        loss=LossSpec.of("sparse_cce", from_logits=True, ignore_class=0),
        y_true=np.array([[1, 0]]),
        y_pred=np.zeros((1, 2, 4)),
    )
    recipe = {"relation": "equals-expected"}
    status, _ = run(finding(case, expected=float(np.log(4)), bound=1e-6, recipe=recipe))
    assert status == 0


def test_package_that_is_not_there(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tf_keras", None)
    status, said = run(
        finding(small_case(), recipe={"relation": "finite", "distribution": "tf_keras"})
    )
    assert status == 2
    assert said.startswith("cannot run here: ModuleNotFoundError")


@pytest.mark.parametrize(
    ("distribution", "version", "there", "absent"),
    [
        ("keras", "3.15.1", 'dtype="float16"', "set_floatx"),
        ("keras", "3.3.3", 'keras.backend.set_floatx("float16")', 'dtype="float16")\n'),
        ("keras", "2.15.0", "import keras\n", "KERAS_BACKEND"),
        ("tf_keras", "2.21.0", "import tf_keras as keras", "KERAS_BACKEND"),
    ],
)
def test_script_suits_the_release(distribution: str, version: str, there: str, absent: str) -> None:
    recipe = {"relation": "finite", "distribution": distribution, "version": version}
    source = repro_script(finding(small_case(dtype="float16"), recipe=recipe), SUBJECT)
    assert source is not None
    assert there in source
    assert absent not in source


@pytest.mark.parametrize(
    "changes",
    [
        {"recipe": {"distribution": "seed"}},
        {"recipe": {"backend": "numpy"}},
        {"recipe": {"version": "2.2.5"}},
        {"recipe": {"relation": "something-else"}},
        {"recipe": {"relation": "identical"}},
    ],
)
def test_no_script_where_none_can_show_it(changes: dict[str, Any]) -> None:
    assert repro_script(finding(small_case(), **changes), SUBJECT) is None


def test_crash_has_no_script() -> None:
    crash = replace(finding(small_case()), reproducer={"distribution": "keras"}, case=None)
    assert repro_script(crash, {}) is None


def test_script_is_tidy() -> None:
    odd = replace(known_finding(), title='"""a \\ title" ' + "word " * 40)
    source = repro_script(odd, SUBJECT)
    assert source is not None
    docstring = ast.get_docstring(ast.parse(source))
    assert docstring is not None
    assert docstring.startswith("'''a \\ title' word")
    assert max(map(len, source.splitlines())) <= 100


@pytest.mark.parametrize(
    ("array", "source"),
    [
        (np.array(2.0, "float32"), 'np.array(2., "float32")'),
        (np.array([[True, False]]), 'np.array([[True, False]], "bool")'),
        (np.zeros((0, 3), "float16"), 'np.zeros((0, 3), "float16")'),
        (np.full((100, 2), 0.1, "float32"), 'np.full((100, 2), 0.1, "float32")'),
        (np.resize([1, 2, 3], (40, 5)), 'np.resize(np.array([1, 2, 3], "int64"), (40, 5))'),
        (np.array([np.nan, -np.inf, 1e20]), 'np.array([nan, -inf, 1.e+20], "float64")'),
    ],
)
def test_array_source(array: np.ndarray[Any, Any], source: str) -> None:
    assert array_source(array_to_dict(array), indent=0) == source


def exceptional() -> np.ndarray[Any, Any]:
    array = np.full((30, 10), 0.3, "float32")
    array[3, 4], array[29, 9] = np.nan, 1e-40
    return array


@pytest.mark.parametrize(
    "array",
    [
        np.random.default_rng(0).normal(size=(3, 4)).astype("float16"),
        np.random.default_rng(0).normal(size=(9, 9)).astype("float32"),
        np.random.default_rng(0).normal(size=(90, 9)),
        np.random.default_rng(0).integers(0, 2, (700,)).astype(bool),
        np.resize(np.array([np.nan, 1.5], "float32"), (80,)),
        np.full((80, 2), np.nan, "float32"),
        exceptional(),
    ],
)
def test_array_source_is_exact(array: np.ndarray[Any, Any]) -> None:
    source = array_source(array_to_dict(array), indent=4)
    helpers = "\n".join(["import numpy as np", "nan, inf = np.nan, np.inf", *HELPERS.values()])
    names: dict[str, Any] = {}
    exec(f"{helpers}\nresult = {source}", names)
    np.testing.assert_array_equal(names["result"], array)
    assert names["result"].dtype == array.dtype
