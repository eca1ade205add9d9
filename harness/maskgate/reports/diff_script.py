"""A difference as a script that runs under either version and prints its answer."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping
from string import Template
from typing import Any

import numpy as np

from maskgate import __version__
from maskgate.case import KINDS, LossSpec, array_from_dict
from maskgate.reports import script_text as text
from maskgate.reports.literals import HELPERS, array_source
from maskgate.verdicts.difference import SIDES, Difference

_FIELDS = ("y_true", "y_pred", "mask", "sample_weight")
_WIDTH = 96
# Older releases have no loss objects that run eagerly.
_OLDEST = (2, 4)

_SCRIPT = Template('''\
"""$docstring
"""

import inspect
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
$hidden$quiet
try:
    import numpy as np
    import tensorflow as tf
$imports
    $loud
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

#HELPERS
def loss(y_true, y_pred, sample_weight):
    """A new loss object of this release, called."""
    kind = keras.losses.$kind
    arguments = $arguments
    if "dtype" in inspect.signature(kind).parameters:
        arguments["dtype"] = case["dtype"]
    elif int(keras.__version__.split(".")[0]) >= 3:
        keras.backend.set_floatx(case["dtype"])
    return kind(**arguments)(y_true, y_pred, sample_weight=sample_weight)


$ask

$data

bound = $bound
said = {
    "$old_name": $old,
    "$new_name": $new,
}


def matches(answer, earlier):
    """Whether the answer is one that was seen earlier, within the bound."""
    if isinstance(answer, Exception) or earlier is None:
        return isinstance(answer, Exception) and earlier is None
    return all(
        answer[part].shape == array.shape and near(answer[part], array, bound)
        for part, array in earlier.items()
    )


answer = ask(loss, **case$mode)
print("keras", keras.__version__, "on tensorflow", tf.__version__)
print("answer:", shown(answer))
for name, earlier in said.items():
    print("the answer of", name, "was", "refused" if earlier is None else shown(earlier))
same = [name for name, earlier in said.items() if matches(answer, earlier)]
print("this is the answer of", " and of ".join(same) or "neither")
''')


def diff_script(difference: Difference, subjects: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The script's text, or None where no script can show the difference.

    There is none for the seed's formula (which is no package), for another backend than TensorFlow,
    and for releases without loss objects that run eagerly.

    Args:
        difference: what was found.
        subjects: the descriptions of both sides.
    """
    if difference.old is None or difference.new is None or len(set(difference.mode.values())) > 1:
        return None
    if not all(_can_run(subjects.get(side, {})) for side in SIDES):
        return None
    spec = LossSpec.of(difference.case["loss"]["name"], **difference.case["loss"]["parameters"])
    arguments = {**dict(spec.parameters), "reduction": difference.case["reduction"]}
    mode = difference.mode["new"]
    traced = mode != "eager"
    source = _SCRIPT.substitute(
        docstring=_docstring(difference, subjects),
        hidden=_hidden(subjects),
        quiet=text.QUIET,
        loud=text.LOUD,
        imports=_imports(subjects),
        kind=KINDS[spec.name].keras_class,
        arguments="{" + ", ".join(f'"{k}": {_quoted(v)}' for k, v in arguments.items()) + "}",
        ask=text.ASK["tensorflow"].substitute(
            parameter=', mode="eager"' if traced else "",
            trace=text.TRACE["tensorflow"] if traced else "",
        ),
        mode=f", mode={_quoted(mode)}" if traced else "",
        data=_data(difference),
        bound=_number(difference.place["bound"]),
        old_name=_name(subjects["old"]),
        new_name=_name(subjects["new"], other=_name(subjects["old"])),
        old=_answer(difference.old, difference),
        new=_answer(difference.new, difference),
    )
    return _with_helpers(source)


def _can_run(subject: Mapping[str, Any]) -> bool:
    packaged = subject.get("distribution") in ("keras", "tf_keras")
    release = tuple(int(n) for n in re.findall(r"\d+", subject.get("keras", "0"))[:2])
    return packaged and subject["backend"] == "tensorflow" and release >= _OLDEST


def _docstring(difference: Difference, subjects: Mapping[str, Mapping[str, Any]]) -> str:
    old, new = (_name(subjects[side]) for side in SIDES)
    usage = (
        f"Run it with {old} and with {new}: it prints the answer of the one that runs it, and "
        "whose answer that is. Exit status: 0, or 2 if this cannot run here."
    )
    tool = f"Written by maskgate {__version__}, difference {difference.id}."
    paragraphs = (difference.title, difference.thread or "", usage, tool)
    joined = "\n\n".join(
        textwrap.fill(paragraph, _WIDTH, break_long_words=False)
        for paragraph in paragraphs
        if paragraph
    )
    return joined.replace("\\", "\\\\").replace('"', "'")


def _name(subject: Mapping[str, Any], *, other: str = "") -> str:
    name = f"{subject['distribution']} {subject['keras']}"
    return f"the second {name}" if name == other else name


def _hidden(subjects: Mapping[str, Mapping[str, Any]]) -> str:
    on_cpu = all(subjects[side].get("device", "cpu") == "cpu" for side in SIDES)
    return 'os.environ["CUDA_VISIBLE_DEVICES"] = "-1"\n' if on_cpu else ""


def _imports(subjects: Mapping[str, Mapping[str, Any]]) -> str:
    """tf_keras where one side is that, and it is installed; else keras."""
    if all(subjects[side]["distribution"] == "keras" for side in SIDES):
        return "    import keras"
    lines = ("try:", "    import tf_keras as keras", "except ImportError:", "    import keras")
    return textwrap.indent("\n".join(lines), "    ")


def _data(difference: Difference) -> str:
    case = difference.case
    lines = [f'    "dtype": {_quoted(case["dtype"])},']
    for field in _FIELDS:
        start = f'    "{field}": '
        lines.append(f"{start}{array_source(case[field], indent=len(start))},")
    return "\n".join(["case = {", *lines, "}"])


def _answer(answer: Mapping[str, Any], difference: Difference) -> str:
    """The part that differs (and the value) as source, None for a refusal."""
    if "value" not in answer:
        return "None"
    parts = ["value", "gradient"] if difference.cause.part == "gradient" else ["value"]
    entries = []
    for part in parts:
        array = array_from_dict(answer[part])
        assert array is not None
        wide = {"dtype": "float64", "shape": list(array.shape), "data": _plain(array)}
        entries.append(f'"{part}": {array_source(wide, indent=20)}')
    return "{" + ", ".join(entries) + "}"


def _plain(array: Any) -> Any:
    """Nested lists, non-finite numbers as strings."""
    if isinstance(array, np.ndarray):
        return _plain(array.astype(np.float64).tolist())
    if isinstance(array, list):
        return [_plain(item) for item in array]
    return array if np.isfinite(array) else str(array)


def _quoted(value: Any) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _number(value: Any) -> str:
    return value if isinstance(value, str) else repr(float(value))


def _with_helpers(source: str) -> str:
    """Put in what the script calls: NaN and infinity by name, builders of arrays, comparisons."""
    offered = {**HELPERS, **text.COMPARISONS}
    needed = [helper for call, helper in offered.items() if call in source]
    names = [text.NAMES] if re.search(r"\b(nan|inf)\b", source.split('"""', 2)[2]) else []
    return source.replace(text.HELPERS_HERE, "\n\n".join([*names, *needed, ""]))
