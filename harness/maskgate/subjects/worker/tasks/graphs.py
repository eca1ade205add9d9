"""Graphs of Keras before 2.4, which grow with every layer that is called."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def own_graph(adapter: Any) -> Iterator[None]:
    """A graph and a session for what is built inside, gone afterwards.

    Each session compiles its whole graph anew when that has grown: a hundred layers in one graph
    take minutes.
    """
    tensorflow, backend = adapter.backend.tf, adapter.api.keras.backend
    # Keras 2.3 leaves sessions to tf.keras, which has one a thread.
    state = backend.tensorflow_backend
    holder, name = state, "_SESSION"
    if not hasattr(state, name):
        holder, name = state.tf_keras_backend._SESSION, "session"
    before = getattr(holder, name, None)
    with tensorflow.Graph().as_default(), tensorflow.Session() as session:
        backend.set_session(session)
        try:
            yield
        finally:
            setattr(holder, name, before)
