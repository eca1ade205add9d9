"""Which backend and which adapter an environment is asked with, and the graph adapters' wiring.

Stand-ins for the frameworks: the real ones are asked in test_subjects_generations.py.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import fake_framework as fake
import numpy as np
import pytest
from test_subjects_framework import LOSSES, MASK, PER_STEP, case

from maskgate.subjects import (
    InProcess,
    Question,
    Refusal,
    SubjectError,
    Value,
    load_adapter,
    open_subject,
)
from maskgate.subjects.worker.adapter import KerasAdapter, UnusableError
from maskgate.subjects.worker.keras2_graphs import Keras23, Objectives
from maskgate.subjects.worker.on_graphs import Graphs
from maskgate.subjects.worker.releases import set_attribute

KERAS_3 = """
    import os
    from types import SimpleNamespace
    __version__ = "3.9.9"
    running = os.environ.get("KERAS_BACKEND")
    backend = SimpleNamespace(
        epsilon=lambda: 1e-7, floatx=lambda: "float32", backend=lambda: running
    )
    losses = SimpleNamespace()
"""
JAX = """
    __version__ = "0.0.2"
    def devices(name):
        if name != "cpu":
            raise RuntimeError(name)
    enable_x64 = print
"""
TORCH = """
    __version__ = "0.0.3"
"""


def make(folder: Path, **modules: str) -> str:
    return f"venv:{fake.make_environment(folder / 'env', numpy=True, **modules)}"


def backend_of(text: str, **options: Any) -> tuple[str, str]:
    with open_subject(text, **options) as subject:
        description = subject.describe()
        return description.id.rpartition("#")[2], description.backend


def problem_of(text: str, **options: Any) -> SubjectError:
    with pytest.raises(SubjectError) as problem:
        backend_of(text, **options)
    return problem.value


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERAS_BACKEND", raising=False)


def test_the_backend_asked_for_is_used(tmp_path: Path) -> None:
    text = make(tmp_path, keras=KERAS_3, tensorflow=fake.TENSORFLOW, jax=JAX, torch=TORCH)
    assert backend_of(text)[1] == "tensorflow"
    assert backend_of(f"{text}#jax") == ("jax", "jax")
    assert backend_of(text, backend="torch") == ("torch", "torch")


def test_the_backend_of_the_environment_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = make(tmp_path, keras=KERAS_3, jax=JAX, torch=TORCH)
    assert backend_of(text)[1] == "jax"
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert backend_of(text)[1] == "torch"
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    assert backend_of(text)[1] == "jax"


def test_a_backend_that_is_not_installed(tmp_path: Path) -> None:
    text = make(tmp_path, keras=KERAS_3, jax=JAX)
    problem = problem_of(text, backend="torch")
    assert problem.asked == f"{text}#torch"
    assert problem.found == "torch is not installed there (it has jax)"


def test_a_device_that_is_not_there(tmp_path: Path) -> None:
    text = make(tmp_path, keras=KERAS_3, jax=JAX)
    assert problem_of(text, device="gpu").found == "JAX sees no gpu there"


def test_keras_2_runs_on_tensorflow_alone(tmp_path: Path) -> None:
    text = make(tmp_path, keras=fake.KERAS, tensorflow=fake.TENSORFLOW, jax=JAX)
    assert backend_of(text)[1] == "tensorflow"
    found = problem_of(text, backend="jax").found
    assert found == "Keras 2.15.0 there runs on tensorflow, not on jax"


def test_a_backend_asks_keras_3_beside_tf_keras(tmp_path: Path) -> None:
    modules = {"tf_keras": fake.KERAS, "tensorflow": fake.TENSORFLOW}
    text = make(tmp_path, keras=KERAS_3, jax=JAX, **modules)
    assert backend_of(f"{text}#jax")[1] == "jax"
    assert "on tensorflow, not on jax" in problem_of(f"{text}#tf_keras", backend="jax").found


def test_the_seed_is_asked_on_tensorflow_alone(tmp_path: Path) -> None:
    text = make(tmp_path, keras=KERAS_3, jax=JAX)
    assert "written in TensorFlow operations, not for jax" in problem_of(f"seed@{text}").found


def test_a_keras_before_2(tmp_path: Path) -> None:
    keras = '__version__ = "1.2.2"'
    text = make(tmp_path, keras=keras, tensorflow=f"{fake.TENSORFLOW}    Session = None")
    assert problem_of(text).found == "keras 1.2.2 is older than what can be asked"


def test_this_process_keeps_the_backend_it_has() -> None:
    keras: Any = pytest.importorskip("keras")
    here = keras.backend.backend()
    assert load_adapter().describe()["backend"] == here
    other = next(name for name in ("jax", "torch") if name != here)
    with pytest.raises(UnusableError, match=f"{other} is not installed|not on {other}"):
        load_adapter(backend=other)


def test_a_tensor_that_takes_no_mask_is_left_without() -> None:
    tensor = SimpleNamespace()
    set_attribute(tensor, MASK)
    assert tensor._keras_mask is MASK
    set_attribute((1, 2), MASK)


class Placeholder(np.ndarray[Any, Any]):
    """An array that can be a key."""

    __hash__ = object.__hash__  # type: ignore[assignment]


class FakeTensorFlow:
    """NumPy in the place of graphs: placeholders are the arrays that were announced last."""

    version = SimpleNamespace(VERSION="1.15.9")
    __version__ = "1.15.0"
    built = 0

    class Graph:
        def as_default(self) -> Any:
            import contextlib

            FakeTensorFlow.built += 1
            return contextlib.nullcontext()

    def __init__(self, arrays: list[Any]) -> None:
        self.arrays = iter(arrays)

    def placeholder(self, dtype: Any, shape: Any) -> Any:
        array = next(self.arrays)
        assert (array.dtype, array.shape) == (dtype, shape)
        return array.view(Placeholder)

    def Session(self, graph: Any) -> Any:
        assert isinstance(graph, self.Graph)
        return self

    def run(self, fetches: list[Any], feeds: dict[Any, Any]) -> list[Any]:
        assert all((tensor == array).all() for tensor, array in feeds.items())
        return [np.asarray(each) for each in fetches]

    def gradients(self, loss: Any, variables: list[Any]) -> list[Any]:
        return [None if float(loss) == 0.0 else loss + each for each in variables]

    convert_to_tensor = staticmethod(np.asarray)
    zeros_like = staticmethod(np.zeros_like)


class FakeBackend:
    """Names of `keras.backend` that adapters use, and what they were set to."""

    def __init__(self) -> None:
        self.now, self.seen = "float32", list[str]()

    def floatx(self) -> str:
        return self.now

    def set_floatx(self, dtype: str) -> None:
        if dtype == "bfloat16":
            raise ValueError("Unknown floatx type: bfloat16")
        self.now = dtype
        self.seen.append(dtype)

    epsilon = staticmethod(lambda: 1e-7)
    int_shape = staticmethod(np.shape)
    cast = staticmethod(lambda array, dtype: array.astype(dtype))

    def constant(self, number: float, shape: tuple[int, ...]) -> Any:
        return np.full(shape, number, self.now)


def fake_keras(version: str, monkeypatch: pytest.MonkeyPatch, **engine: Any) -> Any:
    """An old Keras with one objective; `engine` holds its functions by module and name."""
    keras = SimpleNamespace(__name__="old_keras", __version__=version, backend=FakeBackend())
    keras.losses = SimpleNamespace(mean_squared_error=mean_squared_error)
    for name in ("old_keras", "old_keras.engine"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    for module, functions in engine.items():
        made = ModuleType(f"old_keras.engine.{module}")
        vars(made).update(functions)
        monkeypatch.setitem(sys.modules, made.__name__, made)
    return keras


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    return ((y_pred - y_true) ** 2).mean(-1)


def masking(fn: Any) -> Any:
    """As the release's function is called; the arguments it got are its answer."""

    def weighted(y_true: Any, y_pred: Any, weights: Any, mask: Any = None) -> Any:
        masked = fn(y_true, y_pred) * (1 if mask is None else mask)
        weights = weights.reshape(weights.shape + (1,) * (masked.ndim - weights.ndim))
        return (masked * weights).sum()

    return weighted


def ask_fake(keras: Any, api: Any, asked: Any, *, gradient: bool = False) -> Any:
    arrays = [asked.y_true, asked.y_pred, asked.mask, asked.sample_weight]
    tf: Any = FakeTensorFlow([array for array in arrays if array is not None])
    subject = InProcess(KerasAdapter(api, Graphs(tf, "cpu")))
    (answer,) = subject.evaluate([Question(asked, "graph", gradient)])
    assert keras.backend.now == "float32"
    return answer


@pytest.mark.parametrize(
    ("module", "name"),
    [("training_utils", "weighted_masked_objective"), ("training", "_weighted_masked_objective")],
)
def test_objectives_go_through_the_release_own_function(
    module: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keras = fake_keras("2.1.9", monkeypatch, **{module: {name: masking}})
    api = Objectives(keras)
    weighed = ask_fake(keras, api, case(PER_STEP), gradient=True)
    assert isinstance(weighed, Value)
    assert weighed.value == pytest.approx((LOSSES * MASK * PER_STEP).sum())
    assert weighed.gradient == pytest.approx(case().y_pred + weighed.value)
    # Without weights a model feeds ones, one a sample.
    assert ask_fake(keras, api, case()).value == pytest.approx((LOSSES * MASK).sum())
    assert set(keras.backend.seen) == {"float64", "float32"}
    assert "compiled models" in " ".join(api.notes)


def test_what_objectives_do_not_offer(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = {"weighted_masked_objective": masking}
    keras = fake_keras("2.2.4", monkeypatch, training_utils=functions)
    api = Objectives(keras)
    for asked, why in (
        (case(reduction="sum"), "objectives have one reduction in 2.2.4, not sum"),
        (case(dtype="bfloat16"), "no floatx bfloat16 in 2.2.4"),
        (case().with_(loss=type(case().loss)("huber")), "no loss Huber in 2.2.4"),
    ):
        assert ask_fake(keras, api, asked) == Refusal("NotOfferedError", why)


def test_a_loss_without_predictions_has_a_gradient_of_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = {"weighted_masked_objective": masking}
    keras = fake_keras("2.2.4", monkeypatch, training_utils=functions)
    answer = ask_fake(keras, Objectives(keras), case(mask=MASK & False), gradient=True)
    np.testing.assert_array_equal(answer.gradient, np.zeros((2, 3, 2)))


def test_a_release_without_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnusableError, match="no function that masks objectives"):
        Objectives(fake_keras("2.2.9", monkeypatch))


def test_loss_objects_of_2_3_are_built_in_the_dtype_of_the_question(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keras = fake_keras("2.3.1", monkeypatch)

    def squares(reduction: str) -> Any:
        assert reduction == "sum"
        return lambda y_true, y_pred, _weight: mean_squared_error(y_true, y_pred).sum()

    api = Keras23(keras, {"MeanSquaredError": squares})
    assert ask_fake(keras, api, case(reduction="sum")).value == pytest.approx(LOSSES.sum())
    assert keras.backend.seen == ["float64", "float32"]


def test_graphs_are_built_once_a_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = {"weighted_masked_objective": masking}
    keras = fake_keras("2.2.4", monkeypatch, training_utils=functions)
    asked = case()
    tf: Any = FakeTensorFlow([asked.y_true, asked.y_pred, asked.mask] * 2)
    adapter = KerasAdapter(Objectives(keras), Graphs(tf, "cpu"))
    subject = InProcess(adapter)
    assert subject.describe().framework == "1.15.9"
    before = FakeTensorFlow.built
    subject.evaluate([Question(asked, "graph")] * 3)
    assert FakeTensorFlow.built == before + 1
    subject.reset()
    subject.evaluate([Question(asked, "graph")])
    assert FakeTensorFlow.built == before + 2


def test_a_tensorflow_without_sessions_cannot_serve_graphs() -> None:
    with pytest.raises(UnusableError, match=r"TensorFlow 2\.1\.0 there has no sessions"):
        Graphs(SimpleNamespace(__version__="2.1.0"), "cpu")
