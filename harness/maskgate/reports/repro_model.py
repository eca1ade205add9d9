"""A finding about a trained model as a script that needs the framework and NumPy only.

What a script compares, in the finding's `reproducer`:

    relation     trained-equals-expected  the loss by `entry` is `expected` within `bound`
                 trained-agree            the loss by `entry` is the one by `against` within
                                          `bound`; with one name for both, batch by batch against
                                          all at once; `accumulated` against `whole`: the weights
                                          after a step; `replicas` against `whole`: its loss too
                 trained-identical        a training step on either batch: one loss, one set of
                                          weights, bit for bit
                 trained-unmoved          a training step whose loss is 0 and that leaves the
                                          weights as they were
                 trained-step             a training step that leaves a weight, by `index`, at
                                          `expected` within `bound`
                 survives-saving          a model and its saved copy: one loss, bit for bit

How many samples are in a batch, and how many batches in an execution, is in the finding's details.
"""

from __future__ import annotations

import textwrap
from string import Template

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
from maskgate.reports.repro_replicas import PARTS as REPLICAS
from maskgate.reports.repro_replicas import replicas_script
from maskgate.reports.repro_saving import SAVED, saving_check
from maskgate.subjects.worker.tasks import models
from maskgate.subjects.worker.tasks.epochs import HELD_OUT_SHARE
from maskgate.verdicts.model import Finding

UNMOVED, STEPPED = "trained-unmoved", "trained-step"
RELATIONS = (
    "trained-equals-expected",
    "trained-agree",
    "trained-identical",
    UNMOVED,
    STEPPED,
    SAVED,
)

_ONE_BATCH = {
    "test_on_batch": "model.test_on_batch(x, y_true, sample_weight=weight)",
    "train_on_batch": "model.train_on_batch(x, y_true, sample_weight=weight)",
}
_ENTRIES = {
    **_ONE_BATCH,
    "evaluate": "model.evaluate(x, y_true, sample_weight=weight, batch_size=size, verbose=0)",
    "fit": (
        "model.fit(x, y_true, sample_weight=weight, batch_size=size, shuffle=False, verbose=0)"
        '.history["loss"][0]'
    ),
    "fit-shuffled": (
        "model.fit(x, y_true, sample_weight=weight, batch_size=len(y_true), verbose=0)"
        '.history["loss"][0]'
    ),
    "validation": (
        "model.fit(x[:size], 0 * y_true[:size], validation_data=batch, batch_size=size, verbose=0)"
        '.history["val_loss"][0]'
    ),
    "validation-split": (
        f"model.fit(x, y_true, sample_weight=weight, validation_split={HELD_OUT_SHARE}, "
        'batch_size=size, verbose=0).history["val_loss"][0]'
    ),
    "evaluate-generator": (
        "model.evaluate(forever(batch, size), steps=-(-len(y_true) // size), verbose=0)"
    ),
    "fit-generator": (
        "model.fit(forever(batch, size), steps_per_epoch=-(-len(y_true) // size), verbose=0)"
        '.history["loss"][0]'
    ),
    "evaluate-dataset": (
        "model.evaluate(tf.data.Dataset.from_tensor_slices(batch).batch(size), verbose=0)"
    ),
    "fit-dataset": (
        "model.fit(tf.data.Dataset.from_tensor_slices(batch).batch(size), verbose=0)"
        '.history["loss"][0]'
    ),
}
_PARTS = {"whole", "accumulated"}

_PROGRAM = Template('''\
$builder

def cut(batch, size):
    """The samples, `size` of them at a time."""
    for start in range(0, len(batch[1]), size):
        yield tuple(each[start : start + size] for each in batch)


def forever(batch, size):
    while True:
        yield from cut(batch, size)


def ask(entry, x, y_true, weight, size$parameter):
    """The loss that an entry point reports, and the weights that it leaves; or an exception."""
    keras.utils.set_random_seed(1)
    try:
$built
        model.compile(keras.optimizers.SGD($rate), loss$compile)
        x = $fed
        batch = (x, y_true) if weight is None else (x, y_true, weight)
        value = entry(model, x, y_true, weight, batch, size)
        return {"loss": float(value), "weights": np.concatenate(
            [np.asarray(each).ravel() for each in model.get_weights()])}
    except Exception as refusal:
        return refusal
''')

_VALUE = Template("""\
answer = ask($entry, x, y_true, weight, $size)
expected = "a loss of $expected, within $bound"
observed = answer
there = isinstance(answer, Exception)
if not there:
    observed = answer["loss"]
    there = not near(np.float64(observed), $expected, $bound)
""")

_ANSWERS = Template("""\
observed = ask($entry, x, y_true, weight, $size)
expected = "a loss"
there = isinstance(observed, Exception)
""")

_AGREE = Template("""\
first = ask($against, x, y_true, weight, $against_size)
second = ask($entry, x, y_true, weight, $size)
failed = [isinstance(each, Exception) for each in (first, second)]
expected = f"$against_name: {first if failed[0] else first['loss']}, and the same by $entry_name"
observed = f"$entry_name: {second if failed[1] else second['loss']}"
there = failed[0] != failed[1]
if not any(failed):
    there = not near(np.float64(second["loss"]), np.float64(first["loss"]), $bound)
""")

_IDENTICAL = Template("""\
other_y_true = $altered
first = ask($entry, x, y_true, weight, $size)
second = ask($entry, x, other_y_true, weight, $size)
expected = f"the same for both batches: {first}"
observed = second
there = not same(first, second)
""")

_UNMOVED = """\
before = ask(lambda model, *_: 0.0, x, y_true, weight, len(x))
observed = ask(lambda model, x, y_true, *_: model.train_on_batch(x, y_true), x, y_true, None, 0)
expected = f"the weights as they were, and a loss of 0: {before}"
there = not same(before, observed)
"""

_STEPPED = Template("""\
answer = ask($entry, x, y_true, weight, len(x))
expected = "weight $index at $expected after the step, within $bound"
observed = answer
there = isinstance(answer, Exception)
if not there:
    observed = float(answer["weights"][$index])
    there = not near(np.float64(observed), $expected, $bound)
""")

_ACCUMULATED = Template("""\
def steps(model, x, y_true, weight, batch, size):
    for part in cut(batch, size):
        loss = model.train_on_batch(*part)
    return loss


parts = $parts
first = ask(steps, x, y_true, weight, len(x), {})
second = ask(steps, x, y_true, weight, len(x) // parts, {"gradient_accumulation_steps": parts})
failed = [isinstance(each, Exception) for each in (first, second)]
expected = f"one step on all: {first if failed[0] else first['weights']}"
observed = f"accumulated: {second if failed[1] else second['weights']}"
there = any(failed) or not near(second["weights"]$index, first["weights"]$index, $bound)
""")


def model_script(finding: Finding, about: About) -> str | None:
    """The script's text, or None where no script can show the finding.

    Args:
        finding: with a `reproducer` whose relation is one of `RELATIONS`.
        about: what the script says first.
    """
    case = finding.case
    if {finding.reproducer.get("entry"), finding.reproducer.get("against")} == REPLICAS:
        return replicas_script(finding, about)
    name = str(finding.details.get("model", ""))
    check = None if case is None else _check(finding)
    if case is None or check is None or name not in models.BUILDERS:
        return None
    at_once = int(finding.details.get("steps_per_execution", 1))
    accumulates = finding.reproducer.get("entry") in _PARTS
    rate = models.RATE if _trains(finding) else 0.0
    program = _PROGRAM.substitute(
        builder=builder_source(name),
        built=textwrap.indent(built(name), " " * 8),
        parameter=", optimizer" if accumulates else "",
        rate=f"{rate}{', **optimizer' if accumulates else ''}",
        compile=mode_source(finding) + (f", steps_per_execution={at_once}" if at_once > 1 else ""),
        fed=fed_source(name),
    )
    made = f"loss = {loss_source(case)}"
    return framed(
        finding,
        about,
        imports="import tempfile" if finding.reproducer["relation"] == SAVED else "",
        made=made,
        program=program,
        data=batch_source(case),
        check=check,
    )


def _trains(finding: Finding) -> bool:
    recipe = finding.reproducer
    return (
        recipe["relation"] in ("trained-identical", UNMOVED, STEPPED, SAVED)
        or recipe.get("entry") in _PARTS
    )


def _check(finding: Finding) -> str | None:
    """The script's comparison: sets `expected`, `observed` and `there`."""
    recipe = finding.reproducer
    relation, entry, against = recipe.get("relation"), *_between(finding)
    if relation == SAVED:
        return saving_check(finding)
    if relation == UNMOVED:
        return _UNMOVED
    if {entry, against} == _PARTS:
        index = f"[{', '.join(map(str, recipe['index']))}]" if recipe.get("index") else ""
        parts = int(finding.details["parts"])
        return _ACCUMULATED.substitute(parts=parts, index=index, bound=number(finding.bound))
    if {entry, against} - set(_ENTRIES):
        return None  # several outputs: such a finding has a script of its own
    return _check_of_entries(finding, entry, against)


def _between(finding: Finding) -> tuple[str, str]:
    """The entry point that failed, and the one that it is compared with: itself if with none."""
    entry = str(finding.reproducer.get("entry", "train_on_batch"))
    return entry, str(finding.reproducer.get("against") or entry)


def _check_of_entries(finding: Finding, entry: str, against: str) -> str | None:
    recipe, altered = finding.reproducer, finding.altered
    relation, part = recipe.get("relation"), recipe.get("part")
    size = str(finding.details.get("batch_size", "len(y_true)"))
    words = {
        "entry": _entry(entry),
        "entry_name": entry,
        "bound": number(finding.bound),
        "size": size,
    }
    if relation == STEPPED and part == "weights":
        (index,) = recipe["index"]
        at = {"index": str(index), "expected": number(finding.expected)}
        return _STEPPED.substitute(words, **at)
    if relation == "trained-agree":
        # The same entry point twice: what differs is how many samples are in a batch.
        alike = entry == against
        named = {"entry_name": f"{entry} of {size} at a time"} if alike else {}
        return _AGREE.substitute(
            {**words, **named},
            against=_entry(against),
            against_name=f"{against} of all at once" if alike else against,
            against_size="len(y_true)" if alike else size,
        )
    if relation == "trained-identical" and altered is not None:
        return _IDENTICAL.substitute(words, altered=array_source(altered["y_true"], indent=15))
    if relation == "trained-equals-expected" and part == "value":
        return _VALUE.substitute(words, expected=number(finding.expected))
    refused = str(finding.expected).startswith("refused")
    if relation == STEPPED or (relation == "trained-equals-expected" and not refused):
        return _ANSWERS.substitute(words)
    return None


def _entry(name: str) -> str:
    return f"lambda model, x, y_true, weight, batch, size: {_ENTRIES[name]}"
