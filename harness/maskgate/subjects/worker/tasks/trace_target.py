"""The model that a user names: made by their own code, or read from a file. Neither is changed."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import sys
import zipfile
from collections.abc import Iterator
from typing import Any

from ..adapter import readable

ARCHIVES = (".keras", ".h5", ".hdf5")


class TraceProblem(Exception):
    """What stands in the way of a trace, for a person.

    Attributes:
        asked: what was asked for.
        found: what was found instead, one clause.
        hint: what to do next, one clause.
        failed: whether the user's code or the framework failed at it; else it was asked wrongly.
    """

    def __init__(self, asked: str, found: str, hint: str, *, failed: bool = False) -> None:
        super().__init__(asked + ": " + found + "; " + hint)
        self.asked, self.found, self.hint, self.failed = asked, found, hint, failed

    def as_data(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "asked": self.asked,
            "found": self.found,
            "hint": self.hint,
            "failed": self.failed,
        }


def said(problem: BaseException) -> str:
    """An exception as one clause."""
    kind = type(problem).__name__
    # Some frameworks colour what they say.
    words = re.sub(r"\x1b\[[0-9;]*m", "", readable(str(problem), kind))
    words = " ".join(words.split()).rstrip(".;:")
    return kind + ": " + words if words else kind


@contextlib.contextmanager
def users_code(folder: str, api: str) -> Iterator[None]:
    """Let modules be imported from `folder`, without leaving bytecode there.

    `tf.keras` is what is asked: it is tf_keras where that is the API in use.
    """
    before, path = sys.dont_write_bytecode, list(sys.path)
    sys.dont_write_bytecode = True
    sys.path.insert(0, folder)
    # A worker outlives a trace: a module of the same name may have been imported from elsewhere.
    importlib.invalidate_caches()
    if api == "tf_keras":
        os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    try:
        yield
    finally:
        sys.dont_write_bytecode, sys.path[:] = before, path


def load(keras: Any, target: str, folder: str) -> Any:
    """The model of `pkg.module:NAME`, or of a saved file or folder, seen from `folder`.

    Raises:
        TraceProblem: when there is none.
    """
    path = os.path.join(folder, target)  # noqa: PTH118
    if is_file(path):
        return _from_file(keras, target, path)
    found = named(target)
    model = found if is_model(keras, found) else _called(target, found)
    if not is_model(keras, model):
        words = _foreign(keras, model) or "it is no Keras model but " + _described(model)
        raise TraceProblem(target, words, "name a model, or a function that returns one")
    return model


def is_file(path: str) -> bool:
    """Whether a target is a file and not `pkg.module:NAME`."""
    return os.path.exists(path) or path.endswith(ARCHIVES)  # noqa: PTH110


def is_model(keras: Any, thing: Any) -> bool:
    """Whether it is a model of the API that is asked."""
    return isinstance(thing, keras.models.Model)


def named(text: str) -> Any:
    """What `pkg.module:NAME` names; NAME may have dots.

    Raises:
        TraceProblem: when it names nothing.
    """
    module_name, _, name = text.partition(":")
    if not module_name or not name:
        wanted = "give pkg.module:NAME, or the path of a .keras, .h5 or SavedModel file"
        raise TraceProblem(text, "no such file, and no pkg.module:NAME", wanted)
    thing = imported(text, module_name)
    for part in name.split("."):
        if not hasattr(thing, part):
            found = "module " + module_name + " has no " + name
            raise TraceProblem(text, found, "name what is defined there")
        thing = getattr(thing, part)
    return thing


def imported(asked: str, module_name: str) -> Any:
    """The module. Raises `TraceProblem`."""
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as problem:
        missing = problem.name or ""
        if module_name == missing or module_name.startswith(missing + "."):
            hint = "run maskgate in the folder that it is imported from"
            found = "there is no module " + missing + " in the current folder"
            raise TraceProblem(asked, found, hint) from problem
        found = "importing " + module_name + " raised " + said(problem)
        hint = "install it for the subject, or name another subject"
        raise TraceProblem(asked, found, hint, failed=True) from problem
    except (Exception, SystemExit) as problem:
        found = "importing " + module_name + " raised " + said(problem)
        hint = "the module must import in the subject"
        raise TraceProblem(asked, found, hint, failed=True) from problem


def _called(target: str, function: Any) -> Any:
    if not callable(function):
        found = "it is no Keras model but " + _described(function)
        raise TraceProblem(target, found, "name a model, or a function that returns one")
    try:
        return function()
    except (Exception, SystemExit) as problem:
        found = "building the model raised " + said(problem)
        hint = "it must build without arguments in the subject"
        raise TraceProblem(target, found, hint, failed=True) from problem


def _from_file(keras: Any, target: str, path: str) -> Any:
    if not os.path.exists(path):  # noqa: PTH110
        raise TraceProblem(target, "there is no such file", "give the path of a saved model")
    if path.endswith(".keras") and os.path.isfile(path) and not zipfile.is_zipfile(path):  # noqa: PTH113
        # Keras says of such a file that it is not there.
        raise TraceProblem(target, "it is no .keras file: no zip archive", "give a saved model")
    try:
        model = keras.models.load_model(path)
    except (Exception, SystemExit) as problem:
        if type(problem).__module__.startswith("builtins") and "TFSMLayer" in str(problem):
            found = "Keras " + keras.__version__ + " reads no such file as a model"
            hint = "give a .keras or .h5 file, or name a subject with the Keras that saved it"
        else:
            found = "Keras " + keras.__version__ + " cannot read it as a model (" + said(problem)
            found, hint = found + ")", "give a saved model, and `--import` what registers its parts"
        raise TraceProblem(target, found, hint) from problem
    if not is_model(keras, model):
        found = "what was saved there is no Keras model but " + _described(model)
        raise TraceProblem(target, found, "save the model itself: model.save(path)")
    return model


def _foreign(keras: Any, thing: Any) -> str:
    """Whether it is a model of another Keras than the one that is asked."""
    for base in type(thing).__mro__:
        if base.__name__ == "Model" and "keras" in base.__module__:
            other = base.__module__.split(".")[0]
            mine = keras.__name__ + " " + keras.__version__
            return f"it is a model of another Keras ({other}) than the subject's {mine}"
    return ""


def _described(thing: Any) -> str:
    kind = type(thing)
    where = "" if kind.__module__ == "builtins" else kind.__module__ + "."
    return "an object of class " + where + kind.__name__
