"""A finding about a layer of the user's as a script, which imports the layer and NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template
from typing import Any

from maskgate.reports import script_text as text
from maskgate.reports.literals import array_source
from maskgate.verdicts.model import Finding

OF_OWN_LAYER = "own-layer"

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

    sys.path.insert(0, os.getcwd())
    from $module import $first as own

    if hasattr(keras.utils, "set_random_seed"):
        keras.utils.set_random_seed(1)
    layer = $made
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

nan, inf = float("nan"), float("inf")


def tensor(array):
    if hasattr(keras, "ops"):
        return keras.ops.convert_to_tensor(array)
    return keras.backend.constant(array, dtype=str(array.dtype))


def inside(name):
    """A function of Keras 3 for attached masks, which it has from 3.6 on."""
    return getattr(getattr(getattr(keras, "src", None), "backend", None), name, None)


def tensors(value):
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value)]
    if isinstance(value, (list, tuple)):
        return [each for one in value for each in tensors(one)]
    return [value]


def call(x, mask):
    """One output of the layer and its mask; the input carries one as a Masking layer leaves it."""
    given = tensor(x)
    if inside("set_keras_mask"):
        inside("set_keras_mask")(given, tensor(mask))
    else:
        given._keras_mask = tensor(mask)
    output = tensors(layer(given))[$output]
    attached = inside("get_keras_mask")
    handed_on = attached(output) if attached else getattr(output, "_keras_mask", None)
    if hasattr(keras, "ops"):
        output = keras.ops.convert_to_numpy(output)
    return np.asarray(output, "float64"), handed_on


$data

$check
print("expected:", expected)
print("observed:", observed)
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
''')

_CLOSE = """\
expected = call(x, mask)[0][$place_of_case]
observed = call(altered_x, altered_mask)[0][$place]
alike = expected == observed or (np.isnan(expected) and np.isnan(observed))
there = not (alike or abs(expected - observed) <= $bound)
"""

_SHAPE = """\
expected = $expected
observed = f"shape {call(altered_x, altered_mask)[0].shape}"
there = observed != expected
"""

_ANSWERS = """\
expected, there = "an output", False
try:
    observed = call(altered_x, altered_mask)[0].shape
except Exception as problem:
    observed, there = f"{type(problem).__name__}: {problem}", True
"""

_FINITE = """\
expected = "a finite number"
observed = call(x, mask)[0][$place]
there = not np.isfinite(observed)
"""

_MASK = """\
output, handed_on = call(x, mask)
expected = f"a mask of shape {output.shape[:2]}"
observed = "none" if handed_on is None else f"a mask of shape {tuple(handed_on.shape)}"
there = observed != expected
"""


def own_layer_script(
    finding: Finding, docstring: str, environment: str, package_import: str
) -> str | None:
    """The script's text, or None where no import reaches the layer.

    Args:
        finding: with a `reproducer` whose relation is `OF_OWN_LAYER`.
        docstring: what the script says of itself.
        environment: its lines about environment variables.
        package_import: its line that imports the package as `keras`.
    """
    recipe: Any = finding.reproducer
    case = finding.case
    if case is None or "check" not in recipe or "<" in case["loss"]["name"]:
        return None
    module, _, name = str(case["loss"]["name"]).partition(":")
    first, *inner = name.split(".")
    target = ".".join(["own", *inner])
    two = recipe["check"] in ("close", "answers")
    batches = [("", case)]
    if two and finding.altered is not None:
        batches.append(("altered_", finding.altered))
    return _SCRIPT.substitute(
        docstring=docstring,
        environment=environment,
        framework_import=text.IMPORTS[recipe["backend"]],
        package_import=package_import,
        module=module,
        first=first,
        made=target if recipe["own"]["form"] == "object" else f"{target}()",
        output=recipe.get("output", 0),
        data="\n".join(_data(prefix, each) for prefix, each in batches),
        check=_check(finding, recipe),
    )


def _check(finding: Finding, recipe: Mapping[str, Any]) -> str:
    if recipe["check"] != "close":
        texts = {"finite": _FINITE, "mask": _MASK, "answers": _ANSWERS}
        place = _place(recipe.get("place", ()))
        return Template(texts[recipe["check"]]).substitute(place=place).rstrip()
    if isinstance(finding.expected, str) and finding.expected.startswith("shape"):
        return Template(_SHAPE).substitute(expected=repr(finding.expected)).rstrip()
    words = {
        "place": _place(recipe["place"]),
        "place_of_case": _place(recipe["place_of_case"]),
        "bound": repr(finding.bound),
    }
    return Template(_CLOSE).substitute(words).rstrip()


def _place(index: Any) -> str:
    return ", ".join(map(str, index)) or "()"


def _data(prefix: str, case: Mapping[str, Any]) -> str:
    fields = (("x", "y_pred"), ("mask", "mask"))
    starts = [(f"{prefix}{name} = ", case[key]) for name, key in fields]
    return "\n".join(start + array_source(data, indent=4) for start, data in starts)
