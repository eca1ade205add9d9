"""Between maskgate's words and those of the channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maskgate.subjects.protocol import Description, Done, Question, Refusal, Task, Value
from maskgate.subjects.worker.words import Ask, Refused, Reply, Result, Work


def ask_of(question: Question) -> Ask:
    """The question as an adapter gets it."""
    case = question.case
    return Ask(
        loss=case.loss.kind.keras_class,
        parameters=dict(case.loss.parameters),
        reduction=case.reduction,
        dtype=case.dtype,
        mode=question.mode,
        gradient=question.gradient,
        y_true=case.y_true,
        y_pred=case.y_pred,
        mask=case.mask,
        sample_weight=case.sample_weight,
    )


def answer_of(answer: Reply | Refused) -> Value | Refusal:
    """An adapter's answer as data of the protocol."""
    if isinstance(answer, Refused):
        return Refusal(answer.kind, answer.message, answer.seconds)
    return Value(answer.value, answer.gradient, answer.dtype, answer.seconds)


def work_of(task: Task) -> Work:
    """The task as the worker gets it."""
    return Work(task.name, dict(task.parameters), dict(task.arrays))


def done_of(result: Result | Refused) -> Done | Refusal:
    """What came of a task as data of the protocol."""
    if isinstance(result, Refused):
        return Refusal(result.kind, result.message, result.seconds)
    return Done(result.data, result.arrays, result.seconds)


def description_of(id: str, fields: Mapping[str, Any]) -> Description:
    """The description of a subject with this id."""
    tuples = {name: tuple(fields[name]) for name in ("modes", "notes") if name in fields}
    return Description(id=id, **{**fields, **tuples})
