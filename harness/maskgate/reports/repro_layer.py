"""A finding about the mask of one layer as a script that needs the framework and NumPy only."""

from __future__ import annotations

import re
from string import Template
from typing import Any

from maskgate.reports import script_text as text
from maskgate.reports.literals import array_source
from maskgate.subjects.worker.tasks.zoo_arguments import TRIED
from maskgate.verdicts.model import Finding

OF_LAYER = "layer-mask"

_SCRIPT = Template('''\
"""$docstring
"""

import os
import sys
import warnings

$environment
try:
    import numpy as np
    $framework_import
    $package_import
    from $package.layers import $names
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)


def masked():
    """The batch, with the mask that a Masking layer makes of it."""
    return Masking(0.0)(keras.ops.convert_to_tensor(x) if hasattr(keras, "ops") else x)


def array(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor) if hasattr(keras, "ops") else tensor)


x = $x

layer = $call
given = $given
mask = array(given[0]._keras_mask)
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    out = layer($spread)
out = out[0] if isinstance(out, (list, tuple)) else out
emitted = getattr(out, "_keras_mask", None)
if emitted is None:
    loud = any("mask" in str(each.message).lower() for each in said)
    observed = "dropped with a warning" if loud else "dropped silently"
else:
    emitted = array(emitted)
    alike = emitted.shape == mask.shape and np.array_equal(emitted, mask)
    observed = "kept" if alike else "changed"
if getattr(given[0], "_keras_mask", None) is None:
    observed += ", and taken off the input"

there = observed == $observed
print("expected:", $expected)
print("observed: the mask is", observed)
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
''')


def layer_script(
    finding: Finding, docstring: str, environment: str, package_import: str, package: str
) -> str | None:
    """The script's text, or None where the layer was not called.

    Args:
        finding: with a `reproducer` whose relation is `OF_LAYER`.
        docstring: what the script says of itself.
        environment: its lines about environment variables.
        package_import: its line that imports the package as `keras`.
        package: `keras` or `tf_keras`.
    """
    recipe: Any = finding.reproducer
    call, given = str(recipe.get("call", "")), str(recipe.get("given", ""))
    if given not in TRIED or finding.case is None:
        return None
    x = TRIED[given]
    two = "two" in given
    # A layer that uses the mask up emits none, like one that loses it.
    observed = str(finding.observed).replace("used up", "dropped silently")
    return _SCRIPT.substitute(
        docstring=docstring,
        environment=environment,
        framework_import=text.IMPORTS[recipe["backend"]],
        package_import=package_import,
        package=package,
        names=", ".join(sorted({"Masking", *re.findall(r"\b([A-Z]\w+)\(", call)})),
        x=array_source({"dtype": "float32", "shape": list(x.shape), "data": x.tolist()}, indent=4),
        call=call,
        given="[masked(), masked()]" if two else "[masked()]",
        spread="given" if "list" in given else "*given",
        expected=repr(f"the mask is {finding.expected}"),
        observed=repr(observed),
    )
