"""Gives back names that Python 3.11 lost: the ABCs in `collections`, `inspect.getargspec` and
`inspect.ArgSpec`.

Touches imports and signatures only, nothing that computes: Keras reads with them which arguments a
function takes, and which class an iterable has.
"""

import collections
import collections.abc

from maskgate_shims.hooks import after_import


def _abstract_classes():
    for name in collections.abc.__all__:
        if not hasattr(collections, name):
            setattr(collections, name, getattr(collections.abc, name))


def _argument_specs(inspect):
    spec = collections.namedtuple("ArgSpec", "args varargs keywords defaults")
    inspect.ArgSpec = spec
    inspect.getargspec = lambda function: spec(*inspect.getfullargspec(function)[:4])


_abstract_classes()
after_import("inspect", _argument_specs)
