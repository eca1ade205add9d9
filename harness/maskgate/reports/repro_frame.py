"""What the scripts about whole models share: their frame, the model, and how it is compiled."""

from __future__ import annotations

import inspect
import json
import textwrap
from dataclasses import dataclass
from string import Template
from typing import Any

from maskgate.case import KINDS, LossSpec
from maskgate.reports import script_text as text
from maskgate.reports.literals import array_source
from maskgate.subjects.worker.tasks import models
from maskgate.verdicts.model import Finding

_FRAME = Template('''\
"""$docstring
"""

import os
import sys$imports

$environment
try:
    import numpy as np
    $framework_import
    $package_import
$made
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

$names

$near

$same

$program

$data

$check
print("expected:", expected)
print("observed:", observed)
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
''')

# Models that are fed something else than `x`.
_FED = ("embedding", models.BESIDE)
_EXACT_WEIGHTS = """\
model.set_weights([np.eye(x.shape[-1]), np.zeros(x.shape[-1])])"""
_SOME_WEIGHTS = """\
random = np.random.RandomState(7)
shapes = [each.shape for each in model.get_weights()]
model.set_weights([random.uniform(-0.5, 0.5, shape) for shape in shapes])"""


@dataclass(frozen=True)
class About:
    """What a script says first.

    Attributes:
        docstring: what it says of itself.
        environment: its lines about environment variables.
        package: `keras` or `tf_keras`.
    """

    docstring: str
    environment: str
    package: str


def framed(
    finding: Finding,
    about: About,
    *,
    imports: str = "",
    made: str = "",
    program: str,
    data: str,
    check: str,
) -> str:
    """The whole script.

    Args:
        finding: what it shows.
        about: what it says first.
        imports: further lines of imports, of the standard library.
        made: lines that need the framework to be there, such as the loss.
        program: functions.
        data: the batch.
        check: lines that set `expected`, `observed` and `there`.
    """
    package = about.package
    return _FRAME.substitute(
        docstring=about.docstring,
        environment=about.environment,
        imports=f"\n{imports}" if imports else "",
        framework_import=text.IMPORTS[finding.reproducer["backend"]],
        package_import=f"import {package} as keras" if package != "keras" else "import keras",
        made=textwrap.indent(made, "    ") if made else "",
        names=text.NAMES,
        near=text.COMPARISONS["near("],
        same=text.COMPARISONS["same("],
        program=program,
        data=data,
        check=check,
    )


def builder_source(name: str) -> str:
    """The function that builds a model, as `models` has it, and what it needs."""
    units = "" if name in models.EXACT else f"UNITS = {models.UNITS}\n\n\n"
    feed = "" if name not in _FED else _untyped(inspect.getsource(models.inputs)) + "\n\n"
    return units + feed + _untyped(inspect.getsource(models.BUILDERS[name]))


def built(name: str) -> str:
    """Lines that make `model` for `x`, its weights the same every time."""
    weights = _EXACT_WEIGHTS if name in models.EXACT else _SOME_WEIGHTS
    return f"model = {models.BUILDERS[name].__name__}(keras, x.shape[-1])\n{weights}"


def fed_source(name: str) -> str:
    """What the model is fed for `x`."""
    return f"inputs({name!r}, x)" if name in _FED else "x"


def batch_source(case: Any) -> str:
    """`x`, `y_true` and `weight` of a case, whose predictions are what a model is fed."""
    return "\n".join(
        f"{name} = {array_source(case[field], indent=len(name) + 3)}"
        for name, field in (("x", "y_pred"), ("y_true", "y_true"), ("weight", "sample_weight"))
    )


def loss_source(case: Any) -> str:
    """The loss object of a case."""
    spec = LossSpec.of(case["loss"]["name"], **case["loss"]["parameters"])
    given = {**dict(spec.parameters), "reduction": case["reduction"]}
    source = {key: json.dumps(v) if isinstance(v, str) else repr(v) for key, v in given.items()}
    inside = ", ".join(f"{key}={value}" for key, value in source.items())
    return f"keras.losses.{KINDS[spec.name].keras_class}({inside})"


def mode_source(finding: Finding) -> str:
    """The arguments of `compile` that choose the mode."""
    recipe = finding.reproducer
    mode = {"eager": ", run_eagerly=True", "xla": ", jit_compile=True"}.get(finding.mode, "")
    if not mode and recipe["distribution"] == "keras" and not recipe["version"].startswith("2."):
        mode = ", jit_compile=False"  # Keras 3 compiles by XLA where it is not told
    return mode


def number(value: Any) -> str:
    """A number as source; NaN and infinity are names that the script defines."""
    return value if isinstance(value, str) else repr(float(value))


def _untyped(source: str) -> str:
    """A builder's source without its annotations, whose names a script does not import."""
    for annotation in (": Any", ": int", ": str", " -> Any", " -> None"):
        source = source.replace(annotation, "")
    return source.replace("  # type: ignore[misc]", "").replace("  # noqa: ARG002", "")
