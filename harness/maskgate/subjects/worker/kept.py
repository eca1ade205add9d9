"""What is kept between questions: traced functions by signature, and loss objects."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

from .words import Ask

LARGEST = 256  # functions kept; the least recently used one goes first


class Kept:
    """Traced functions by signature (all of a question but the values of its arrays)."""

    def __init__(self) -> None:
        self._functions: OrderedDict[tuple[Any, ...], Callable[..., Any]] = OrderedDict()

    def get(
        self, signature: tuple[Any, ...], make: Callable[[], Callable[..., Any]]
    ) -> Callable[..., Any]:
        """The function of a signature, made if it is not there."""
        if signature not in self._functions:
            self._functions[signature] = make()
            if len(self._functions) > LARGEST:
                self._functions.popitem(last=False)
        self._functions.move_to_end(signature)
        return self._functions[signature]

    def forget(self, function: Any) -> None:
        """Forget one of them, by identity; nothing where it is not kept."""
        mine = [key for key, each in self._functions.items() if each is function]
        for key in mine:
            del self._functions[key]

    def clear(self) -> None:
        """Forget all of them."""
        self._functions.clear()

    def __len__(self) -> int:
        return len(self._functions)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """The signatures, the least recently used one first."""
        return iter(self._functions)


class KeptLosses:
    """An API's losses as a program has them: one object, called again and again in eager mode.

    State that a call leaves in the object meets the next question. Traced code gets an object of
    its own for each signature.

    Args:
        api: builds a loss function for a question.
    """

    def __init__(self, api: Any) -> None:
        self._api, self._eager = api, Kept()

    def loss(self, ask: Ask) -> Callable[..., Any]:
        """The loss function for a question, made if it is not there."""
        if ask.mode != "eager":
            return self._api.loss(ask)  # type: ignore[no-any-return]
        return self._eager.get(ask.function, lambda: self._api.loss(ask))

    def clear(self) -> None:
        """Forget all of them."""
        self._eager.clear()
