"""maskgate beside a plain test on the same work: the masked, weighted mse against NumPy.

The plain test is what a person would write today: `hypothesis.extra.numpy.arrays`, an eager Keras
call, NumPy. The bare calls are the framework's own time for as many calls.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from maskgate.engines.ahead import asking_ahead
from maskgate.engines.examining import examine
from maskgate.oracle import expect
from maskgate.strategies import Pair, pairs
from maskgate.subjects import open_subject
from maskgate.subjects.protocol import Question, Refusal, Subject

keras = pytest.importorskip("keras")

CHECKS = 200
ROUNDS = 3
BATCH, STEPS, FEATURES = 3, 4, 2
WORK = {
    "losses": ("mse",),
    "reductions": ("sum_over_batch_size",),
    "dtypes": ("float32",),
    "mask_kinds": ("holes",),
    "mask_ranks": ("equal",),
    "weight_kinds": ("(B,T)",),
    "min_rank": 3,
    "max_rank": 3,
}
BYTES = 600
ECHO = """
import socket, sys
sock, size = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
while received := sock.recv(size, socket.MSG_WAITALL):
    sock.sendall(received)
"""
FLOATS = st.floats(-100, 100, width=32)


def quiet(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Settings that leave nothing but drawing and checking."""
    return settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
def subject() -> Iterator[Subject]:
    opened = open_subject("current")
    opened.describe()
    yield opened
    opened.close()


def measure(benchmark: object, work: Callable[[], None], checks: int) -> None:
    benchmark.extra_info["checks"] = checks  # type: ignore[attr-defined]
    benchmark.pedantic(work, rounds=ROUNDS, warmup_rounds=1)  # type: ignore[attr-defined]


def keras_loss(
    y_true: np.ndarray, y_pred: np.ndarray, mask: np.ndarray, weight: np.ndarray
) -> float:
    prediction = keras.ops.convert_to_tensor(y_pred)
    prediction._keras_mask = keras.ops.convert_to_tensor(mask)
    return float(keras.losses.MeanSquaredError()(y_true, prediction, weight))


def bare_calls() -> Callable[[], None]:
    """The framework's calls and nothing else."""
    rng = np.random.default_rng(0)
    shape = (BATCH, STEPS, FEATURES)
    y_true, y_pred = rng.normal(size=(2, *shape)).astype("float32")
    mask, weight = rng.random(shape[:2]) > 0.5, rng.random(shape[:2]).astype("float32")

    def work() -> None:
        for _ in range(CHECKS):
            keras_loss(y_true, y_pred, mask, weight)

    return work


def plain_test() -> Callable[[], None]:
    """What a person would write."""
    shape = (BATCH, STEPS, FEATURES)

    @quiet(CHECKS)
    @given(
        y_true=arrays(np.float32, shape, elements=FLOATS),
        y_pred=arrays(np.float32, shape, elements=FLOATS),
        mask=arrays(np.bool_, shape[:2]),
        weight=arrays(np.float32, shape[:2], elements=FLOATS),
    )
    def work(y_true: np.ndarray, y_pred: np.ndarray, mask: np.ndarray, weight: np.ndarray) -> None:
        elements = np.mean(np.square(y_true.astype(np.float64) - y_pred), axis=-1)
        valid = mask.sum()
        expected = (elements * mask * weight).sum() / valid if valid else 0.0
        observed = keras_loss(y_true, y_pred, mask, weight)
        scale = np.abs(elements * mask * weight).sum() / max(valid, 1)
        assert abs(observed - expected) <= 1e-4 * scale + 1e-6

    return work


def maskgate(subject: Subject, *, compiled: bool) -> Callable[[], None]:
    """The property `loss-value` on the same batches, as `maskgate check` runs it."""
    description = subject.describe()
    modes = description.modes if compiled else description.modes[:1]
    examination = examine(subject, description, "loss-value")

    @quiet(CHECKS // len(modes))
    @given(pair=pairs(compiled=compiled, **WORK))
    def drawn(pair: Pair) -> None:
        examination.conforms(pair)

    def work() -> None:
        with asking_ahead() as ahead, examination.asking_by(ahead.submit):
            drawn()
        assert ahead.problem is None

    return work


def test_bare_eager_calls(benchmark: object) -> None:
    measure(benchmark, bare_calls(), CHECKS)


def test_plain_test(benchmark: object) -> None:
    measure(benchmark, plain_test(), CHECKS)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "all-modes"])
def test_maskgate(benchmark: object, subject: Subject, compiled: bool) -> None:
    asked = len(subject.describe().modes) if compiled else 1
    measure(benchmark, maskgate(subject, compiled=compiled), asked * (CHECKS // asked))


def test_in_turn(benchmark: object, subject: Subject) -> None:
    """One round of each way after the other: a machine that slows down slows all of them down."""
    ways = {
        "bare": bare_calls(),
        "plain": plain_test(),
        "maskgate": maskgate(subject, compiled=False),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}

    def work() -> None:
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            taken[name].append(time.perf_counter() - started)

    benchmark.pedantic(work, rounds=2 * ROUNDS + 1, warmup_rounds=1)  # type: ignore[attr-defined]
    # The first one warmed up.
    rounds = {name: each[1:] for name, each in taken.items()}
    benchmark.extra_info["times_the_plain_test"] = {  # type: ignore[attr-defined]
        name: sorted(plain / own for plain, own in zip(rounds["plain"], each, strict=True))
        for name, each in rounds.items()
        if name != "plain"
    }


def test_drawing_alone(benchmark: object) -> None:
    @quiet(CHECKS)
    @given(pair=pairs(compiled=False, **WORK))
    def work(pair: Pair) -> None:
        assert pair.case.mask is not None

    measure(benchmark, work, CHECKS)


def test_oracle_alone(benchmark: object, subject: Subject) -> None:
    from maskgate.engines.forced_failure import CASE

    semantics = examine(subject, subject.describe(), "loss-value").semantics

    def work() -> None:
        for _ in range(CHECKS):
            expect(CASE, semantics, gradient=False)

    measure(benchmark, work, CHECKS)


@pytest.mark.parametrize("together", [1, 8])
def test_round_trip_alone(benchmark: object, subject: Subject, together: int) -> None:
    """There and back with the arrays; a mode that nothing has is refused before any call."""
    from maskgate.engines.forced_failure import CASE

    questions = [Question(CASE, "no-mode")] * together  # type: ignore[arg-type]

    def work() -> None:
        for _ in range(CHECKS // together):
            assert all(isinstance(answer, Refusal) for answer in subject.evaluate(questions))

    measure(benchmark, work, CHECKS)


def test_bare_ping(benchmark: object) -> None:
    """As many bytes there and back between two idle processes: what the machine itself takes."""
    here, there = socket.socketpair()
    with here, there:
        command = [sys.executable, "-c", ECHO, str(there.fileno()), str(BYTES)]
        echo = subprocess.Popen(command, pass_fds=[there.fileno()])
        there.close()

        def work() -> None:
            for _ in range(CHECKS):
                here.sendall(bytes(BYTES))
                assert here.recv(BYTES, socket.MSG_WAITALL)

        measure(benchmark, work, CHECKS)
        here.close()
        assert echo.wait(timeout=10) == 0


def test_eager_through_the_worker(benchmark: object, subject: Subject) -> None:
    from maskgate.engines.forced_failure import CASE

    def work() -> None:
        for _ in range(CHECKS):
            subject.evaluate([Question(CASE)])

    measure(benchmark, work, CHECKS)


@pytest.mark.parametrize("profile", ["smoke", "default"])
def test_profile(benchmark: object, profile: str) -> None:
    """A whole run from a cold start; what is not the framework's calls is maskgate's own time."""
    reports: list[dict[str, Any]] = []

    def work() -> None:
        command = [sys.executable, "-m", "maskgate", "check", "current", "--profile", profile]
        done = subprocess.run(
            [*command, "--format", "json"], capture_output=True, text=True, check=True
        )
        reports.append(json.loads(done.stdout))

    benchmark.pedantic(work, rounds=1)  # type: ignore[attr-defined]
    results = reports[-1]["results"]
    framework = sum(result["subject_seconds"] for result in results)
    own = sum(result["seconds"] for result in results) - framework
    benchmark.extra_info["own_share"] = own / framework  # type: ignore[attr-defined]
