"""A finding about replicas as a script that needs the framework and NumPy only.

One step of `fit`, by one device and shared by several replicas. What the script compares, in the
finding's `reproducer`: relation `trained-agree`, `entry` `replicas` against `whole`, and `index`
into the loss and the weights after the step, end to end. The number of replicas (`parts`) is in the
finding's details.
"""

from __future__ import annotations

import textwrap
from string import Template

from maskgate.reports.repro_frame import (
    About,
    batch_source,
    builder_source,
    built,
    framed,
    loss_source,
    mode_source,
    number,
)
from maskgate.subjects.worker.tasks import models
from maskgate.verdicts.model import Finding

PARTS = {"replicas", "whole"}

# Before anything runs: a process divides its CPU once.
_DIVIDED = Template("""\
cpu, device = tf.config.list_physical_devices("CPU")[0], tf.config.LogicalDeviceConfiguration
tf.config.set_logical_device_configuration(cpu, [device() for _ in range($parts)])
loss = $loss""")

_PROGRAM = Template('''\
$builder

def ask(strategy):
    """The loss of one step of `fit`, and the weights after it; or an exception."""
    try:
        with strategy.scope():
$built
            model.compile(keras.optimizers.SGD($rate), loss$mode)
        told = model.fit(x, y_true, batch_size=len(x), shuffle=False, verbose=0).history["loss"]
        weights = [np.asarray(each).ravel() for each in model.get_weights()]
        return np.concatenate([np.asarray(told), *weights])
    except Exception as refusal:
        return refusal
''')

_CHECK = Template("""\
first = ask(tf.distribute.get_strategy())
second = ask(tf.distribute.MirroredStrategy([f"CPU:{each}" for each in range($parts)]))
failed = [isinstance(each, Exception) for each in (first, second)]
expected = f"loss and weights of one step: {first}"
observed = f"shared by replicas: {second}"
there = failed[0] != failed[1]
if not any(failed):
    there = not near(second$index, first$index, $bound)
""")


def replicas_script(finding: Finding, about: About) -> str | None:
    """The script's text, or None where the model is not known.

    Args:
        finding: as the module tells.
        about: what the script says first.
    """
    case, name = finding.case, str(finding.details.get("model", ""))
    if case is None or name not in models.BUILDERS:
        return None
    parts, index = int(finding.details["parts"]), finding.reproducer.get("index")
    return framed(
        finding,
        about,
        made=_DIVIDED.substitute(parts=parts, loss=loss_source(case)),
        program=_PROGRAM.substitute(
            builder=builder_source(name),
            built=textwrap.indent(built(name), " " * 12),
            rate=models.RATE,
            mode=mode_source(finding),
        ),
        data=batch_source(case),
        check=_CHECK.substitute(
            parts=parts,
            index=f"[{', '.join(map(str, index))}]" if index else "",
            bound=number(finding.bound),
        ),
    )
