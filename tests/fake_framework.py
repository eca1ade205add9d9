"""An environment with a tiny stand-in for a framework, for faults that no real one has on demand.

The first label of a question says what its loss does. See `FAULTS`.
"""

from __future__ import annotations

import textwrap
import venv
from pathlib import Path

import numpy as np

from maskgate.case import Case, LossSpec
from maskgate.subjects import Question

TENSORFLOW = """
    import numpy as np
    __version__ = "0.0.1"

    class Tensor:
        def __init__(self, array):
            self.array, self.dtype = np.asarray(array), np.asarray(array).dtype
        def numpy(self):
            return self.array

    constant = Tensor
"""

KERAS = """
    import ctypes, os, signal, subprocess, sys, time
    from types import SimpleNamespace
    from tensorflow import Tensor

    __version__ = "2.15.0"
    backend = SimpleNamespace(epsilon=lambda: 1e-7, floatx=lambda: "float32")
    calls = 0

    def rubbish():
        os.write(int(sys.argv[1]), b"Epoch 1/10 - loss: 0.25 - this is not a frame at all\\n")

    def wrong_answer():
        import maskgate_worker.frames as frames, socket
        sock = socket.socket(fileno=os.dup(int(sys.argv[1])))
        answer = {"op": "value", "number": 77, "dtype": "float32", "arrays": [None, None]}
        frames.Channel(sock).send(answer)

    def chatter():
        print("x" * 1000000)
        print("y" * 1000000, file=sys.stderr)

    def starts_a_child():
        print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid)
        with open(os.environ["CHILD_PID"], "w") as file:
            file.write(str(subprocess.Popen(["sleep", "600"]).pid))

    def refuses():
        raise ValueError("shapes at 0x7f3a12345678 differ\\nsee /opt/some/where/losses.py\\n3\\n4")

    def last_words():
        print("corrupted size vs. prev_size", file=sys.stderr, flush=True)
        os._exit(3)

    FAULTS = {
        1: lambda: os._exit(3),
        2: lambda: os.kill(os.getpid(), signal.SIGSEGV),
        3: lambda: time.sleep(600),
        4: rubbish,
        5: wrong_answer,
        6: chatter,
        7: starts_a_child,
        8: refuses,
        9: last_words,
        10: lambda: ctypes.PyDLL(None).sleep(600),  # holds the interpreter's lock
    }

    class MeanSquaredError:
        def __init__(self, reduction):
            self.reduction = reduction

        def __call__(self, y_true, y_pred, sample_weight=None):
            global calls
            calls += 1
            FAULTS.get(int(y_true.array.ravel()[0]), int)()
            return Tensor(y_pred.array.sum() + 100 * calls)

    losses = SimpleNamespace(MeanSquaredError=MeanSquaredError)
"""

FINE, EXITS, SEGFAULTS, HANGS, RUBBISH, WRONG, CHATTERS, CHILD, REFUSES, LAST_WORDS, HOLDS_LOCK = (
    range(11)
)


def make_environment(folder: Path, *, numpy: bool = True, **modules: str) -> Path:
    """A virtual environment that holds these modules, and NumPy as installed here."""
    venv.create(folder, symlinks=True, with_pip=False)
    (packages,) = folder.glob("lib/python*/site-packages")
    for name, source in modules.items():
        (packages / f"{name}.py").write_text(textwrap.dedent(source))
    if numpy:
        installed = Path(np.__file__).parent
        (packages / "numpy").symlink_to(installed)
        if (libraries := installed.with_name("numpy.libs")).exists():
            (packages / "numpy.libs").symlink_to(libraries)
    return folder


def make_fake(folder: Path) -> Path:
    """A virtual environment with the fake framework."""
    return make_environment(folder, tensorflow=TENSORFLOW, keras=KERAS)


def question(what: int = FINE, *, prediction: float = 0.0) -> Question:
    """A question whose first label says what the fake loss does."""
    return Question(
        Case(
            LossSpec("mse"),
            "sum_over_batch_size",
            "float32",
            np.full((1, 1), float(what)),
            np.full((1, 1), prediction),
        )
    )
