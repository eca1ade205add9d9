"""A finding about a model with two outputs as a script that needs the framework and NumPy only.

Each output has a Masking layer of its own, and a dense layer whose kernel is the identity. What the
script compares, in the finding's `reproducer`:

    relation     outputs-equal-expected  the loss by `test_on_batch` is `expected` within `bound`

The first output's batch is the case, the second's the altered case; `loss_weights` and what the
model adds to its loss (`extra`) are in the finding's details.
"""

from __future__ import annotations

from string import Template
from typing import Any

from maskgate.reports.literals import array_source
from maskgate.reports.repro_frame import About, framed, loss_source, mode_source, number
from maskgate.subjects.worker.tasks.outputs import PENALTY
from maskgate.verdicts.model import Finding

OF_OUTPUTS = "outputs-equal-expected"

_ADDING = Template('''\
class Adding(keras.layers.Layer):
    """Hands on what it is given, mask and all, and adds its squares to the loss."""

    def __init__(self):
        super().__init__()
        self.supports_masking = True

    def call(self, given):
        functions = keras.ops if hasattr(keras, "ops") else keras.backend
        self.add_loss($penalty * functions.sum(functions.square(given)))
        return given


''')

_PROGRAM = Template('''\
def ask():
    """The whole loss, or the exception that was raised."""
    layers, features = keras.layers, left_x.shape[-1]
    try:
        given = [layers.Input((None, features)) for _ in range(2)]
        left, right = [layers.Masking(0.0)(each) for each in given]
        left = $left
        right = layers.Dense(features)(right)
        model = keras.models.Model(given, [left, right])
        model.set_weights([np.eye(features), np.zeros(features)] * 2)
        model.compile("sgd", [loss, loss]$weights$mode)
        said = model.test_on_batch([left_x, right_x], [left_y, right_y])
        return float(said[0] if isinstance(said, (list, tuple)) else said)
    except Exception as refusal:
        return refusal
''')

_CHECK = Template("""\
observed = ask()
expected = "a loss of $expected, within $bound"
there = isinstance(observed, Exception)
if not there:
    there = not near(np.float64(observed), np.float64($expected), $bound)
""")

_ANSWERS = """\
observed = ask()
expected = "a loss"
there = isinstance(observed, Exception)
"""


def outputs_script(finding: Finding, about: About) -> str | None:
    """The script's text, or None without a batch for each output.

    Args:
        finding: with a `reproducer` whose relation is `OF_OUTPUTS`.
        about: what the script says first.
    """
    left, right = finding.case, finding.altered
    if left is None or right is None:
        return None
    details: Any = finding.details
    extra, weights = str(details["extra"]), details["loss_weights"]
    inside = "Adding()(left)" if extra == "add_loss" else "left"
    kernel = ""
    if extra == "regulariser":
        maker = '(getattr(keras.regularizers, "l2", None) or keras.regularizers.L2)'
        kernel = f", kernel_regularizer={maker}({PENALTY})"
    program = _PROGRAM.substitute(
        left=f"layers.Dense(features{kernel})({inside})",
        weights="" if weights is None else f", loss_weights={list(weights)}",
        mode=mode_source(finding),
    )
    if extra == "add_loss":
        program = _ADDING.substitute(penalty=PENALTY) + program
    data = "\n".join(
        f"{name} = {array_source(case[field], indent=len(name) + 3)}"
        for case, side in ((left, "left"), (right, "right"))
        for name, field in ((f"{side}_x", "y_pred"), (f"{side}_y", "y_true"))
    )
    check = _ANSWERS
    if finding.reproducer.get("part") != "answer":
        check = _CHECK.substitute(expected=number(finding.expected), bound=number(finding.bound))
    made = f"loss = {loss_source(left)}"
    return framed(finding, about, made=made, program=program, data=data, check=check)
