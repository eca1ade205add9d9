"""A finding about a layer on inputs that carry masks, as a script that needs the framework alone.

What a script compares, in the finding's `reproducer`; the calls are in the finding's details:

    relation     masked-call   the output of the call is `expected` within `bound`
                 masked-calls  the altered call gives what the call gives, `within` what is allowed;
                               without an altered call: every number is finite
"""

from __future__ import annotations

from string import Template
from typing import Any

from maskgate.reports import script_text as text
from maskgate.reports.literals import array_source
from maskgate.verdicts.model import Finding

RELATIONS = ("masked-call", "masked-calls")

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

$names

def tensor(x):
    if hasattr(keras, "ops"):
        return keras.ops.convert_to_tensor(x)
    return keras.backend.constant(x, dtype=x.dtype.name)


def array(x):
    return np.asarray(keras.ops.convert_to_numpy(x) if hasattr(keras, "ops") else x)


class Masked(keras.layers.Layer):
    """Hands on its input with a given mask."""

    def __init__(self, mask):
        super().__init__()
        self.supports_masking = True
        self.given = mask

    def call(self, inputs):
        return inputs

    def compute_mask(self, inputs, mask=None):
        return tensor(self.given)


def mask_of(out):
    """The mask that a tensor carries."""
    try:
        from keras.src.backend.common.masking import get_keras_mask as get
    except ImportError:
        def get(x):
            return getattr(x, "_keras_mask", None)
    return get(out)


def ask(inputs, masks, weights, attention_mask):
    """What the layer makes of its inputs, by name."""
    layer = $made
    options = $options
    if attention_mask is not None:
        options["attention_mask"] = tensor(attention_mask)
    plain = [tensor(x) for x in inputs]
    given = [x if m is None else Masked(m)(x) for x, m in zip(plain, masks)]
    if $by_name:  # its mask is as large as its input
        given, options["mask"] = plain, tensor(masks[0])
    if weights and $built_by_a_call:
        $on_plain
    elif weights:
        shapes = [x.shape for x in inputs]
        layer.build(shapes if len(shapes) > 1 else shapes[0])
    layer.set_weights(weights)
    out = $on_given
    found = {"output": array(out)}
    if mask_of(out) is not None:
        found["mask"] = array(mask_of(out))
    found.update({f"weight{i}": np.asarray(each) for i, each in enumerate(layer.get_weights())})
    return found


$data

$check
print("expected:", expected)
print("observed:", observed)
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
''')

_NUMBER = Template("""\
expected = "$part$index is $wanted, within $bound"
try:
    observed = float(ask(**call)["$part"]$index)
    there = not (observed == $wanted or abs(observed - $wanted) <= $bound)
except Exception as refusal:
    observed, there = refusal, True
""")
_MASK = Template("""\
expected = "the mask $wanted"
found = ask(**call).get("mask")
observed = str(None if found is None else found.astype(int).tolist())
there = observed != "$wanted"
""")
_ANSWER = """\
expected = "an output"
try:
    observed, there = ask(**call)["output"], False
except Exception as refusal:
    observed, there = refusal, True
"""
_FINITE = """\
expected = "finite numbers"
observed = ask(**call)
there = not all(np.isfinite(each).all() for each in observed.values())
"""
_ALIKE = Template("""\
$altered

within = {
$within}
first = ask(**call)
expected = f"the same for both calls: { {name: first[name] for name in within} }"
there = False
try:
    observed = ask(**altered)
    for name, allowed in within.items():
        now = observed[name][tuple(slice(size) for size in allowed.shape)]
        was = first[name]
        alike = (now == was) | (np.isnan(now) & np.isnan(was)) | np.isinf(allowed)
        there = there or not (alike | (np.abs(now - was) <= allowed)).all()
    observed = {name: observed[name] for name in within}
except Exception as refusal:
    observed, there = refusal, True
""")


def masked_call_script(
    finding: Finding, docstring: str, environment: str, package_import: str
) -> str | None:
    """The script's text, or None where no script can show the finding.

    Args:
        finding: with a `reproducer` whose relation is one of `RELATIONS`, and the call in its
            details.
        docstring: what the script says of itself.
        environment: its lines about environment variables.
        package_import: its line that imports the package as `keras`.
    """
    call: Any = finding.details["call"]
    options = dict(call["options"])
    if call["training"] is not None:
        options["training"] = call["training"]
    several = call["layer"] == "MultiHeadAttention"

    def on(inputs: str, more: str) -> str:
        one = inputs if len(call["inputs"]) > 1 else f"{inputs}[0]"
        return f"layer({f'*{inputs}' if several else one}{more})"

    arguments = ", ".join(f"{name}={value!r}" for name, value in call["arguments"].items())
    return _SCRIPT.substitute(
        docstring=docstring,
        environment=environment,
        framework_import=text.IMPORTS[finding.reproducer["backend"]],
        package_import=package_import,
        names=text.NAMES,
        made=f"keras.layers.{call['layer']}({arguments})",
        options=repr(options),
        by_name=repr(call["layer"] == "Softmax"),
        built_by_a_call=repr(several),
        on_plain=on("plain", ""),
        on_given=on("given", ", **options"),
        data=_data("call", call),
        check=_check(finding),
    )


def _data(name: str, call: Any) -> str:
    """What `ask` is called with."""

    def several(key: str) -> str:
        return "".join(f"        {array_source(each, indent=8)},\n" for each in call[key])

    lists = "".join(
        f"    {key}=[\n{several(key)}    ],\n" for key in ("inputs", "masks", "weights")
    )
    attention = array_source(call["attention_mask"], indent=19)
    return f"{name} = dict(\n{lists}    attention_mask={attention},\n)"


def _check(finding: Finding) -> str:
    recipe, details = finding.reproducer, finding.details
    part, wanted = str(recipe["part"]), finding.expected
    altered = details.get("altered_call")
    if altered is not None:
        within = "".join(
            f'    "{name}": {array_source(each, indent=8 + len(name))},\n'
            for name, each in details["within"].items()
        )
        return _ALIKE.substitute(altered=_data("altered", altered), within=within)
    if part == "answer":
        return _ANSWER
    if part == "mask":
        return _MASK.substitute(wanted=wanted)
    if recipe["relation"] == RELATIONS[1]:
        return _FINITE
    index = recipe["index"]
    return _NUMBER.substitute(
        part=part,
        index=f"[{', '.join(map(str, index))}]" if index else "",
        wanted=wanted if isinstance(wanted, str) else repr(float(wanted)),
        bound=finding.bound if isinstance(finding.bound, str) else repr(float(finding.bound)),
    )
