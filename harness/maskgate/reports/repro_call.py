"""A finding about the calls of one layer as a script that needs the framework and NumPy only."""

from __future__ import annotations

from string import Template
from typing import Any

from maskgate.reports import script_text as text
from maskgate.reports.literals import array_source
from maskgate.verdicts.model import Finding

OF_CALL = "layer-call"

_SCRIPT = Template('''\
"""$docstring
"""

import os
import sys

$environment
try:
    import numpy as np
    $framework_import
    $package_import
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

tensor = keras.ops.convert_to_tensor if hasattr(keras, "ops") else keras.backend.constant
array = keras.ops.convert_to_numpy if hasattr(keras, "ops") else np.asarray

weights = [
$weights]


def ask(make, x, mask, cut, reset):
    """What the calls give, by name: two of them, where there is a place to cut the steps, and a
    reset of the states in between, if asked for."""
    layer = make()
    layer.build(x[:, :cut].shape)
    layer.set_weights(weights)

    def call(x, mask):
        out = layer(x, mask=mask)
        out = list(out) if isinstance(out, (list, tuple)) else [out]
        handed = getattr(out[0], "_keras_mask", None)
        return [*out, handed] if len(out) == 1 and handed is not None else out

$traced
    found = {}
    parts = [slice(None)] if cut is None else [slice(None, cut), slice(cut, None)]
    for prefix, steps in zip(["", "then_"], parts):
        if prefix and reset:
            (layer.reset_states if hasattr(layer, "reset_states") else layer.reset_state)()
        said = None if mask is None else tensor(mask[:, steps], dtype=mask.dtype.name)
        answer = zip($names, call(tensor(x[:, steps], dtype="float32"), said))
        found.update({prefix + key: array(each) for key, each in answer})
    return found


$data

$check
print("expected:", expected)
print("observed:", observed)
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
''')

_TRACED = """\
    # Numbers of samples and steps are not told; states have a size of their own.
    size = len(x) if getattr(layer, "stateful", False) else None
    given, eager = [tf.TensorSpec((size, None, x.shape[2]), x.dtype)], call
    if mask is not None:
        given.append(tf.TensorSpec((size, None), mask.dtype))
    traced = tf.function(lambda x, mask=None: eager(x, mask), input_signature=given)
    call = lambda x, mask: traced(x) if mask is None else traced(x, mask)
"""

_NUMBER = Template("""\
expected = "$part$index is $wanted, within $bound"
try:
    observed = float(ask(**call)["$part"]$index)
    there = not abs(observed - $wanted) <= $bound
except Exception as refusal:
    observed, there = refusal, True
""")

_SHAPE = Template("""\
expected = "$part of $wanted"
try:
    observed = f"shape {ask(**call)['$part'].shape}"
    there = observed != "$wanted"
except Exception as refusal:
    observed, there = refusal, True
""")

_ANSWER = """\
expected = "an output"
try:
    observed, there = ask(**call)["output"], False
except Exception as refusal:
    observed, there = refusal, True
"""


def call_script(
    finding: Finding, docstring: str, environment: str, package_import: str
) -> str | None:
    """The script's text.

    Args:
        finding: with a `reproducer` whose relation is `OF_CALL`, and the call in its details.
        docstring: what the script says of itself.
        environment: its lines about environment variables.
        package_import: its line that imports the package as `keras`.
    """
    call: Any = finding.details["call"]
    said = (docstring, environment, package_import)
    return calls_script(finding, said, call, data=call_source("call", call), check=_check(finding))


def calls_script(
    finding: Finding, said: tuple[str, str, str], call: Any, *, data: str, check: str
) -> str:
    """A script that puts calls to layers of one kind with the same weights.

    Args:
        finding: what it shows.
        said: docstring, environment and import of the package, as for `call_script`.
        call: one of the calls, as plain data.
        data: the calls, as `call_source` has them.
        check: lines that set `expected`, `observed` and `there`.
    """
    names = ["output", "state0", "state1"]
    if call["layer"] in _SECOND:
        names = ["output", _SECOND[call["layer"]]]
    weights = "".join(f"    {array_source(each, indent=4)},\n" for each in call["weights"])
    return _SCRIPT.substitute(
        docstring=said[0],
        environment=said[1],
        framework_import=text.IMPORTS[finding.reproducer["backend"]],
        package_import=said[2],
        weights=weights,
        traced=_TRACED if finding.mode == "graph" else "",
        names=repr(names),
        data=data,
        check=check,
    )


def call_source(name: str, call: Any) -> str:
    """What `ask` is called with, as a dictionary of this name."""
    lines = [
        f"make=lambda: {_made(call['layer'], call['parameters'])}",
        f"x={array_source(call['x'], indent=6)}",
        f"mask={array_source(call['mask'], indent=9)}",
        f"cut={call['cut']!r}",
        f"reset={call['reset']!r}",
    ]
    return f"{name} = dict(\n" + "".join(f"    {line},\n" for line in lines) + ")"


_SECOND = {"Bidirectional": "backward", "TimeDistributed": "mask"}


def _made(layer: str, parameters: Any) -> str:
    """The layer's constructor as source."""
    outer = {k: v for k, v in parameters.items() if k == "merge_mode"}
    inner = {k: v for k, v in parameters.items() if k not in ("wrapped", "merge_mode")}
    if layer not in _SECOND:
        return f"keras.layers.{layer}({_arguments({**inner, 'return_state': True})})"
    inside = f"keras.layers.{parameters['wrapped']}({_arguments(inner)})"
    return f"keras.layers.{layer}({', '.join(filter(None, [inside, _arguments(outer)]))})"


def _arguments(given: Any) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in given.items())


def _check(finding: Finding) -> str:
    part, wanted = str(finding.reproducer["part"]), finding.expected
    if part == "answer":
        return _ANSWER
    if isinstance(wanted, str) and wanted.startswith("shape"):
        return _SHAPE.substitute(part=part, wanted=wanted)
    index = finding.reproducer["index"]
    return _NUMBER.substitute(
        part=part,
        index=f"[{', '.join(map(str, index))}]" if index else "",
        wanted=repr(float(wanted)),
        bound=repr(float(finding.bound)),
    )
