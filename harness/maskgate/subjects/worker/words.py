"""Questions, tasks and their answers as an adapter has them."""

from __future__ import annotations

from typing import Any, NamedTuple


class Ask(NamedTuple):
    """One question as an adapter gets it.

    Attributes:
        loss: class name under `keras.losses`.
        parameters: keyword arguments of that class.
        reduction: name of the reduction, `none` included.
        dtype: dtype of the computation. For `bfloat16` floats come as float32 arrays.
        mode: `eager`, `graph` or `xla`.
        gradient: whether the gradient is asked too.
        y_true: labels.
        y_pred: predictions.
        mask: mask to attach to the predictions, or None.
        sample_weight: weights, or None.
    """

    loss: str
    parameters: dict[str, Any]
    reduction: str
    dtype: str
    mode: str
    gradient: bool
    y_true: Any
    y_pred: Any
    mask: Any = None
    sample_weight: Any = None

    @property
    def arrays(self) -> tuple[Any, Any, Any, Any]:
        """`y_true`, `y_pred`, `mask`, `sample_weight`."""
        return self[6:]

    @property
    def function(self) -> tuple[Any, ...]:
        """What makes a loss object another one: its class, parameters, reduction and dtype."""
        return (self.loss, *sorted(self.parameters.items()), self.reduction, self.dtype)

    @property
    def signature(self) -> tuple[Any, ...]:
        """Everything that makes a framework trace anew: all but the values of the arrays."""
        shapes = (None if a is None else (a.dtype.str, a.shape) for a in self.arrays)
        return (*self.function, self.mode, self.gradient, *shapes)


class Reply(NamedTuple):
    """A loss value (bfloat16 as a float32 array), its gradient or None, and its dtype's name.

    `seconds` is how long the framework took.
    """

    value: Any
    gradient: Any
    dtype: str
    seconds: float = 0.0


class Refused(NamedTuple):
    """An exception of the framework: its class name and what it says, and after how long."""

    kind: str
    message: str
    seconds: float = 0.0


class Work(NamedTuple):
    """A task: the function of `tasks` that does it, `module.function`, and what it is given.

    `parameters` is plain data, `arrays` are NumPy arrays by name.
    """

    name: str
    parameters: dict[str, Any]
    arrays: dict[str, Any]


class Result(NamedTuple):
    """What a task found: plain data (no NaN or infinity), and arrays by name."""

    data: dict[str, Any]
    arrays: dict[str, Any]
    seconds: float = 0.0
