"""Puts empty `TrackableSaver` and `ObjectGraphView` into `tf.__internal__.tracking`, which Keras up
to 2.8 makes one of each with every model and uses for saving alone.

Touches saving only, nothing that computes; a model cannot be saved to a checkpoint with it.
"""

from __future__ import annotations

from types import ModuleType

from .hooks import after_import


class _Nothing:
    def __init__(self, *_arguments: object, **_options: object) -> None:
        pass


def _savers(tracking: ModuleType) -> None:
    vars(tracking).update(TrackableSaver=_Nothing, ObjectGraphView=_Nothing)


# Keras reaches the same file under two module names, by the order in which things are imported.
after_import("tensorflow.compat.v2.__internal__.tracking", _savers)
after_import("tensorflow._api.v2.compat.v2.__internal__.tracking", _savers)
