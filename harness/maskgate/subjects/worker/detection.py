"""Which Keras API and backend an environment has, and the adapter for them."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from importlib.machinery import PathFinder
from typing import Any

from .adapter import Adapter, KerasAdapter, UnusableError, readable
from .replicas import divide_cpu

APIS = ("tf_keras", "keras")  # in order of preference where both are installed
BACKENDS = ("tensorflow", "jax", "torch")  # likewise
EAGER = (2, 4)  # first release whose losses run eagerly
OBJECTS = (2, 3)  # first release that has loss objects
OLDEST = (2, 0)

INSTALL = "install it in that environment or name another one"


def load(
    *,
    api: str | None = None,
    backend: str | None = None,
    device: str = "cpu",
    seed: str | None = None,
    losses: Mapping[str, Callable[..., Any]] | None = None,
    own: Mapping[str, Any] | None = None,
    replicas: int = 1,
) -> Adapter:
    """The adapter for what is installed here.

    Args:
        api: `keras` or `tf_keras`; None takes `tf_keras` where it is installed (nobody installs it
            but to use it, while Keras 3 comes along with TensorFlow), else `keras`.
        backend: `tensorflow`, `jax` or `torch`; None takes what the variable KERAS_BACKEND says, if
            that is installed, else the first that is. Keras 2 and tf_keras run on TensorFlow alone.
        device: `cpu` or `gpu`.
        seed: variant of the seed's formula to put in place of the loss objects' reduction.
        losses: loss classes to use in place of the framework's, by class name.
        own: a user's own loss: `name`, `pkg.module:NAME`; `sparse`, whether its labels are class
            ids; `role`, `loss`, `metric` or `layer`; `target`, the thing itself
            where it is here already.
        replicas: logical devices that the CPU is divided into, on TensorFlow.

    Raises:
        UnusableError: when the environment lacks what was asked for, or importing it fails.
    """
    found = [name for name in APIS if installed(name)]
    chosen = choose(found, api or ("keras" if backend in BACKENDS[1:] else None))
    engine = "tensorflow" if chosen == "tf_keras" else choose_backend(backend)
    if chosen not in sys.modules:
        os.environ["KERAS_BACKEND"] = engine  # Keras 3 reads it when it is imported
    if replicas > 1:
        divide_cpu(replicas)
    keras = imported(chosen)
    engine = backend_in_use(keras, backend or engine, asked=backend is not None)
    runner = runner_of(engine, device, version_of(keras))
    role = None if own is None else own.get("role")
    loss = None if own is None or role == "layer" else own_loss(keras, **own)
    if loss is not None:
        losses = dict(losses or {}, **{loss.text: loss.factory})
    built = api_of(chosen, keras, losses)
    if seed is not None:
        built = seed_of(seed, built, runner)
    adapter = KerasAdapter(built, runner, notes(found, chosen, api or backend))
    if loss is not None and own is not None:
        from .survey import survey

        asked = survey(adapter, loss, runner.modes[0], sparse=bool(own.get("sparse")))
        built.extra = dict(built.extra, own=asked)
    elif own is not None:
        adapter.own_layer = own_layer(keras, own["name"], own.get("target"))
        built.extra = dict(built.extra, own=adapter.own_layer.survey())
    return adapter


def choose(found: list[str], wanted: str | None) -> str:
    """The API to ask: the wanted one, else the preferred one of those found."""
    if wanted is not None and wanted not in found:
        has = " and ".join(found) or "no Keras"
        raise UnusableError(wanted + " is not installed there (it has " + has + ")", INSTALL)
    if not found:
        raise UnusableError("no framework is installed there: neither tf_keras nor keras", INSTALL)
    return wanted or found[0]


def choose_backend(wanted: str | None) -> str:
    """The backend of Keras 3: the wanted one, else the preferred one of those installed."""
    found = [name for name in BACKENDS if installed(name)]
    if wanted is not None and wanted not in found:
        has = " and ".join(found) or "no backend"
        raise UnusableError(wanted + " is not installed there (it has " + has + ")", INSTALL)
    preferred = [os.environ.get("KERAS_BACKEND"), *BACKENDS]
    # Where there is none, importing Keras says so.
    return wanted or next((name for name in preferred if name in found), BACKENDS[0])


def installed(name: str) -> bool:
    """Whether a package can be found. Import hooks, which may serve once, are asked last."""
    return bool(PathFinder.find_spec(name) or importlib.util.find_spec(name))


def imported(name: str) -> Any:
    """The module; its failure to import is a fact about the environment."""
    try:
        return importlib.import_module(name)
    except Exception as problem:
        kind = type(problem).__name__
        said = kind + ": " + readable(str(problem), kind).replace("\n", " ")
        repair = "repair that environment: `import " + name + "` must work in it"
        raise UnusableError("importing " + name + " there raised " + said, repair) from problem


def backend_in_use(keras: Any, chosen: str, *, asked: bool) -> str:
    """The backend that the imported package runs on.

    Raises:
        UnusableError: when another one was asked for.
    """
    name = "tensorflow" if version_of(keras) < (3,) else keras.backend.backend()
    if asked and name != chosen:
        found = "Keras " + keras.__version__ + " there runs on " + name + ", not on " + chosen
        raise UnusableError(found, "leave the backend out or name another environment")
    return str(name)


def version_of(keras: Any) -> tuple[int, ...]:
    """The first two numbers of its version."""
    return tuple(int(number) for number in keras.__version__.split(".")[:2])


def runner_of(backend: str, device: str, version: tuple[int, ...]) -> Any:
    """What runs losses on a backend. A new backend is a sibling file and a line here."""
    module = imported(backend)
    if backend == "jax":
        from .on_jax import Jax

        return Jax(module, device)
    if backend == "torch":
        from .on_torch import Torch

        return Torch(module, device)
    if version < EAGER:
        from .on_graphs import Graphs

        return Graphs(module, device)
    from .on_tensorflow import TensorFlow

    return TensorFlow(module, device)


def api_of(name: str, keras: Any, losses: Mapping[str, Callable[..., Any]] | None) -> Any:
    """The generation of the API, by its version."""
    version = version_of(keras)
    if version >= (3,):
        from .keras3 import Keras3

        return Keras3(keras, losses)
    if version >= EAGER:
        from .keras2 import Keras2

        return Keras2(name, keras, losses)
    if version < OLDEST:
        raise UnusableError(
            name + " " + keras.__version__ + " is older than what can be asked",
            "2.0 is the oldest release that can",
        )
    from .keras2_graphs import Keras23, Objectives

    return Keras23(keras, losses) if version >= OBJECTS else Objectives(keras, losses)


def own_loss(
    keras: Any, name: str, target: Any = None, sparse: bool = False, role: str = "loss"
) -> Any:
    """A user's own loss or metric, by its name or as it is."""
    from .own import Own, found
    from .own_metric import OwnMetric

    del sparse
    kind = OwnMetric if role == "metric" else Own
    return kind(name, found(name) if target is None else target, keras)


def own_layer(keras: Any, name: str, target: Any = None) -> Any:
    """A user's own layer, by its name or as it is."""
    from .own import found
    from .own_layer import OwnLayer

    return OwnLayer(name, found(name) if target is None else target, keras)


def seed_of(variant: str, api: Any, runner: Any) -> Any:
    """The seed's formula over the element losses of an API."""
    if runner.name != "tensorflow":
        raise UnusableError(
            "the seed's formula is written in TensorFlow operations, not for " + runner.name,
            "ask it with backend tensorflow",
        )
    from .seed import Seed

    return Seed(variant, api, runner)


def notes(found: list[str], chosen: str, wanted: str | None) -> tuple[str, ...]:
    """What to say where there was a choice."""
    if len(found) < 2 or wanted is not None:
        return ()
    other = found[1]
    return (
        other + " is installed there too; asked through " + chosen + " (#" + other + " asks it)",
    )
