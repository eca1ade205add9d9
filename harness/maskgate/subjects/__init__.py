"""Floor 4: what is under test, wherever it runs.

`open_subject` gives a subject by name, in a worker process; `InProcess` asks an adapter here.
"""

from maskgate.subjects.in_process import InProcess
from maskgate.subjects.opening import open_subject
from maskgate.subjects.protocol import (
    MODES,
    Answer,
    Crash,
    Description,
    Done,
    Mode,
    ModelSubject,
    Question,
    Refusal,
    Subject,
    SubjectError,
    Task,
    Value,
)
from maskgate.subjects.spec import SubjectSpec, parse_subject
from maskgate.subjects.worker.adapter import Adapter, NotOfferedError
from maskgate.subjects.worker.detection import load as load_adapter
from maskgate.subjects.worker.words import Ask, Reply
from maskgate.subjects.working import WorkerSubject

__all__ = [
    "MODES",
    "Adapter",
    "Answer",
    "Ask",
    "Crash",
    "Description",
    "Done",
    "InProcess",
    "Mode",
    "ModelSubject",
    "NotOfferedError",
    "Question",
    "Refusal",
    "Reply",
    "Subject",
    "SubjectError",
    "SubjectSpec",
    "Task",
    "Value",
    "WorkerSubject",
    "load_adapter",
    "open_subject",
    "parse_subject",
]
