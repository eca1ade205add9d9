"""Fixtures shared by the tests: real environments with other generations of Keras."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tf_keras_environment(request: pytest.FixtureRequest) -> Path:
    """A virtual environment with tf_keras 2.21 (and Keras 3, which comes with TensorFlow)."""
    return _environment(request, "tf_keras-2.21", ["tensorflow-cpu==2.21.0"], ["tf_keras==2.21.0"])


@pytest.fixture(scope="session")
def tf_2_15_environment(request: pytest.FixtureRequest) -> Path:
    """A virtual environment with TensorFlow 2.15 and its own Keras."""
    return _environment(request, "tf-2.15", ["tensorflow-cpu==2.15.1"])


def _environment(
    request: pytest.FixtureRequest, name: str, packages: list[str], alone: list[str] | None = None
) -> Path:
    """An environment of that name, made once and kept for later runs.

    `alone` are packages to install without what they ask for: tf_keras asks for the TensorFlow
    with accelerators, which is many times the size.
    """
    cache = os.environ.get("MASKGATE_TEST_ENVIRONMENTS")
    folder = Path(cache) if cache else request.config.cache.mkdir("environments")
    if (folder / name).exists():
        return folder / name
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv, which makes the environments, is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder))
    subprocess.run([uv, "venv", "-q", "--allow-existing", "-p", "3.11", made], check=True)
    for extra in filter(None, [packages, alone and ["--no-deps", *alone]]):
        subprocess.run([uv, "pip", "install", "-q", "-p", made / "bin/python", *extra], check=True)
    try:
        made.rename(folder / name)
    except OSError:  # another process of the same run was faster
        shutil.rmtree(made)
    return folder / name
