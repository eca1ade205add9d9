"""What a backend keeps between questions: one traced function for each signature."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

LARGEST = 256  # functions kept; the least recently used one goes first


class Kept:
    """Traced functions by signature (all of a question but the values of its arrays).

    Args:
        discard: called with each function that goes.
    """

    def __init__(self, discard: Callable[[Any], None] = id) -> None:
        self._discard = discard
        self._functions: OrderedDict[tuple[Any, ...], Any] = OrderedDict()

    def get(self, signature: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """The function of a signature, made if it is not there."""
        if signature not in self._functions:
            self._functions[signature] = make()
            if len(self._functions) > LARGEST:
                self._discard(self._functions.popitem(last=False)[1])
        self._functions.move_to_end(signature)
        return self._functions[signature]

    def clear(self) -> None:
        """Forget all of them."""
        while self._functions:
            self._discard(self._functions.popitem()[1])

    def __iter__(self) -> Any:
        """The signatures, the least recently used one first."""
        return iter(self._functions)
