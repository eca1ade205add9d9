"""A finding about a whole model as a script that needs the framework and NumPy only.

What a script compares, in the finding's `reproducer`:

    relation     trained-equals-expected  the loss by `entry` is `expected` within `bound`
                 trained-agree            the loss by `entry` is the one by `against` within `bound`
                 trained-identical        a training step on either batch: one loss, one set of
                                          weights, bit for bit
"""

from __future__ import annotations

import inspect
import json
import textwrap
from string import Template
from typing import Any

from maskgate.case import KINDS, LossSpec
from maskgate.reports import script_text as text
from maskgate.reports.literals import array_source
from maskgate.subjects.worker.tasks import models
from maskgate.verdicts.model import Finding

RELATIONS = ("trained-equals-expected", "trained-agree", "trained-identical")

_ENTRIES = {
    "test_on_batch": "model.test_on_batch(x, y_true, sample_weight=weight)",
    "train_on_batch": "model.train_on_batch(x, y_true, sample_weight=weight)",
    "evaluate": "model.evaluate(x, y_true, sample_weight=weight, batch_size=len(x), verbose=0)",
    "fit": (
        "model.fit(x, y_true, sample_weight=weight, batch_size=len(x), shuffle=False, verbose=0)"
        '.history["loss"][0]'
    ),
    "evaluate-generator": "model.evaluate(forever(batch), steps=1, verbose=0)",
    "fit-generator": ('model.fit(forever(batch), steps_per_epoch=1, verbose=0).history["loss"][0]'),
    "evaluate-dataset": "model.evaluate(tf.data.Dataset.from_tensors(batch), verbose=0)",
    "fit-dataset": ('model.fit(tf.data.Dataset.from_tensors(batch), verbose=0).history["loss"][0]'),
}

SCRIPT = Template('''\
"""$docstring
"""

import os
import sys

$environment
try:
    import numpy as np
    $framework_import
    $package_import

    loss = $loss
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

$names

$near

$same

$builder

def forever(batch):
    while True:
        yield batch


def ask(entry, x, y_true, weight):
    """The loss that an entry point reports, and the weights that it leaves; or an exception."""
    keras.utils.set_random_seed(1)
    try:
        model = $build(keras, x.shape[-1])
$weights
        model.compile($compile)
        x = $fed
        batch = (x, y_true) if weight is None else (x, y_true, weight)
        value = entry(model, x, y_true, weight, batch)
        return {"loss": float(value), "weights": np.concatenate(
            [np.asarray(each).ravel() for each in model.get_weights()])}
    except Exception as refusal:
        return refusal


x = $x
y_true = $y_true
weight = $weight

$check
print("expected:", expected)
print("observed:", observed)
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
''')

_VALUE = Template("""\
answer = ask($entry, x, y_true, weight)
expected = "a loss of $expected, within $bound"
observed = answer
there = isinstance(answer, Exception)
if not there:
    observed = answer["loss"]
    there = not near(np.float64(observed), $expected, $bound)
""")

_AGREE = Template("""\
first = ask($against, x, y_true, weight)
second = ask($entry, x, y_true, weight)
failed = [isinstance(each, Exception) for each in (first, second)]
expected = f"$against_name: {first if failed[0] else first['loss']}, and the same by $entry_name"
observed = f"$entry_name: {second if failed[1] else second['loss']}"
there = failed[0] != failed[1]
if not any(failed):
    there = not near(np.float64(second["loss"]), np.float64(first["loss"]), $bound)
""")

_IDENTICAL = Template("""\
other_y_true = $altered
first = ask($entry, x, y_true, weight)
second = ask($entry, x, other_y_true, weight)
expected = f"the same for both batches: {first}"
observed = second
there = not same(first, second)
""")


_EXACT_WEIGHTS = """\
model.set_weights([np.eye(x.shape[-1]), np.zeros(x.shape[-1])])"""
_SOME_WEIGHTS = """\
random = np.random.RandomState(7)
shapes = [each.shape for each in model.get_weights()]
model.set_weights([random.uniform(-0.5, 0.5, shape) for shape in shapes])"""


def model_script(finding: Finding, docstring: str, environment: str, package: str) -> str | None:
    """The script's text, or None where no script can show the finding.

    Args:
        finding: with a `reproducer` whose relation is one of `RELATIONS`.
        docstring: what the script says of itself.
        environment: its lines about environment variables.
        package: `keras` or `tf_keras`.
    """
    case = finding.case
    name = str(finding.details.get("model", ""))
    check = None if case is None else _check(finding)
    if case is None or check is None or name not in models.BUILDERS:
        return None
    builder = models.BUILDERS[name]
    exact = name in models.EXACT
    units = "" if exact else f"UNITS = {models.UNITS}\n\n\n"
    feed = "" if name != "embedding" else _untyped(inspect.getsource(models.inputs)) + "\n\n"
    return SCRIPT.substitute(
        docstring=docstring,
        environment=environment,
        framework_import=_framework(finding),
        package_import=f"import {package} as keras" if package != "keras" else "import keras",
        loss=_loss(case),
        names=text.NAMES,
        near=text.COMPARISONS["near("],
        same=text.COMPARISONS["same("],
        builder=units + feed + _untyped(inspect.getsource(builder)),
        build=builder.__name__,
        weights=textwrap.indent(_EXACT_WEIGHTS if exact else _SOME_WEIGHTS, " " * 8),
        compile=_compile(finding),
        fed='inputs("embedding", x)' if name == "embedding" else "x",
        x=array_source(case["y_pred"], indent=4),
        y_true=array_source(case["y_true"], indent=9),
        weight=array_source(case["sample_weight"], indent=9),
        check=check,
    )


def _check(finding: Finding) -> str | None:
    """The script's comparison: sets `expected`, `observed` and `there`."""
    recipe, altered = finding.reproducer, finding.altered
    relation, entry = recipe.get("relation"), str(recipe.get("entry", "train_on_batch"))
    if {entry, str(recipe.get("against") or entry)} - set(_ENTRIES):
        return None  # several batches, or several outputs: such a finding has a script of its own
    words = {"entry": _entry(entry), "entry_name": entry, "bound": _number(finding.bound)}
    if relation == "trained-agree":
        against = str(recipe["against"])
        return _AGREE.substitute(words, against=_entry(against), against_name=against)
    if relation == "trained-identical" and altered is not None:
        return _IDENTICAL.substitute(words, altered=array_source(altered["y_true"], indent=15))
    if relation != "trained-equals-expected" or recipe.get("part") != "value":
        return None
    return _VALUE.substitute(words, expected=_number(finding.expected))


def _entry(name: str) -> str:
    return f"lambda model, x, y_true, weight, batch: {_ENTRIES[name]}"


def _number(value: Any) -> str:
    return value if isinstance(value, str) else repr(float(value))


def _framework(finding: Finding) -> str:
    return text.IMPORTS[finding.reproducer["backend"]]


def _loss(case: Any) -> str:
    spec = LossSpec.of(case["loss"]["name"], **case["loss"]["parameters"])
    given = {**dict(spec.parameters), "reduction": case["reduction"]}
    source = {key: json.dumps(v) if isinstance(v, str) else repr(v) for key, v in given.items()}
    inside = ", ".join(f"{key}={value}" for key, value in source.items())
    return f"keras.losses.{KINDS[spec.name].keras_class}({inside})"


def _compile(finding: Finding) -> str:
    rate = models.RATE if finding.reproducer["relation"] == "trained-identical" else 0.0
    recipe = finding.reproducer
    mode = {"eager": ", run_eagerly=True", "xla": ", jit_compile=True"}.get(finding.mode, "")
    if not mode and recipe["distribution"] == "keras" and not recipe["version"].startswith("2."):
        mode = ", jit_compile=False"  # Keras 3 compiles by XLA where it is not told
    return f"keras.optimizers.SGD({rate}), loss{mode}"


def _untyped(source: str) -> str:
    """A builder's source without its annotations, whose names a script does not import."""
    for annotation in (": Any", ": int", ": str", " -> Any", " -> None"):
        source = source.replace(annotation, "")
    return source.replace("  # type: ignore[misc]", "")
