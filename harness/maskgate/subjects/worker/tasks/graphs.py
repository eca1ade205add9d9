"""Graphs and sessions of Keras before 2.4, and models that are kept in one of their own.

A session compiles its whole graph anew when that has grown: what is built one behind the other in
one graph takes minutes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..kept import Kept
from . import models

_ENTERED = contextlib.ExitStack()  # the graphs that the task at work has entered


@contextlib.contextmanager
def own_graph(adapter: Any) -> Iterator[None]:
    """A graph and a session for what is built inside, gone afterwards."""
    graph, make = adapter.backend.tf.Graph(), adapter.backend.tf.Session
    with graph.as_default(), make() as session, _session_of_keras(adapter, session):
        yield


@contextlib.contextmanager
def left_afterwards() -> Iterator[None]:
    """What is done inside leaves the graphs of the kept models that it asks for."""
    with _ENTERED:
        yield


class _At(NamedTuple):
    model: Any
    home: Home | None


class KeptModels(Kept[_At]):
    """Compiled models by what they were built for.

    Those of Keras before 2.4 live in a graph and a session each, which are the default ones from
    `get` to the end of the task.
    """

    def model(self, adapter: Any, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """The model of a key, made if it is not there."""
        at = self.get((id(adapter), *key), lambda: _built(adapter, make))
        if at.home is not None:
            at.home.enter()
        return at.model

    def forget(self, model: Any) -> None:
        """Forget a model, by identity; nothing where it is not kept."""
        for at in self._at(model):
            super().forget(at)

    def renew(self, model: Any) -> bool:
        """Have a kept model start anew, in a new session; whether it is one of Keras before 2.4.

        Its variables, its optimizer's and its random numbers are then as they were at first.
        """
        homes = [at.home for at in self._at(model) if at.home is not None]
        for home in homes:
            home.renew()
        return bool(homes)

    def _at(self, model: Any) -> list[_At]:
        return [at for at in self.values() if at.model is model]


class Home:
    """A graph and the session of what is built in it."""

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter
        self._graph = adapter.backend.tf.Graph()
        self._session = self._new_session()

    def enter(self) -> None:
        """Make them the default ones to the end of the task."""
        _ENTERED.enter_context(self._graph.as_default())
        _ENTERED.enter_context(self._session.as_default())
        _ENTERED.enter_context(_session_of_keras(self._adapter, self._session))

    def renew(self) -> None:
        """A new session, with the variables as they were at first."""
        self._session.close()
        self._session = self._new_session()
        self.enter()
        self._session.run(self._adapter.backend.tf.global_variables_initializer())

    def _new_session(self) -> Any:
        """One that adds up gradients in one order; several threads do not."""
        tensorflow = self._adapter.backend.tf
        one = {"intra_op_parallelism_threads": 1, "inter_op_parallelism_threads": 1}
        return tensorflow.Session(graph=self._graph, config=tensorflow.ConfigProto(**one))


def _built(adapter: Any, make: Callable[[], Any]) -> _At:
    home = None
    if models.release(adapter.api.keras) < (2, 4):
        home = Home(adapter)
        home.enter()
    return _At(make(), home)


@contextlib.contextmanager
def _session_of_keras(adapter: Any, session: Any) -> Iterator[None]:
    backend = adapter.api.keras.backend
    # Keras 2.3 leaves sessions to tf.keras, which has one a thread.
    state = backend.tensorflow_backend
    holder, name = state, "_SESSION"
    if not hasattr(state, name):
        holder, name = state.tf_keras_backend._SESSION, "session"
    before = getattr(holder, name, None)
    backend.set_session(session)
    try:
        yield
    finally:
        setattr(holder, name, before)
