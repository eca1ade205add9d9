"""What is kept between questions: traced functions by signature, and loss objects."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from .words import Ask

LARGEST = 256  # things kept; the least recently used one goes first
Thing = TypeVar("Thing")


class Kept(Generic[Thing]):
    """Things by signature (all of a question but the values of its arrays)."""

    def __init__(self) -> None:
        self._things: OrderedDict[tuple[Any, ...], Thing] = OrderedDict()

    def get(self, signature: tuple[Any, ...], make: Callable[[], Thing]) -> Thing:
        """What is kept of a signature, made if it is not there."""
        if signature not in self._things:
            self._things[signature] = make()
            if len(self._things) > LARGEST:
                self._things.popitem(last=False)
        self._things.move_to_end(signature)
        return self._things[signature]

    def forget(self, thing: Any) -> None:
        """Forget one of them, by identity; nothing where it is not kept."""
        mine = [key for key, each in self._things.items() if each is thing]
        for key in mine:
            del self._things[key]

    def clear(self) -> None:
        """Forget all of them."""
        self._things.clear()

    def values(self) -> Iterator[Thing]:
        """All of them, the least recently used one first."""
        return iter(self._things.values())

    def __len__(self) -> int:
        return len(self._things)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """The signatures, the least recently used one first."""
        return iter(self._things)


class KeptLosses:
    """An API's losses as a program has them: one object, called again and again in eager mode.

    State that a call leaves in the object meets the next question. Traced code gets an object of
    its own for each signature.

    Args:
        api: builds a loss function for a question.
    """

    def __init__(self, api: Any) -> None:
        self._api = api
        self._eager: Kept[Callable[..., Any]] = Kept()

    def loss(self, ask: Ask) -> Callable[..., Any]:
        """The loss function for a question, made if it is not there."""
        if ask.mode != "eager":
            return self._api.loss(ask)  # type: ignore[no-any-return]
        return self._eager.get(ask.function, lambda: self._api.loss(ask))

    def clear(self) -> None:
        """Forget all of them."""
        self._eager.clear()
