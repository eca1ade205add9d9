"""What a script compares where a model was saved: it and its copy, by the form it was saved in.

The finding's `reproducer` has the relation `survives-saving`: one loss, bit for bit. The `format`,
and whether the copy is evaluated or trained (`work`), is in the finding's details.
"""

from __future__ import annotations

from string import Template

from maskgate.subjects.worker.tasks import models
from maskgate.verdicts.model import Finding

SAVED = "survives-saving"

_COPIES = {
    "keras": """\
model.save("model.keras")
    copy = keras.models.load_model("model.keras")""",
    "h5": """\
model.save("model.h5")
    copy = keras.models.load_model("model.h5")""",
    "config": """\
copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    if tuple(map(int, keras.__version__.split(".")[:2])) >= (2, 13):
        copy.compile_from_config(model.get_compile_config())
    else:
        copy.compile(model.optimizer, model.loss)""",
    "weights": """\
model.save_weights("model.weights.h5")
    copy = type(model).from_config(model.get_config())
    copy.compile(keras.optimizers.SGD($rate), model.loss)
    copy.load_weights("model.weights.h5")""",
    "savedmodel": """\
if not hasattr(keras.layers, "TFSMLayer"):
        model.save("saved", save_format="tf")
        return keras.models.load_model("saved")
    model.export("saved")
    given = keras.layers.Input(model.input_shape[1:], dtype=model.inputs[0].dtype)
    layer = keras.layers.TFSMLayer("saved", call_endpoint="serve")
    copy = keras.models.Model(given, layer(given))
    copy.compile(keras.optimizers.SGD($rate), model.loss)""",
}

_SAVING = Template('''\
def copied(model):
    """What is loaded of the model when it has been saved."""
    $copy
    return copy


def work(model, x, y_true, size):
    """The loss, and the weights that are left."""
    loss = $work
    return float(loss), [np.asarray(each) for each in model.get_weights()]


def both(model, x, y_true, weight, batch, size):
    """The loss of the model, or, with `of_the_copy`, that of its copy."""
    before = model.get_weights()
    model.train_on_batch(x, y_true)  # some releases save only what has been trained
    model.set_weights(before)
    if not of_the_copy:
        return work(model, x, y_true, size)[0]
    copy = copied(model)
    if hasattr(copy, "run_eagerly"):
        copy.run_eagerly = model.run_eagerly
    loss, weights = work(copy, x, y_true, size)
    model.set_weights(weights)
    return loss


here = os.getcwd()
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    of_the_copy = False
    first = ask(both, x, y_true, weight, len(x))
    of_the_copy = True
    second = ask(both, x, y_true, weight, len(x))
    os.chdir(here)
failed = [isinstance(each, Exception) for each in (first, second)]
expected = f"the model and its copy alike: {first if failed[0] else first['loss']}"
observed = f"the copy: {second if failed[1] else second['loss']}"
there = failed[1] or not same(first, second)
''')


def saving_check(finding: Finding) -> str | None:
    """Lines that set `expected`, `observed` and `there`, or None for a form that is not known."""
    form, trains = str(finding.details.get("format")), finding.details.get("work") == "train"
    if form not in _COPIES:
        return None
    return _SAVING.substitute(
        copy=Template(_COPIES[form]).substitute(rate=models.RATE),
        work="model.train_on_batch(x, y_true)"
        if trains
        else "model.evaluate(x, y_true, batch_size=size, verbose=0)",
    )
