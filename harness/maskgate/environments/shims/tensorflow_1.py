"""Stands in for `tensorflow`: serves the names of TensorFlow 2.12's `compat.v1`, says version
1.15.0, with TensorFlow 2 behaviour off.

Touches imports only, nothing that computes: every function served is TensorFlow's own, as its own
`compat.v1` publishes it; multi-backend Keras was written against these names and against graphs.
"""

from __future__ import annotations

import sys
from types import ModuleType

from .hooks import after_import

VERSION = "1.15.0"


def _stand_in(tensorflow: ModuleType) -> None:
    v1 = tensorflow.compat.v1
    v1.disable_v2_behavior()
    module = ModuleType("tensorflow")
    # Without its `keras`: that is a door to the newer Keras, and does not open here.
    vars(module).update({name: getattr(v1, name) for name in dir(v1) if name != "keras"})
    vars(module).update(
        __path__=tensorflow.__path__,
        __file__=tensorflow.__file__,
        __spec__=tensorflow.__spec__,
        __version__=VERSION,
        VERSION=VERSION,
    )
    sys.modules["tensorflow"] = module


after_import("tensorflow", _stand_in)
