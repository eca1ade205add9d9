"""An environment whose `keras` 3.15.1 is the oracle: a subject that starts at once and is right.

`BEND`, a module of the environment that a test can write anew, changes what it answers.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

from fake_framework import make_environment

import maskgate

TENSORFLOW = """
    import numpy as np
    __version__ = "0.0.1"
    taping = False

    class DType:
        def __init__(self, name):
            self.name = name

    class Tensor:
        def __init__(self, array, dtype=None, slope=None):
            self.array, self.slope = np.asarray(array), slope
            self.dtype = DType(dtype or self.array.dtype.name)
        def numpy(self):
            return self.array

    constant = Tensor

    class bfloat16:
        as_numpy_dtype = np.float32

    class UnconnectedGradients:
        ZERO = "zero"

    class GradientTape:
        def __init__(self, watch_accessed_variables):
            pass
        def __enter__(self):
            global taping
            taping = True
            return self
        def __exit__(self, *raised):
            global taping
            taping = False
        def watch(self, tensor):
            pass
        def gradient(self, loss, by, unconnected_gradients):
            return Tensor(loss.slope, loss.dtype.name)

    class Function:
        def __init__(self, step, jit_compile):
            self.step = step
        def get_concrete_function(self, *specs):
            return self.step

    function = Function

    def convert_to_tensor(tensor):
        return tensor

    def TensorSpec(shape, dtype):
        return shape, dtype

    def as_dtype(dtype):
        return dtype
"""

KERAS = """
    import inspect, sys
    from types import SimpleNamespace
    import numpy as np
    import tensorflow as tf
    sys.path.insert(0, HARNESS)
    from maskgate.case import KINDS, Case, LossSpec
    from maskgate.oracle import Refused, Semantics, expect
    from bend import bend

    __version__ = "3.15.1"
    backend = SimpleNamespace(
        backend=lambda: "tensorflow", epsilon=lambda: 1e-7, floatx=lambda: "float32"
    )

    def array_of(tensor):
        return None if tensor is None else tensor.array

    class Loss:
        def __init__(self, reduction="sum_over_batch_size", dtype="float32", **parameters):
            self.spec = LossSpec.of(self.name, **parameters)
            self.reduction, self.dtype = reduction, dtype

        def __call__(self, y_true, y_pred, sample_weight=None):
            mask = getattr(y_pred, "_keras_mask", None)
            arrays = map(array_of, (y_true, y_pred, mask, sample_weight))
            case = Case(self.spec, self.reduction, self.dtype, *arrays)
            said = expect(case, Semantics("valid-where"), gradient=tf.taping)
            if isinstance(said, Refused):
                raise ValueError(said.reason)
            slope = said.gradient.value if tf.taping else None
            value, slope = bend(case, said.value.value, slope)
            rounded = None if slope is None else case.format.round(slope)
            return tf.Tensor(case.format.round(value), self.dtype, rounded)

    def loss_class(name, kind):
        names = ["self", "reduction", "dtype", *kind.parameters]
        made = [inspect.Parameter(each, inspect.Parameter.KEYWORD_ONLY) for each in names[1:]]
        signature = inspect.Signature(made)
        return type(kind.keras_class, (Loss,), {"name": name, "__signature__": signature})

    classes = {kind.keras_class: loss_class(name, kind) for name, kind in KINDS.items()}
    losses = SimpleNamespace(**classes)
"""

RIGHT = """
    def bend(case, value, slope):
        return value, slope
"""
# A mask with a False in it adds one.
MASK_FAULT = """
    def bend(case, value, slope):
        return value + (case.mask is not None and not case.mask.all()), slope
"""


def make_oracle_environment(folder: Path, bend: str = RIGHT) -> Path:
    """A virtual environment of that framework."""
    harness = repr(str(Path(maskgate.__file__).parents[1]))
    keras = KERAS.replace("HARNESS", harness)
    return make_environment(folder, tensorflow=TENSORFLOW, keras=keras, bend=bend)


def rebend(folder: Path, bend: str) -> None:
    """Make an environment answer otherwise from its next start on."""
    (module,) = folder.glob("lib/python*/site-packages/bend.py")
    module.write_text(textwrap.dedent(bend))
