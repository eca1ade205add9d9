"""Gives back names that Python 3.11 lost: the ABCs in `collections`, `inspect.getargspec` and
`inspect.ArgSpec`.

Touches imports and signatures only, nothing that computes: Keras reads with them which arguments a
function takes, and which class an iterable has.
"""

from __future__ import annotations

import collections
import collections.abc
from types import ModuleType

from .hooks import after_import

ArgSpec = collections.namedtuple("ArgSpec", "args varargs keywords defaults")


def _abstract_classes() -> None:
    for name in collections.abc.__all__:
        vars(collections).setdefault(name, getattr(collections.abc, name))


def _argument_specs(inspect: ModuleType) -> None:
    vars(inspect).update(
        ArgSpec=ArgSpec, getargspec=lambda function: ArgSpec(*inspect.getfullargspec(function)[:4])
    )


_abstract_classes()
after_import("inspect", _argument_specs)
