"""Arguments of the strategies, validated where they are given: the message holds the value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

Option = TypeVar("Option")


def subset(name: str, given: Sequence[Option], allowed: Iterable[Option]) -> tuple[Option, ...]:
    """The given options as a tuple.

    Raises:
        ValueError: when there are none, or one that is not allowed.
    """
    known = tuple(allowed)
    if isinstance(given, str) or not given:
        raise ValueError(f"{name} must be a non-empty sequence of {_listed(known)}; got {given!r}")
    for option in given:
        if option not in known:
            raise ValueError(f"{name} must be among {_listed(known)}; got {option!r}")
    return tuple(given)


def one_of(name: str, given: Option, allowed: Iterable[Option]) -> Option:
    """The given option. Raises ValueError when it is not allowed."""
    known = tuple(allowed)
    if given not in known:
        raise ValueError(f"{name} must be one of {_listed(known)}; got {given!r}")
    return given


def bounds(name: str, least: int, low: int, high: int) -> None:
    """Raise ValueError unless `least <= low <= high`, all integers."""
    for which, value in ((f"min_{name}", low), (f"max_{name}", high)):
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"{which} must be an integer; got {value!r}")
    if low < least:
        raise ValueError(f"min_{name} must be at least {least}; got {low!r}")
    if low > high:
        raise ValueError(f"min_{name} must not exceed max_{name}; got {low!r} > {high!r}")


def dimensions(name: str, shape: Sequence[int]) -> tuple[int, ...]:
    """The shape as a tuple. Raises ValueError unless it holds non-negative integers."""
    if not isinstance(shape, (tuple, list)) or not all(_is_side(side) for side in shape):
        raise ValueError(f"{name} must be a tuple of non-negative integers; got {shape!r}")
    return tuple(shape)


def _is_side(side: object) -> bool:
    return isinstance(side, int) and not isinstance(side, bool) and side >= 0


def _listed(options: Iterable[object]) -> str:
    return ", ".join(map(str, options))
