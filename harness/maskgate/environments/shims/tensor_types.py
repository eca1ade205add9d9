"""Gives back `_TensorLike` and `is_dense_tensor_like` in `tensorflow.python.framework.ops`.

Touches a question of type only, nothing that computes: Keras 2.2.3 to 2.3.1 ask with them whether
an object is a tensor of TensorFlow. Both are answered by the classes that took their place there.
"""

from __future__ import annotations

from types import ModuleType

from .hooks import after_import


def _tensor_types(ops: ModuleType) -> None:
    vars(ops).update(
        _TensorLike=ops.internal.NativeObject,
        is_dense_tensor_like=lambda value: isinstance(value, ops.core_tf_types.Tensor),
    )


after_import("tensorflow.python.framework.ops", _tensor_types)
