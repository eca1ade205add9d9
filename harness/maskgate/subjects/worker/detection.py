"""Which Keras API an environment has, and the adapter for it."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from typing import Any

from .adapter import Adapter, KerasAdapter, UnusableError, readable

APIS = ("tf_keras", "keras")  # in order of preference where both are installed
OLDEST = (2, 4)  # first release that runs eagerly and has loss objects

INSTALL = "install it in that environment or name another one"


def load(
    *,
    api: str | None = None,
    backend: str = "tensorflow",
    device: str = "cpu",
    seed: str | None = None,
    losses: Mapping[str, Callable[..., Any]] | None = None,
) -> Adapter:
    """The adapter for what is installed here.

    Args:
        api: `keras` or `tf_keras`; None takes `tf_keras` where it is installed (nobody installs it
            but to use it, while Keras 3 comes along with TensorFlow), else `keras`.
        backend: `tensorflow`.
        device: `cpu` or `gpu`.
        seed: variant of the seed's formula to put in place of the loss objects' reduction.
        losses: loss classes to use in place of the framework's, by class name.

    Raises:
        UnusableError: when the environment lacks what was asked for, or importing it fails.
    """
    found = [name for name in APIS if importlib.util.find_spec(name) is not None]
    chosen = choose(found, api)
    keras = imported(chosen)
    runner = backend_of(backend, device)
    built = api_of(chosen, keras, losses)
    if seed is not None:
        from .seed import Seed

        built = Seed(seed, built, runner)
    return KerasAdapter(built, runner, notes(found, chosen, api))


def choose(found: list[str], wanted: str | None) -> str:
    """The API to ask: the wanted one, else the preferred one of those found."""
    if wanted is not None and wanted not in found:
        has = " and ".join(found) or "no Keras"
        raise UnusableError(wanted + " is not installed there (it has " + has + ")", INSTALL)
    if not found:
        raise UnusableError("no framework is installed there: neither tf_keras nor keras", INSTALL)
    return wanted or found[0]


def imported(name: str) -> Any:
    """The module; its failure to import is a fact about the environment."""
    try:
        return importlib.import_module(name)
    except Exception as problem:
        kind = type(problem).__name__
        said = kind + ": " + readable(str(problem), kind).replace("\n", " ")
        repair = "repair that environment: `import " + name + "` must work in it"
        raise UnusableError("importing " + name + " there raised " + said, repair) from problem


def backend_of(name: str, device: str) -> Any:
    """The runner of a backend. A new backend is a sibling file and a line here."""
    if name != "tensorflow":
        raise UnusableError("backend " + name + " is not known", "the known one is tensorflow")
    from .on_tensorflow import TensorFlow

    return TensorFlow(imported("tensorflow"), device)


def api_of(name: str, keras: Any, losses: Mapping[str, Callable[..., Any]] | None) -> Any:
    """The generation of the API, by its version."""
    version = tuple(int(number) for number in keras.__version__.split(".")[:2])
    if version >= (3,):
        from .keras3 import Keras3

        return Keras3(keras, losses)
    if version < OLDEST:
        raise UnusableError(
            name + " " + keras.__version__ + " has no loss objects that run eagerly",
            "2.4 is the oldest release that can be asked this way",
        )
    from .keras2 import Keras2

    return Keras2(name, keras, losses)


def notes(found: list[str], chosen: str, wanted: str | None) -> tuple[str, ...]:
    """What to say where there was a choice."""
    if len(found) < 2 or wanted is not None:
        return ()
    other = found[1]
    return (
        other + " is installed there too; asked through " + chosen + " (#" + other + " asks it)",
    )
