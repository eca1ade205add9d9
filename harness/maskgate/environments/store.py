"""The folder of environments: makes them, finds them, removes them.

    CACHE/environments/NAME/DIGEST/         a finished environment, with its completion marker
    CACHE/environments/NAME/.making-XXXX/   one that is being made, or was when a process was killed
    CACHE/environments/NAME.lock            held while NAME is made or removed

For `pip:` environments NAME is a hash, and the marker has the requirements.

An environment is made beside its place and renamed into it when it is whole, so that whatever has
the final name can be used. The digest is of what is installed: another lock is another folder, and
a run that uses the former one is left alone.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from maskgate.environments.model import SHIMS, Environment, get
from maskgate.environments.problems import EnvironmentProblem, from_os_error
from maskgate.environments.tool import run_uv

Progress = Callable[[str], None]
_MARKER = "maskgate.json"
_UNFINISHED = ".making-"


def cache_folder() -> Path:
    """Where environments are kept: MASKGATE_CACHE, else the user's cache folder."""
    from platformdirs import user_cache_path

    override = os.environ.get("MASKGATE_CACHE")
    return Path(override).expanduser().absolute() if override else user_cache_path("maskgate")


def ensure(asked: str | Environment, *, progress: Progress | None = None) -> Path:
    """The Python executable of an environment, which is made if it is not there.

    Two processes may ask for the same one at once: the second waits for the first.

    Args:
        asked: as for `get`, or an environment itself.
        progress: called with a line of text at every step.

    Raises:
        EnvironmentProblem: where it cannot be made: no such name, disk full, no network, a lock
            that no longer resolves, uv missing.
    """
    environment = get(asked) if isinstance(asked, str) else asked
    place, say = _place(environment), progress or (lambda _text: None)
    with _translated(environment.name):
        if not _is_finished(place):
            _make_alone(environment, place, say)
    return _python(place)


def remove(name: str) -> int:
    """Remove an environment, whatever state it is in; returns the bytes of it.

    Raises:
        EnvironmentProblem: where none of that name has been made.
    """
    folder = _made().get(name) or _environments() / get(name).folder
    if not folder.is_dir():
        raise EnvironmentProblem(name, "it has not been made", "see `maskgate env list`")
    size = _size(folder)
    with _translated(name), _alone(folder, lambda: None):
        # Renamed first: a removal that is killed half-way leaves nothing with a final name.
        for place in folder.glob("[!.]*"):
            place.rename(folder / f"{_UNFINISHED}{place.name}")
        shutil.rmtree(folder)
    return size


def sizes(progress: Progress = lambda _step: None) -> dict[str, int]:
    """Bytes of every environment that has been made, by name.

    Files that uv linked from its cache are counted in each environment that has them.

    Args:
        progress: called with a sentence before each is measured: with a cold disk cache all of
            them take half a minute.
    """
    found = {}
    for name, folder in _made().items():
        progress(f"measuring {name}")
        found[name] = _size(folder)
    return found


def _environments() -> Path:
    return cache_folder() / "environments"


def _made() -> dict[str, Path]:
    """The folder of each environment that has been made, by name."""
    markers = _environments().glob(f"*/[!.]*/{_MARKER}")
    return {json.loads(mark.read_text())["name"]: mark.parents[1] for mark in sorted(markers)}


def _place(environment: Environment) -> Path:
    return _environments() / environment.folder / environment.digest


def _python(place: Path) -> Path:
    return place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _is_finished(place: Path) -> bool:
    """Whole, and the Python that it was made from is still on the machine."""
    return (place / _MARKER).is_file() and _python(place).exists()


def _make_alone(environment: Environment, place: Path, say: Progress) -> None:
    """Make an environment, unless another process has while this one waited for its lock."""
    with _alone(place.parent, lambda: say(_waiting(environment))):
        if not _is_finished(place):
            _make(environment, place, say)


def _make(environment: Environment, place: Path, say: Progress) -> None:
    """Make an environment beside its place and rename it; its lock is held."""
    _clear_away(place)
    started = time.monotonic()
    say(f"{environment.name}: installing {len(environment.packages)} packages")
    folder = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=place.parent))
    try:
        _fill(environment, folder)
        (folder / "venv").rename(place)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    say(f"{environment.name}: made in {time.monotonic() - started:.1f} s")


def _clear_away(place: Path) -> None:
    """Remove what killed processes left, and an environment whose Python is gone."""
    shutil.rmtree(place, ignore_errors=True)
    for left in place.parent.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(left, ignore_errors=True)


def _fill(environment: Environment, folder: Path) -> None:
    """A whole environment in `folder/venv`, its marker written last."""
    venv, lock = folder / "venv", folder / "lock.txt"
    lock.write_text("\n".join(environment.packages) + "\n")
    python = ["--python", environment.python]
    make = ["venv", *python, "--relocatable", "--no-project", venv.name]
    run_uv(environment.name, make, folder=folder)
    install = ["pip", "install", "--python", str(_python(venv)), "--requirements", lock.name]
    complete = ["--no-deps"] if environment.complete else []
    run_uv(environment.name, [*install, *complete], folder=folder)
    _install_shims(environment, venv)
    marker = {"name": environment.name, "packages": environment.packages}
    (venv / _MARKER).write_text(json.dumps(marker, indent=1))


def _install_shims(environment: Environment, venv: Path) -> None:
    """Copy the shims in, and have the interpreter import each when it starts."""
    if not environment.shims:
        return
    (site,) = venv.glob("Lib/site-packages" if os.name == "nt" else "lib/python*/site-packages")
    shutil.copytree(SHIMS, site / "maskgate_shims", ignore=shutil.ignore_patterns("__pycache__"))
    lines = [f"import maskgate_shims.{shim}\n" for shim in environment.shims]
    (site / "maskgate_shims.pth").write_text("".join(lines))


def _waiting(environment: Environment) -> str:
    return f"{environment.name}: waiting for another process that makes it"


@contextmanager
def _alone(folder: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock beside a folder; calls `on_wait` before it waits for whoever holds it."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f"{folder.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        on_wait()
        lock.acquire()
    try:
        folder.mkdir(exist_ok=True)  # the one waited for may have removed it
        yield
    finally:
        lock.release()


@contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise from_os_error(name, cache_folder(), error) from error


def _size(folder: Path) -> int:
    """Bytes of the files below a folder."""
    with os.scandir(folder) as entries:
        return sum(
            _size(Path(entry))
            if entry.is_dir(follow_symlinks=False)
            else entry.stat(follow_symlinks=False).st_size
            for entry in entries
        )
