"""A finding about a metric or about class weights as a script that needs the framework and NumPy.

What a script compares, in the finding's `reproducer`, `name` telling which metric or entry point:

    relation     metric-equals-expected  the metric is `expected` within `bound`
                 metric-identical        the metric is the same for both batches, bit for bit
                 metric-is-loss          the metric is the loss of the compiled model within `bound`
                 class-weight            the loss with class weights is `expected` within `bound`,
                                         or a clear error
"""

from __future__ import annotations

import textwrap
from string import Template
from typing import Any

import numpy as np

from maskgate.case import array_from_dict, array_to_dict
from maskgate.reports.literals import array_source
from maskgate.reports.repro_frame import (
    About,
    batch_source,
    builder_source,
    built,
    fed_source,
    framed,
    loss_source,
    mode_source,
    number,
)
from maskgate.reports.script_text import ATTACHING
from maskgate.subjects.worker.tasks.models import BESIDE
from maskgate.verdicts.model import Finding

CLASS_WEIGHT = "class-weight"
RELATIONS = ("metric-equals-expected", "metric-identical", "metric-is-loss", CLASS_WEIGHT)

_DIRECT = Template(
    '''\
def ask(y_true, y_pred, mask, weight):
    """What the metric says of one batch, or the exception that it raised."""
    try:
        metric = keras.metrics.$name()
        y_pred = keras.ops.convert_to_tensor(y_pred)
        if mask is not None:
            attach(y_pred, keras.ops.convert_to_tensor(mask))
        metric.update_state(y_true, y_pred, sample_weight=weight)
        return {"metric": np.float64(keras.ops.convert_to_numpy(metric.result()))}
    except Exception as refusal:
        return refusal
'''
)

_COMPILED = Template('''\
$builder

def ask(x, y_true, weight):
    """The loss and the metric that `test_on_batch` reports, or the exception that it raised."""
    try:
$built
        metric = keras.metrics.$name(name="metric")
        model.compile(keras.optimizers.SGD(0.0), loss, $where=[metric]$mode)
        said = model.test_on_batch($fed, y_true, sample_weight=weight, return_dict=True)
        return {key: np.float64(value) for key, value in said.items()}
    except Exception as refusal:
        return refusal
''')

_EXPECTED = Template("""\
answer = ask($first)
expected = "$expected, within $bound"
observed = answer if isinstance(answer, Exception) else answer["metric"]
there = isinstance(answer, Exception) or not near(observed, np.float64($expected), $bound)
""")

_IDENTICAL = Template("""\
$altered
first, second = [
    each if isinstance(each, Exception) else {"metric": each["metric"]}  # whatever the loss is
    for each in (ask($first), ask($second))
]
expected = f"the same for both batches: {first}"
observed = second
there = isinstance(second, Exception) or not same(first, second)
""")

_IS_LOSS = Template("""\
answer = ask($first)
failed = isinstance(answer, Exception)
expected = "an answer" if failed else f"the loss, {answer['loss']}, within $bound"
observed = answer if failed else f"the metric, {answer['metric']}"
there = failed or not near(answer["metric"], answer["loss"], $bound)
""")

_WEIGHTED = Template('''\
$builder

def ask(x, y_true, class_weight):
    """The loss of one batch with class weights, or the exception that was raised."""
    try:
$built
        model.compile(keras.optimizers.SGD(0.0), loss$mode)
        return float($entry)
    except Exception as refusal:
        return refusal
''')

_SEQUENCE = '''\
class One(keras.utils.PyDataset):
    """The batch."""

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return x, y_true


'''
_FIRST = '.history["loss"][0]'
_ENTRIES = {
    "train_on_batch": "model.train_on_batch(x, y_true, class_weight=class_weight)",
    "fit": "model.fit(x, y_true, class_weight=class_weight, batch_size=len(x), shuffle=False, "
    f"verbose=0){_FIRST}",
    "fit-generator": "model.fit((each for each in [(x, y_true)] * 9), class_weight=class_weight, "
    f"steps_per_epoch=1, verbose=0){_FIRST}",
    "fit-dataset": "model.fit(tf.data.Dataset.from_tensors((x, y_true)), "
    f"class_weight=class_weight, verbose=0){_FIRST}",
    "fit-sequence": f"model.fit(One(), class_weight=class_weight, verbose=0){_FIRST}",
}

_CHECK = """\
answer = ask(x, y_true, class_weight)
observed = f"{type(answer).__name__}: {answer}"
clear = isinstance(answer, ValueError) and "class_weight" in str(answer)
"""
_CLEAR = (
    _CHECK
    + """\
expected = "a loss, or an error about class_weight"
there = isinstance(answer, Exception) and not clear
"""
)
_LOSS = Template(
    _CHECK
    + """\
expected = "a loss of $expected, within $bound, or an error about class_weight"
there = not clear
if isinstance(answer, float):
    there = not near(np.float64(answer), $expected, $bound)
"""
)


def numbers_script(finding: Finding, about: About) -> str | None:
    """The script's text, or None where no script can show the finding.

    Args:
        finding: with a case and a `reproducer` whose relation is one of `RELATIONS`.
        about: what the script says first.
    """
    case = finding.case
    assert case is not None
    if finding.reproducer["relation"] == CLASS_WEIGHT:
        return _class_weight(finding, about, case)
    keras_3 = finding.reproducer["distribution"] == "keras" and not str(
        finding.reproducer.get("version", "")
    ).startswith("2.")
    direct = finding.details["path"] == "direct"
    if direct and keras_3:
        return _direct(finding, about, case)
    return _compiled(finding, about, case)


def _direct(finding: Finding, about: About, case: Any) -> str:
    weighted = bool(finding.details["weighted"])

    def arguments(suffix: str) -> str:
        given = [f"y_true{suffix}", f"y_pred{suffix}", f"mask{suffix}"]
        return ", ".join([*given, f"weight{suffix}" if weighted else "None"])

    def data(batch: Any, suffix: str) -> str:
        fields = {"y_true": "y_true", "y_pred": "y_pred", "mask": "mask", "weight": "sample_weight"}
        return "\n".join(
            f"{name}{suffix} = {array_source(batch[field], indent=len(name + suffix) + 3)}"
            for name, field in fields.items()
        )

    program = ATTACHING + _DIRECT.substitute(name=finding.reproducer["name"])
    altered = "" if finding.altered is None else data(finding.altered, "_2")
    check = _compared(finding, arguments(""), arguments("_2"), altered)
    return framed(finding, about, program=program, data=data(case, ""), check=check)


def _compiled(finding: Finding, about: About, case: Any) -> str:
    name = "identity" if case["mask"] is None else "masking"
    padded = _padded
    if finding.altered is not None and _not_all_numbers(finding.altered["y_pred"]):
        # What is no number cannot be padding to a Masking layer: the mask comes beside it.
        name, padded = BESIDE, _as_it_is
    program = _COMPILED.substitute(
        builder=builder_source(name),
        built=textwrap.indent(built(name), " " * 8),
        name=finding.reproducer["name"],
        where="weighted_metrics" if finding.details["weighted"] else "metrics",
        mode=mode_source(finding),
        fed=fed_source(name),
    )
    altered = ""
    if finding.altered is not None:
        lines = batch_source(padded(finding.altered)).splitlines()
        altered = "\n".join(
            line.replace(" = ", "_2 = ", 1)
            if line.startswith(("x =", "y_true =", "weight ="))
            else line
            for line in lines
        )
    check = _compared(finding, "x, y_true, weight", "x_2, y_true_2, weight_2", altered)
    data = batch_source(_padded(case))
    made = f"loss = {loss_source(case)}"
    return framed(finding, about, made=made, program=program, data=data, check=check)


def _not_all_numbers(array: Any) -> bool:
    values = array_from_dict(array)
    return values is not None and not np.isfinite(values).all()


def _as_it_is(case: Any) -> Any:
    return case


def _padded(case: Any) -> Any:
    """The case with zeros where it is masked, which is what a Masking layer goes by."""
    if case["mask"] is None:
        return case
    x, mask = array_from_dict(case["y_pred"]), array_from_dict(case["mask"])
    assert x is not None
    assert mask is not None
    kept = mask.astype(bool).reshape((*mask.shape, *[1] * (x.ndim - mask.ndim)))
    return {**case, "y_pred": array_to_dict((x * kept).astype(x.dtype))}


def _compared(finding: Finding, first: str, second: str, altered: str) -> str:
    relation, bound = finding.reproducer["relation"], number(finding.bound)
    if relation == "metric-identical":
        return _IDENTICAL.substitute(first=first, second=second, altered=altered)
    if relation == "metric-is-loss":
        return _IS_LOSS.substitute(first=first, bound=bound)
    answered = isinstance(finding.expected, float | int) or finding.expected in ("nan", "inf")
    expected = number(finding.expected) if answered else "nan"
    return _EXPECTED.substitute(first=first, expected=expected, bound=bound)


def _class_weight(finding: Finding, about: About, case: Any) -> str | None:
    name, entry = str(finding.details["model"]), str(finding.reproducer["name"])
    if entry not in _ENTRIES:
        return None
    batch = dict(case)
    if str(finding.details["target"]).endswith("-column"):
        labels = array_from_dict(case["y_true"])
        assert labels is not None
        batch["y_true"] = array_to_dict(labels[..., None])
    weights = {number: float(each) for number, each in enumerate(finding.details["weights"])}
    program = _WEIGHTED.substitute(
        builder=builder_source(name),
        built=textwrap.indent(built(name), " " * 8),
        mode=mode_source(finding),
        entry=_ENTRIES[entry],
    )
    answered = finding.reproducer.get("part") != "answer"
    check = _CLEAR
    if answered:
        check = _LOSS.substitute(expected=number(finding.expected), bound=number(finding.bound))
    data = f"{batch_source(batch)}\nclass_weight = {weights}"
    made = f"loss = {loss_source(case)}"
    if entry == "fit-sequence":
        program = _SEQUENCE + program
    return framed(finding, about, made=made, program=program, data=data, check=check)
