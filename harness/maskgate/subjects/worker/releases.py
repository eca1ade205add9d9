"""What the adapters of all generations of Keras have in common."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .adapter import NotOfferedError
from .words import Ask

DEFAULT_EPSILON = 1e-7


class Release:
    """One installed release: builds `loss(y_true, y_pred, mask, sample_weight)` for a question.

    Args:
        distribution: `keras` or `tf_keras`.
        keras: the imported package.
        losses: loss classes (before 2.3: functions) to use in place of the framework's, by class
            name.
    """

    def __init__(
        self,
        distribution: str,
        keras: Any,
        losses: Mapping[str, Callable[..., Any]] | None = None,
    ) -> None:
        self.distribution, self.keras, self.losses = distribution, keras, losses or {}
        self.version, self.epsilon = keras.__version__, float(keras.backend.epsilon())
        self.extra = {"floatx": keras.backend.floatx()}
        self.notes = settings_notes(self.epsilon, keras.backend.floatx())

    def loss(self, ask: Ask) -> Callable[..., Any]:
        """A new loss for the question, as a function that attaches the mask and calls it."""
        raise NotImplementedError

    def elementwise(self, ask: Ask) -> Callable[[Any, Any], Any]:
        """The element losses of the question: `(y_true, y_pred)`, nothing reduced or masked."""
        loss = self.loss(ask._replace(reduction="none"))
        return lambda y_true, y_pred: loss(y_true, y_pred, None, None)


def loss_class(keras: Any, losses: Mapping[str, Callable[..., Any]], ask: Ask) -> Any:
    """The class that a question names.

    Raises:
        NotOfferedError: when this release lacks it or one of the parameters.
    """
    factory = losses.get(ask.loss) or getattr(keras.losses, ask.loss, None)
    return taking_parameters(factory, keras, ask)


def taking_parameters(factory: Any, keras: Any, ask: Ask) -> Any:
    """The factory, or function, of a question's loss, if it is there and takes its parameters.

    Raises:
        NotOfferedError: otherwise.
    """
    if factory is None:
        raise NotOfferedError("no loss " + ask.loss + " in " + keras.__version__)
    for name in ask.parameters:
        if name not in arguments_of(factory):
            raise NotOfferedError(
                ask.loss + " has no parameter " + name + " in " + keras.__version__
            )
    return factory


@functools.lru_cache(maxsize=None)  # noqa: UP033 -- Python 3.7
def arguments_of(factory: Callable[..., Any]) -> frozenset[str]:
    """Names of the arguments that a class or function takes."""
    return frozenset(inspect.signature(factory).parameters)


def settings_notes(epsilon: float, floatx: str) -> tuple[str, ...]:
    """What a configuration file of the user's has changed."""
    changed = []
    if epsilon != DEFAULT_EPSILON:
        changed.append("epsilon is set to " + repr(epsilon) + " there (the default is 1e-07)")
    if floatx != "float32":
        changed.append("floatx is set to " + floatx + " there (the default is float32)")
    return tuple(changed)


@contextlib.contextmanager
def floatx(keras: Any, dtype: str) -> Iterator[None]:
    """Make `dtype` the default dtype: how a release whose losses take no dtype is asked for one.

    Raises:
        NotOfferedError: when this release has no such default dtype.
    """
    before = keras.backend.floatx()
    try:
        keras.backend.set_floatx(dtype)
    except ValueError as problem:
        raise NotOfferedError("no floatx " + dtype + " in " + keras.__version__) from problem
    try:
        yield
    finally:
        keras.backend.set_floatx(before)


def set_attribute(tensor: Any, mask: Any) -> None:
    """How layers of Keras 2 and of 3.0 to 3.5 attach a mask.

    A tensor that takes no attributes (a tracer of JAX) loses its mask without a word, as there:
    3.5.0 `layers/layer.py`, `_set_mask_metadata`.
    """
    with contextlib.suppress(AttributeError):
        tensor._keras_mask = mask
