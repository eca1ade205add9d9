"""What a user's own loss takes, found out by asking it a few plain batches."""

from __future__ import annotations

from typing import Any

from .adapter import Adapter, UnusableError, answer
from .own import Own
from .words import Ask, Refused, Reply

REDUCTIONS = ("sum_over_batch_size", "sum", "none", "mean", "mean_with_sample_weight")
DTYPES = ("float32", "float64", "float16", "bfloat16")
SHAPES = ((2, 3, 2), (3, 2), (2, 3, 2, 2))  # of predictions: the plain one first
FIX = "check that it takes such labels and predictions, or say what it is like (--like)"


def survey(adapter: Adapter, own: Own, mode: str, *, sparse: bool) -> dict[str, Any]:
    """What it is (`form`, `made`, `reduces_itself`) and what it takes.

    That is the `arguments` that it is made with, `reductions`, `dtypes`, `ranks` of predictions and
    `weights`.

    Args:
        adapter: answers about the loss.
        own: the loss.
        mode: the first mode of the adapter.
        sparse: whether labels are class ids.

    Raises:
        UnusableError: when no plain batch gets an answer.
    """
    first = own.reduction

    def ask(shape: Any, reduction: str = first, dtype: str = "float32", weigh: bool = False) -> Any:
        return answer(adapter, plain(own.text, shape, reduction, dtype, mode, sparse, weigh))

    dtypes = [dtype for dtype in DTYPES if of_dtype(ask(SHAPES[0], dtype=dtype), dtype)]
    if not dtypes:
        said = ask(SHAPES[0])
        raise UnusableError(
            own.text + " does not answer a plain batch of shape (2, 3, 2): " + told(said), FIX
        )
    kept = dtypes[0]
    shapes = [shape for shape in SHAPES if isinstance(ask(shape, dtype=kept), Reply)]
    answers = {r: ask(SHAPES[0], r, kept) for r in REDUCTIONS}
    return {
        "name": own.text,
        "role": own.role,
        "form": own.form,
        "made": own.made,
        "arguments": sorted(own.arguments),
        "reduces_itself": own.reduces_itself,
        "leaves_mask": own.leaves_mask,
        "reductions": taken(answers, first),
        "dtypes": dtypes,
        "ranks": sorted(len(shape) for shape in shapes),
        "weights": isinstance(ask(SHAPES[0], dtype=kept, weigh=True), Reply),
    }


def plain(
    name: str, shape: Any, reduction: str, dtype: str, mode: str, sparse: bool, weigh: bool
) -> Ask:
    """A question that any loss should answer: shares as predictions, one class as labels."""
    import numpy as np

    held = "float32" if dtype == "bfloat16" else dtype
    steps = int(np.prod(shape[:-1]))
    shares = np.resize(np.array([0.5, 0.25, 0.75, 0.125, 0.625], held), shape)
    labels = np.resize(np.array([1.0, 0.0], held), shape)
    if sparse:
        labels = np.resize(np.array([0, 1], "int32"), shape[:-1])
    weight = np.resize(np.array([1.0, 2.0], held), steps).reshape(shape[:-1]) if weigh else None
    return Ask(name, {}, reduction, dtype, mode, False, labels, shares, None, weight)


def of_dtype(said: Any, dtype: str) -> bool:
    """Whether a loss was computed in the dtype that was asked for."""
    return isinstance(said, Reply) and said.dtype == dtype


def taken(answers: dict[str, Any], first: str) -> list[str]:
    """The reductions that the loss heeds: its own, and others that change the answer as they say.

    A loss that is made with a reduction and does not look at it has its own alone.
    """
    import numpy as np

    values = {r: said.value for r, said in answers.items() if isinstance(said, Reply)}
    one = [values[r].ravel() for r in ("sum_over_batch_size", "sum") if r in values]
    if [value.size for value in one] == [1, 1]:
        mean, total = (float(value[0]) for value in one)
        if mean == total and np.isfinite(mean) and mean != 0:
            return [first]
    return [r for r, value in values.items() if (value.size == 1) == (r != "none") or r == first]


def told(said: Any) -> str:
    """An answer in a few words."""
    if isinstance(said, Refused):
        return said.kind + ": " + said.message.replace("\n", " ")
    return "it gives " + str(said.dtype) + " for float32"
