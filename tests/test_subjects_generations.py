"""Keras 2.0 to 2.11 and the other backends in their named environments, asked through workers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from test_subjects_framework import LOSSES, MASK, PER_SAMPLE, PER_STEP, ask, case, value

from maskgate.case import AnyArray
from maskgate.oracle import expect, ledger
from maskgate.subjects import Refusal, Subject, Value, open_subject
from maskgate.subjects.protocol import Done, Task
from maskgate.verdicts.compare import judge

pytestmark = [
    pytest.mark.releases,
    pytest.mark.skipif(shutil.which("uv") is None, reason="uv, which makes them, is not installed"),
]

VECTOR = np.array([2.0, 0.0])
NOTHING = MASK & False


@contextmanager
def opened(name: str) -> Iterator[Subject]:
    with open_subject(name, timeout=300, start_timeout=600) as subject:
        yield subject


def conforms(
    subject: Subject,
    weight: AnyArray | None,
    *,
    mask: AnyArray = MASK,
    dtype: str = "float64",
) -> Value:
    """The first mode's answer, whose value and gradient are those of the oracle."""
    description = subject.describe()
    entry = ledger.lookup(description.distribution, description.keras)
    assert entry.exact
    asked = case(weight, mask=mask, dtype=dtype)
    answer = value(ask(subject, asked, description.modes[0], gradient=True))
    assert judge(answer, expect(asked, entry.semantics)).mismatch is None
    return answer


@pytest.mark.parametrize("version", ["2.0.9", "2.1.6", "2.2.4", "2.2.5"])
def test_objectives(version: str) -> None:
    """By hand; 2.2.5 adds its epsilon to the mean of the mask, which is one half."""
    bias = 0.5 / (0.5 + 1e-7) if version == "2.2.5" else 1.0
    with opened(f"keras-{version}") as subject:
        description = subject.describe()
        assert (description.keras, description.modes) == (version, ("graph",))
        # The shim that stands in for TensorFlow says 1.15; the kernels are another's.
        assert description.framework == "2.12.1"
        assert any(note.startswith("import shim tensorflow_1") for note in description.notes)
        for weight, right in ((None, 8 / 3), (VECTOR, 8.0), (PER_SAMPLE, 8.0), (PER_STEP, 6.8)):
            answer = conforms(subject, weight)
            assert float(answer.value) == pytest.approx(right * bias, rel=1e-12)
        empty = float(conforms(subject, None, mask=NOTHING).value)
        assert empty == 0.0 if version == "2.2.5" else np.isnan(empty)
        assert np.isnan(conforms(subject, 0 * PER_STEP).value)
        for asked in (case(reduction="sum"), case(dtype="bfloat16")):
            refused = ask(subject, asked, "graph")
            assert isinstance(refused, Refusal)
            assert refused.kind == "NotOfferedError"


def test_the_seed_and_the_release_that_shipped_it_agree_exactly() -> None:
    with opened("keras-2.2.5") as release, opened("seed@keras-2.2.5") as seed:
        assert seed.describe().extra["elementwise"] == ["keras", "2.2.5"]
        for dtype in ("float16", "float32", "float64"):
            for weight in (None, VECTOR, PER_STEP):
                for mask in (MASK, NOTHING, None):
                    asked = case(weight, mask=mask, dtype=dtype)
                    one = value(ask(release, asked, "graph", gradient=True))
                    other = value(ask(seed, asked, "graph", gradient=True))
                    np.testing.assert_array_equal(one.value, other.value)
                    np.testing.assert_array_equal(one.gradient, other.gradient)


@pytest.mark.parametrize("version", ["2.0.9", "2.2.5", "2.3.1"])
def test_kept_models_of_graphs_answer_as_new_ones(version: str) -> None:
    """Each in a graph of its own: neither the others, nor NaN, nor dropped steps stay in it."""
    x = np.array([[[1.0, 2.0], [0.0, 0.0]]] * 2, "float32")
    labels = np.array([[[0.5, 0.25], [0.0, 0.0]]] * 2, "float32")
    nan = np.where(x == 0, np.float32("nan"), labels)

    def after_a_step(subject: Subject, model: str, loss: str, y_true: AnyArray) -> AnyArray:
        asked = {"model": model, "loss": loss, "loss_parameters": {}, "mode": "graph"}
        asked["reduction"] = "sum_over_batch_size"
        done = subject.perform(Task("training.step", asked, {"x": x, "y_true": y_true}))
        assert isinstance(done, Done)
        return done.arrays["weights"]

    losses = ("MeanSquaredError", "MeanAbsoluteError")
    ways = [(model, loss) for model in ("masking", "question") for loss in losses]
    with opened(f"keras-{version}") as subject:
        first = [after_a_step(subject, *way, labels) for way in ways]
        assert len({each.tobytes() for each in first}) == len(ways)
        for way in ways:
            assert np.isnan(after_a_step(subject, *way, nan)).any()
        for way, at_first in zip(ways, first, strict=True):
            # Not the same bits: gradients are added up in another order in each session.
            again = after_a_step(subject, *way, labels)
            np.testing.assert_allclose(again, at_first, rtol=1e-4)


@pytest.mark.parametrize("version", ["2.3.1", "2.6.0", "2.8.0", "2.10.0"])
def test_loss_objects_that_look_at_no_mask(version: str) -> None:
    """By hand: all six elements count, masked or not; a model would put the mask in the weights."""
    with opened(f"keras-{version}") as subject:
        assert subject.describe().keras == version
        for weight, right in ((None, 3.5), (PER_SAMPLE, 3.0), (PER_STEP, 7.0)):
            assert float(conforms(subject, weight).value) == pytest.approx(right, rel=1e-6)
        ones = np.ones((2, 3))
        for weight, right in ((ones, 8 / 6), (PER_SAMPLE, 2.0), (PER_STEP, 17 / 6)):
            folded = conforms(subject, MASK * weight)
            assert float(folded.value) == pytest.approx(right, rel=1e-6)
        assert conforms(subject, MASK * 0.0).value == 0.0


def test_loss_objects_that_look_at_the_mask_again() -> None:
    with opened("keras-2.11.0") as subject:
        for weight, right in ((None, 8 / 3), (PER_SAMPLE, 4.0), (PER_STEP, 17 / 3)):
            assert float(conforms(subject, weight).value) == pytest.approx(right, rel=1e-12)
        assert np.isnan(conforms(subject, None, mask=NOTHING).value)


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_backends_of_keras_3(backend: str) -> None:
    name = f"keras-3.15.1-{backend}"
    with opened(name) as subject:
        description = subject.describe()
        assert (description.id, description.backend) == (name, backend)
        assert description.modes == (("eager", "xla") if backend == "jax" else ("eager", "graph"))
        for dtype in ("float16", "bfloat16", "float32"):
            for weight, right in ((None, 8 / 3), (PER_STEP, 17 / 3)):
                answer = conforms(subject, weight, dtype=dtype)
                assert answer.dtype == dtype
                assert answer.value == pytest.approx(right, rel=1e-2)
            assert conforms(subject, None, mask=NOTHING, dtype=dtype).value == 0.0
        for mode in description.modes:
            for weight, right in ((None, 8 / 3), (PER_STEP, 17 / 3)):
                answer = value(ask(subject, case(weight), mode))
                # Where Keras joins dtypes, float64 becomes float32 on these backends.
                assert answer.value == pytest.approx(right, rel=1e-6)
        assert isinstance(ask(subject, case(np.ones(5))), Refusal)


def test_weights_that_the_mask_broadcasts_are_refused_on_torch_alone() -> None:
    """Keras multiplies the mask into the caller's weights in place there."""
    with opened("keras-3.15.1-jax") as jax, opened("keras-3.15.1-torch") as torch:
        assert conforms(jax, PER_SAMPLE, dtype="float32").value == pytest.approx(4.0)
        refused = ask(torch, case(PER_SAMPLE))
        assert isinstance(refused, Refusal)
        assert "broadcast" in refused.message


def test_jax_loses_the_mask_wherever_it_traces_in_old_releases() -> None:
    with opened("keras-3.4.1-jax") as subject:
        assert float(value(ask(subject, case())).value) == pytest.approx(8 / 3, rel=1e-6)
        assert value(ask(subject, case(), "xla")).value == pytest.approx(LOSSES.mean())
        assert value(ask(subject, case(), gradient=True)).value == pytest.approx(LOSSES.mean())
