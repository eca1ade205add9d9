"""Workers that die, hang, talk rubbish or do not start: real processes, a fake framework."""

from __future__ import annotations

import ast
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import fake_framework as fake
import pytest
from fake_framework import question

import maskgate
from maskgate.subjects import (
    Crash,
    Refusal,
    SubjectError,
    Task,
    Value,
    WorkerSubject,
    open_subject,
)

WORKER = Path(maskgate.__file__).parent / "subjects" / "worker"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fake.make_fake(tmp_path_factory.mktemp("fake") / "env")


def test_a_task_that_is_not_offered_is_refused(subject: WorkerSubject) -> None:
    done = subject.perform(Task("nothing.at_all"))
    assert isinstance(done, Refusal)
    assert (done.kind, done.message) == ("NotOfferedError", "no task nothing.at_all")
    assert isinstance(subject.evaluate([question()])[0], Value)


@pytest.fixture
def subject(environment: Path) -> Iterator[WorkerSubject]:
    with open_subject(f"venv:{environment}", timeout=5) as opened:
        yield opened


def pid_of(subject: WorkerSubject) -> int:
    subject.describe()
    assert subject._worker is not None
    return subject._worker.pid


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and is not yet collected does not."""
    with contextlib.suppress(FileNotFoundError):
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return False


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def value(answer: object) -> float:
    assert isinstance(answer, Value), answer
    return float(answer.value)


def test_description(subject: WorkerSubject, environment: Path) -> None:
    description = subject.describe()
    assert description.id == f"venv:{environment}"
    assert (description.distribution, description.keras) == ("keras", "2.15.0")
    assert (description.backend, description.framework) == ("tensorflow", "0.0.1")
    assert description.modes == ("eager", "graph", "xla")
    assert description.epsilon == 1e-7


def test_answers_come_in_order_and_each_is_computed(subject: WorkerSubject) -> None:
    answers = subject.evaluate([question(prediction=p) for p in (1.0, 2.0, 2.0)])
    # The fake adds 100 with every call it gets.
    assert [value(answer) for answer in answers] == [101.0, 202.0, 302.0]
    assert subject.evaluate([]) == []


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (fake.EXITS, "exit status 3"),
        (fake.SEGFAULTS, "signal SIGSEGV"),
        (fake.RUBBISH, "sent bytes that are no frame: b'Epoch 1/"),
        (fake.WRONG, "sent an answer to another question"),
        (fake.LAST_WORDS, "exit status 3 after printing 'corrupted size vs. prev_size'"),
    ],
)
def test_only_the_guilty_question_crashes(subject: WorkerSubject, fault: int, reason: str) -> None:
    before = pid_of(subject)
    answers = subject.evaluate([question(), question(), question(fault), question(), question()])
    assert [type(answer) for answer in answers] == [Value, Value, Crash, Value, Value]
    crash = answers[2]
    assert isinstance(crash, Crash)
    assert reason in crash.reason
    # The new worker counts its calls from one.
    assert [value(answer) for answer in answers[3:]] == [100.0, 200.0]
    assert not alive(before)


def test_a_hang_ends_at_the_time_limit(environment: Path) -> None:
    with open_subject(f"venv:{environment}", timeout=1.5) as subject:
        before = pid_of(subject)
        answers = subject.evaluate([question(fake.HANGS), question()])
        assert answers[0] == Crash("no answer within 1.5 s")
        assert value(answers[1]) == 100.0
        assert not alive(before)


def test_no_process_is_left_by_a_worker_that_started_one(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHILD_PID", str(tmp_path / "pid"))
    with open_subject(f"venv:{environment}") as subject:
        subject.evaluate([question(fake.CHILD)])
        child = int((tmp_path / "pid").read_text())
        assert alive(child)
    assert eventually(lambda: not alive(child))


def test_what_the_framework_prints_is_not_the_channel(
    subject: WorkerSubject, capfd: pytest.CaptureFixture[str]
) -> None:
    answers = subject.evaluate([question(fake.CHATTERS)] * 3)
    assert [value(answer) for answer in answers] == [100.0, 200.0, 300.0]
    assert capfd.readouterr() == ("", "")


def test_an_exception_is_a_refusal_without_addresses_and_folders(subject: WorkerSubject) -> None:
    (answer,) = subject.evaluate([question(fake.REFUSES)])
    assert answer == Refusal("ValueError", "shapes at 0x... differ\nsee losses.py\n3")


def test_what_is_not_offered_is_a_refusal(subject: WorkerSubject) -> None:
    case = question().case
    mae = case.with_(loss=type(case.loss)("mae"))
    asked = question()
    (answer,) = subject.evaluate([type(asked)(mae)])
    assert answer == Refusal("NotOfferedError", "no loss MeanAbsoluteError in 2.15.0")


def test_too_many_crashes_in_a_row_end_the_subject(subject: WorkerSubject) -> None:
    answers = subject.evaluate([question(fake.EXITS)] * 3 + [question()])
    assert [type(answer) for answer in answers] == [Crash, Crash, Crash, Value]
    with pytest.raises(SubjectError, match=r"lost 4 times in a row, last because .*status 3"):
        subject.evaluate([question(fake.EXITS)] * 4)


def test_a_closed_subject_starts_again(subject: WorkerSubject) -> None:
    before = pid_of(subject)
    subject.close()
    subject.close()
    assert not alive(before)
    assert value(subject.evaluate([question()])[0]) == 100.0


def test_an_interrupted_question_leaves_no_stale_answer(environment: Path) -> None:
    with open_subject(f"venv:{environment}") as subject:
        before = pid_of(subject)
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
        try:
            with pytest.raises(KeyboardInterrupt):
                subject.evaluate([question(fake.HANGS)])
        finally:
            signal.signal(signal.SIGALRM, previous)
        assert not alive(before)
        assert value(subject.evaluate([question(prediction=1.0)])[0]) == 101.0


PARENT = """
import sys
sys.path.insert(0, sys.argv[2])
import fake_framework as fake
from maskgate.subjects import open_subject
subject = open_subject("venv:" + sys.argv[1])
subject.describe()
print(subject._worker.pid, flush=True)
subject.evaluate([fake.question(int(sys.argv[3]))])
"""


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("busy", [fake.HANGS, fake.HOLDS_LOCK, fake.FINE])
def test_no_worker_outlives_its_parent(environment: Path, busy: int, ending: int) -> None:
    tests, harness = Path(__file__).parent, Path(maskgate.__file__).parents[1]
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, environment, tests, str(busy)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(harness)},
    )
    assert parent.stdout is not None
    with parent:
        worker = int(parent.stdout.readline())
        time.sleep(0.2)
        parent.send_signal(ending)
        parent.wait(60)
    assert eventually(lambda: not alive(worker))


def start_problem(text: str, *, start_timeout: float = 60.0) -> SubjectError:
    subject = open_subject(text, start_timeout=start_timeout)
    with pytest.raises(SubjectError) as problem, subject:
        subject.evaluate([question()])
    assert problem.value.asked == text
    return problem.value


def test_start_without_a_framework(tmp_path: Path) -> None:
    bare = fake.make_environment(tmp_path / "bare", numpy=False)
    problem = start_problem(f"venv:{bare}")
    assert problem.found == "no framework is installed there: neither tf_keras nor keras"
    assert problem.hint == "install it in that environment or name another one"


def test_start_with_a_broken_framework(tmp_path: Path) -> None:
    keras = "import absent_module"
    broken = fake.make_environment(tmp_path / "broken", keras=keras)
    problem = start_problem(f"venv:{broken}")
    raised = "ModuleNotFoundError: No module named 'absent_module'"
    assert problem.found == f"importing keras there raised {raised}"
    assert "repair that environment" in problem.hint


def test_start_with_a_framework_that_ends_the_process(tmp_path: Path) -> None:
    dying = fake.make_environment(tmp_path / "dying", keras="import os; os.abort()")
    found = start_problem(f"venv:{dying}").found
    assert found == "it did not start: it ended with signal SIGABRT"


def test_start_with_a_keras_of_before_eager_losses(tmp_path: Path) -> None:
    keras = '__version__ = "2.2.5"'
    old = fake.make_environment(tmp_path / "old", keras=keras, tensorflow=fake.TENSORFLOW)
    found = start_problem(f"venv:{old}").found
    assert found == "TensorFlow 0.0.1 there has no sessions"


def test_start_that_takes_too_long(tmp_path: Path) -> None:
    slow = fake.make_environment(tmp_path / "slow", keras="import time; time.sleep(600)")
    found = start_problem(f"venv:{slow}", start_timeout=1).found
    assert found == "it did not start: no answer within 1 s"


def test_start_of_what_is_no_interpreter(tmp_path: Path) -> None:
    text = tmp_path / "python"
    text.write_text("not a program")
    assert "cannot be executed (Permission denied)" in start_problem(f"venv:{text}").found
    text.chmod(0o755)
    assert "cannot be executed (Exec format error)" in start_problem(f"venv:{text}").found
    text.write_text("#!/bin/sh\necho 'no python here' >&2\nexit 5\n")
    found = start_problem(f"venv:{text}").found
    assert found == "it did not start: it ended with exit status 5 after printing 'no python here'"


def test_start_of_an_interpreter_that_is_too_old(tmp_path: Path) -> None:
    # The entry's own words about an old interpreter, said by a stand-in.
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\nprintf 3.6.15 >&2\nexit 97\n")
    old.chmod(0o755)
    problem = start_problem(f"venv:{old}")
    assert problem.found == "it did not start: its interpreter is Python 3.6.15, too old"
    assert "Python 3.7 or newer" in problem.hint


def test_api_that_is_not_installed(environment: Path) -> None:
    found = start_problem(f"venv:{environment}#tf_keras").found
    assert found == "tf_keras is not installed there (it has keras)"


def test_tf_keras_is_asked_where_both_are_installed(tmp_path: Path) -> None:
    both = fake.make_environment(
        tmp_path / "both", keras=fake.KERAS, tf_keras=fake.KERAS, tensorflow=fake.TENSORFLOW
    )
    for text, distribution in (("", "tf_keras"), ("#keras", "keras"), ("#tf_keras", "tf_keras")):
        with open_subject(f"venv:{both}{text}") as subject:
            description = subject.describe()
            assert description.distribution == distribution
            assert len(description.notes) == (not text)
    assert "#keras asks it" in open_notes(f"venv:{both}")


def open_notes(text: str) -> str:
    with open_subject(text) as subject:
        return " ".join(subject.describe().notes)


def test_worker_files_parse_in_the_oldest_python_and_need_nothing_of_maskgate() -> None:
    sources = sorted(WORKER.glob("*.py"))
    assert len(sources) > 5
    for source in sources:
        tree = ast.parse(source.read_text(), feature_version=(3, 7))
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        absolute = [node for node in imports if getattr(node, "level", 0) == 0]
        named = [alias.name for node in absolute for alias in node.names]
        modules = [getattr(node, "module", None) or "" for node in absolute]
        assert not [name for name in named + modules if name.startswith("maskgate")]
