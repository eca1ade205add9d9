"""Making environments, and that it survives what can go wrong."""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from maskgate.environments import (
    Environment,
    EnvironmentProblem,
    cache_folder,
    ensure,
    remove,
    sizes,
    store,
    tool,
)
from maskgate.environments.problems import from_os_error, from_uv

MEBIBYTE = 2**20


def write_wheel(folder: Path, version: str, *, payload: bytes = b"") -> None:
    """A wheel of a package `tiny` that knows its version, and may be heavy."""
    info = f"tiny-{version}.dist-info"
    files = {
        "tiny/__init__.py": f"version = {version!r}\n".encode(),
        "tiny/payload.bin": payload,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,"]).encode()
    with zipfile.ZipFile(folder / f"tiny-{version}-py3-none-any.whl", "w") as wheel:
        for name, data in files.items():
            wheel.writestr(name, data)


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def tiny(version: str = "1.0", *, name: str = "tiny", shims: tuple[str, ...] = ()) -> Environment:
    return Environment(name, f"tiny=={version}\n", python=sys.executable, shims=shims)


def says(python: Path, code: str) -> str:
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, an empty uv cache, no network, and wheels of `tiny` 1.0 and 2.0."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    write_wheel(wheels, "1.0")
    write_wheel(wheels, "2.0")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.delenv("UV_FIND_LINKS", raising=False)
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("MASKGATE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def started(code: str) -> subprocess.Popen[str]:
    """Another process that runs `code` with this module's helpers at hand."""
    here = str(Path(__file__).parent)
    prelude = f"import sys; sys.path.insert(0, {here!r}); from test_environments import *\n"
    return subprocess.Popen(
        [sys.executable, "-c", prelude + code], stdout=subprocess.PIPE, text=True
    )


# Making one


def test_an_environment_is_made_once_and_then_found(cache: Path) -> None:
    told: list[str] = []
    python = ensure(tiny(), progress=told.append)
    assert says(python, "import tiny; print(tiny.version)") == "1.0"
    assert [line.split(" in ")[0] for line in told] == ["tiny: installing 1 packages", "tiny: made"]
    told.clear()
    assert ensure(tiny(), progress=told.append) == python
    assert told == []
    assert python.is_relative_to(cache)


@pytest.mark.usefixtures("cache")
def test_requirements_become_an_environment() -> None:
    python = ensure("pip:tiny>=1,<2")
    assert says(python, "import tiny; print(tiny.version)") == "1.0"
    assert [*sizes()] == ["pip:tiny>=1,<2"]
    assert remove("pip:tiny>=1,<2") > 0
    assert sizes() == {}


@pytest.mark.usefixtures("cache")
def test_another_lock_makes_another_environment_and_leaves_the_former_alone() -> None:
    former, latter = ensure(tiny("1.0")), ensure(tiny("2.0"))
    assert [says(python, "import tiny; print(tiny.version)") for python in (former, latter)] == [
        "1.0",
        "2.0",
    ]


@pytest.mark.usefixtures("cache")
def test_comments_in_a_lock_do_not_make_it_another() -> None:
    commented = Environment("tiny", "# why\ntiny==1.0  # because\n", python=sys.executable)
    assert commented.digest == tiny().digest
    assert tiny(shims=("python_names",)).digest != tiny().digest


def test_processes_that_ask_at_once_make_it_once(cache: Path) -> None:
    code = "print(ensure(tiny(), progress=print))"
    printed = [process.communicate()[0] for process in [started(code) for _ in range(2)]]
    assert len({text.splitlines()[-1] for text in printed}) == 1
    assert "".join(printed).count("made in") == 1
    assert says(Path(printed[0].splitlines()[-1]), "import tiny; print(tiny.version)") == "1.0"
    assert not [*cache.rglob(".making-*")]


def test_threads_that_ask_at_once_make_it_once(cache: Path) -> None:
    told: list[str] = []
    with ThreadPoolExecutor() as pool:
        made = [*pool.map(lambda _: ensure(tiny(), progress=told.append), range(4))]
    assert len({*made}) == 1
    assert made[0].is_relative_to(cache)
    assert "\n".join(told).count("made in") == 1


@pytest.mark.usefixtures("cache")
def test_a_process_waits_for_the_one_that_makes_it() -> None:
    slow = started(
        "import time; fill = store._fill\n"
        "store._fill = lambda *a: (print('busy', flush=True), time.sleep(1), fill(*a))\n"
        "ensure(tiny())"
    )
    assert slow.stdout is not None
    assert slow.stdout.readline() == "busy\n"
    told: list[str] = []
    ensure(tiny(), progress=told.append)
    assert told == ["tiny: waiting for another process that makes it"]
    slow.communicate()
    assert slow.returncode == 0
    assert [*sizes()] == ["tiny"]


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_nothing_half_made_is_used_after_a_kill(cache: Path) -> None:
    killed = started(
        "import signal\n"
        "store._install_shims = lambda *a: (print('installed', flush=True), signal.pause())\n"
        "ensure(tiny())"
    )
    assert killed.stdout is not None
    assert killed.stdout.readline() == "installed\n"
    killed.kill()
    killed.communicate()
    (left,) = cache.rglob(".making-*/venv")
    assert (left / "bin" / "python").exists()
    assert sizes() == {}
    assert says(ensure(tiny()), "import tiny; print(tiny.version)") == "1.0"
    assert not left.exists()


@pytest.mark.usefixtures("cache")
def test_an_environment_whose_python_is_gone_is_made_again() -> None:
    python = ensure(tiny())
    python.unlink()
    assert says(ensure(tiny()), "import tiny; print(tiny.version)") == "1.0"


@pytest.mark.usefixtures("cache")
def test_sizes_and_removal() -> None:
    ensure(tiny())
    ensure(tiny(name="other"))
    told: list[str] = []
    size = sizes(told.append)["tiny"]
    assert sorted(told) == ["measuring other", "measuring tiny"]
    assert size > 1000
    assert remove("tiny") == size
    assert [*sizes()] == ["other"]
    with pytest.raises(EnvironmentProblem, match="no environment is so named"):
        remove("tiny")
    with pytest.raises(EnvironmentProblem, match="has not been made"):
        remove("tf-2.15.1")


@pytest.mark.usefixtures("cache")
def test_shims_are_at_work_when_the_interpreter_starts() -> None:
    python = ensure(tiny(shims=("python_names",)))
    code = (
        "import sys; early = 'inspect' in sys.modules\n"
        "import collections, inspect\n"
        "print(early, collections.Mapping.__name__, inspect.getargspec(lambda a, b=1: 0))"
    )
    assert says(python, code) == (
        "False Mapping ArgSpec(args=['a', 'b'], varargs=None, keywords=None, defaults=(1,))"
    )


# What can go wrong


@pytest.mark.usefixtures("cache")
def test_a_lock_that_no_longer_resolves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UV_OFFLINE")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    with pytest.raises(
        EnvironmentProblem, match=r"cannot be resolved any more.*tiny==9\.0"
    ) as told:
        ensure(tiny("9.0"))
    assert told.value.asked == "tiny"
    assert sizes() == {}


def test_no_network(cache: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="no package index could be reached"):
        ensure(Environment("six", "six==1.17.0\n", python=sys.executable))
    assert not [*cache.rglob(".making-*")]


@pytest.mark.usefixtures("cache")
def test_a_network_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UV_OFFLINE")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(EnvironmentProblem, match="no package index could be reached"):
        ensure(Environment("six", "six==1.17.0\n", python=sys.executable))


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The cache on a file system of its own, of one mebibyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no `mount` here")
    if done.returncode != 0:
        pytest.skip(f"no file system may be mounted here: {done.stderr.strip()}")
    monkeypatch.setenv("MASKGATE_CACHE", str(folder))
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk(cache: Path, small_disk: Path) -> None:
    wheels = cache.parent / "wheels"
    write_wheel(wheels, "3.0", payload=os.urandom(2 * MEBIBYTE))
    with pytest.raises(EnvironmentProblem, match="no space is left on the disk"):
        ensure(tiny("3.0"))
    assert sizes() == {}
    assert not [*small_disk.rglob(".making-*")]
    assert says(ensure(tiny("1.0")), "import tiny; print(tiny.version)") == "1.0"


@pytest.mark.usefixtures("cache")
def test_no_such_python() -> None:
    with pytest.raises(EnvironmentProblem, match="there is no such Python"):
        ensure(Environment("future", "tiny==1.0\n", python="3.99"))


@pytest.mark.usefixtures("cache")
def test_uv_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EnvironmentProblem, match=r"uv.*is not installed; run `pip install uv`"):
        ensure(tiny())


@pytest.mark.usefixtures("cache")
def test_uv_on_the_path_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = tool.find_uv("tiny")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / Path(real).name).symlink_to(real)
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert Path(tool.find_uv("tiny")).parent == tmp_path / "bin"


def test_a_cache_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MASKGATE_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(EnvironmentProblem, match="could not be used: Not a directory"):
        ensure(tiny())


def test_the_cache_is_the_user_s_own_unless_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MASKGATE_CACHE", raising=False)
    assert cache_folder().name == "maskgate"
    monkeypatch.setenv("MASKGATE_CACHE", "somewhere")
    assert cache_folder() == Path.cwd() / "somewhere"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_met_by_maskgate_itself(number: int, tmp_path: Path) -> None:
    problem = from_os_error("tiny", tmp_path, OSError(number, os.strerror(number)))
    assert "no space is left" in problem.found


def test_a_failure_of_uv_that_nothing_explains(tmp_path: Path) -> None:
    problem = from_uv(
        "tiny", tmp_path, 2, "error: first line\n  \u2570\u2500\u25b6 second " + 500 * "x"
    )
    assert problem.found.startswith("uv stopped with status 2: first line second xxx")
    assert len(problem.found) < 250


@pytest.mark.usefixtures("cache")
def test_an_interruption_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "_install_shims", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ensure(tiny())
    assert sizes() == {}
    assert not [*cache_folder().rglob(".making-*")]
