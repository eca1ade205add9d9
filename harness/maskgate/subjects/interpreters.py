"""Where a worker runs: the python executable of a place, and its environment variables."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from maskgate.subjects.protocol import SubjectError
from maskgate.subjects.spec import Place

# They would add the packages of the interpreter that maskgate runs in to another one's.
FOREIGN = ("PYTHONPATH", "PYTHONHOME", "__PYVENV_LAUNCHER__")


def current_python() -> Path:
    """The interpreter that maskgate runs in."""
    return Path(sys.executable)


def python_of(asked: str, path: str) -> Path:
    """The interpreter of a virtual environment's folder, or the path itself where it is a file.

    The path is not resolved: the interpreter of a virtual environment is a link, and following it
    would leave the environment.

    Raises:
        SubjectError: where there is none.
    """
    place = Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100
    if place.is_file():
        return place
    if not place.exists():
        raise SubjectError(
            asked, f"nothing is at {place}", "give the path of a virtual environment"
        )
    for inside in ("bin/python", "bin/python3", "Scripts/python.exe"):
        if (place / inside).exists():
            return place / inside
    raise SubjectError(
        asked,
        f"{place} is no environment: there is no bin/python in it",
        "give the folder of a virtual environment or a python executable",
    )


def worker_environment(
    base: Mapping[str, str],
    *,
    backend: str | None,
    device: str,
    place: Place,
    compiled: Path | None = None,
) -> dict[str, str]:
    """Environment variables of a worker.

    Args:
        base: what to start from, `os.environ`.
        backend: the Keras backend; None leaves KERAS_BACKEND as it is.
        device: `cpu` or `gpu`; on `cpu` no accelerator is visible.
        place: whose interpreter it is.
        compiled: a folder for what JAX has compiled, used unless the user has set one.
    """
    variables = {k: v for k, v in base.items() if place == "current" or k not in FOREIGN}
    if place == "venv":
        # Nothing is added to a user's environment.
        variables["PYTHONDONTWRITEBYTECODE"] = "1"
    if place == "environment":
        # uv compiles nothing: without its bytecode TensorFlow takes three times as long to import.
        variables.pop("PYTHONDONTWRITEBYTECODE", None)
    if compiled is not None and "JAX_COMPILATION_CACHE_DIR" not in base:
        # JAX compiles every operation for every shape: four times slower than to read it again.
        # By its default it keeps what took it a second, which no operation does.
        variables["JAX_COMPILATION_CACHE_DIR"] = str(compiled)
        variables["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        variables["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
    variables["TF_CPP_MIN_LOG_LEVEL"] = "3"
    if backend is not None:
        variables["KERAS_BACKEND"] = backend
    if device == "cpu":
        variables.update(CUDA_VISIBLE_DEVICES="-1", JAX_PLATFORMS="cpu", KERAS_TORCH_DEVICE="cpu")
    return variables
