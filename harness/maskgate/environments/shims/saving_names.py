"""Puts empty `TrackableSaver` and `ObjectGraphView` into `tf.__internal__.tracking`, which Keras up
to 2.8 makes one of each with every model and uses for saving alone.

Touches saving only, nothing that computes; a model cannot be saved to a checkpoint with it.
"""

from maskgate_shims.hooks import after_import


class _Nothing:
    def __init__(self, *_arguments, **_options):
        pass


def _savers(tracking):
    tracking.TrackableSaver = tracking.ObjectGraphView = _Nothing


# Keras reaches the same file under two module names, by the order in which things are imported.
after_import("tensorflow.compat.v2.__internal__.tracking", _savers)
after_import("tensorflow._api.v2.compat.v2.__internal__.tracking", _savers)
