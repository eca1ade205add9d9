"""What goes over the channel, as plain data: arrays are raw bytes with dtype and shape.

Pickled arrays do not cross NumPy 1 and 2; dtype strings such as `<f4` and raw bytes do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .words import Ask, Refused, Reply, Result, Work

ALIGNMENT = 16  # of each array in a body: frameworks may read unaligned arrays slowly or not at all


def questions_to_frame(asks: Sequence[Ask]) -> tuple[dict[str, Any], bytes]:
    """Header and body of a batch of questions."""
    body = Body()
    questions = [[*ask[:6], [body.add(array) for array in ask.arrays]] for ask in asks]
    return {"op": "ask", "questions": questions}, body.bytes()


def questions_of_frame(header: dict[str, Any], body: bytearray) -> Iterator[Ask]:
    """The questions that `questions_to_frame` wrote."""
    arrays = Arrays(body)
    for question in header["questions"]:
        yield Ask(*question[:6], *[arrays.take(spec) for spec in question[6]])


def answer_to_frame(number: int, answer: Reply | Refused) -> tuple[dict[str, Any], bytes]:
    """Header and body of the answer to the `number`-th question of a batch."""
    if isinstance(answer, Refused):
        return _refused_to_frame(number, answer)
    body = Body()
    header = {"op": "value", "number": number, "dtype": answer.dtype, "seconds": answer.seconds}
    header["arrays"] = [body.add(answer.value), body.add(answer.gradient)]
    return header, body.bytes()


def answer_of_frame(number: int, header: dict[str, Any], body: bytearray) -> Reply | Refused:
    """The answer that `answer_to_frame` wrote.

    Raises:
        ValueError: when the frame is no answer to question `number`.
    """
    try:
        refused = _refused_of_frame(number, header)
        if refused is not None:
            return refused
        arrays = Arrays(body)
        value, gradient = (arrays.take(spec) for spec in header["arrays"])
        return Reply(value, gradient, str(header["dtype"]), float(header["seconds"]))
    except (KeyError, TypeError) as problem:
        raise ValueError("a frame that is no answer") from problem


def work_to_frame(work: Work) -> tuple[dict[str, Any], bytes]:
    """Header and body of a task."""
    body = Body()
    arrays = [[name, body.add(array)] for name, array in work.arrays.items()]
    task = {"name": work.name, "parameters": work.parameters, "arrays": arrays}
    return {"op": "perform", "task": task}, body.bytes()


def work_of_frame(header: dict[str, Any], body: bytearray) -> Work:
    """The task that `work_to_frame` wrote."""
    task = header["task"]
    return Work(task["name"], task["parameters"], _named_arrays(task["arrays"], body))


def result_to_frame(result: Result | Refused) -> tuple[dict[str, Any], bytes]:
    """Header and body of what came of a task."""
    if isinstance(result, Refused):
        return _refused_to_frame(0, result)
    body = Body()
    arrays = [[name, body.add(array)] for name, array in result.arrays.items()]
    header = {"op": "result", "number": 0, "data": result.data, "seconds": result.seconds}
    return {**header, "arrays": arrays}, body.bytes()


def result_of_frame(header: dict[str, Any], body: bytearray) -> Result | Refused:
    """What `result_to_frame` wrote.

    Raises:
        ValueError: when the frame is not that.
    """
    try:
        refused = _refused_of_frame(0, header)
        if refused is not None:
            return refused
        arrays = _named_arrays(header["arrays"], body)
        return Result(dict(header["data"]), arrays, float(header["seconds"]))
    except (KeyError, TypeError) as problem:
        raise ValueError("a frame that is no result") from problem


def _named_arrays(specs: Sequence[Any], body: bytearray) -> dict[str, Any]:
    arrays = Arrays(body)
    return {name: arrays.take(spec) for name, spec in specs}


def _refused_to_frame(number: int, answer: Refused) -> tuple[dict[str, Any], bytes]:
    refused = {"op": "refused", "kind": answer.kind, "message": answer.message}
    return {**refused, "number": number, "seconds": answer.seconds}, b""


def _refused_of_frame(number: int, header: dict[str, Any]) -> Refused | None:
    """The refusal in a frame, None if it is none; ValueError if it answers something else."""
    if header["number"] != number:
        raise ValueError("an answer to another question")
    if header["op"] != "refused":
        return None
    return Refused(str(header["kind"]), str(header["message"]), float(header["seconds"]))


class Body:
    """Collects arrays one behind the other, each at an aligned offset."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def add(self, array: Any) -> list[Any] | None:
        """Append an array; returns its `[dtype, shape]`, or None for no array."""
        if array is None:
            return None
        data = array.tobytes()
        self._parts += [data, bytes(-len(data) % ALIGNMENT)]
        return [array.dtype.str, list(array.shape)]

    def bytes(self) -> bytes:
        """All of it."""
        return b"".join(self._parts)


class Arrays:
    """Reads the arrays of a body in order."""

    def __init__(self, body: bytearray) -> None:
        self._body, self._offset = body, 0

    def take(self, spec: Sequence[Any] | None) -> Any:
        """The next array, a view of the body.

        Raises:
            ValueError: when the body does not hold it.
        """
        if spec is None:
            return None
        dtype, shape = np.dtype(spec[0]), tuple(spec[1])
        count = 1
        for axis in shape:
            count *= axis
        if count == 0:
            return np.zeros(shape, dtype)
        array = np.frombuffer(self._body, dtype, count, self._offset).reshape(shape)
        self._offset += array.nbytes + -array.nbytes % ALIGNMENT
        return array
