"""The pieces that a stand-alone script of a finding is put together from."""

from string import Template

NAMES = 'nan, inf = float("nan"), float("inf")\n'
HELPERS_HERE = "#HELPERS\n"

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

$losses
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)

#HELPERS
$ask

$data

$check
print("expected:", expected)
print("observed:", observed)
print("the behaviour is", "there" if there else "gone")
sys.exit(1 if there else 0)
''')

OF_METRIC = '''
def of_metric(metric):
    """The metric as a function of one batch."""

    def ask_metric(y_true, y_pred, sample_weight=None):
        metric.reset_state()
        metric.update_state(y_true, y_pred, sample_weight=sample_weight)
        return metric.result()

    return ask_metric

'''

IMPORTS = {
    "tensorflow": "import tensorflow as tf",
    "jax": "import jax",
    "torch": "import torch",
}

# TensorFlow 2.21 says there what no variable of the environment keeps it from saying.
QUIET = "stderr, _ = os.dup(2), os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # while it imports"
LOUD = "os.dup2(stderr, 2)"

SHOWN = '''\


def shown(answer):
    """An answer as text."""
    if isinstance(answer, Exception):
        lines = str(answer).strip().splitlines() or ["no message"]
        return f"{type(answer).__name__}: {lines[0][:200]}"
    with np.printoptions(threshold=20):
        return ", ".join(f"{part} {' '.join(str(a).split())}" for part, a in answer.items())
'''

ON_TENSORFLOW = '''\
def ask(loss, dtype, y_true, y_pred, mask, sample_weight$parameter):
    """Value and gradient of the loss, or the exception that it raised."""

    def step(y_true, y_pred, mask, sample_weight):
        with tf.GradientTape() as tape:
            tape.watch(y_pred)
            if mask is not None:
                y_pred._keras_mask = mask  # as a Masking layer leaves it
            value = loss(y_true, y_pred, sample_weight=sample_weight)
        return value, tape.gradient(value, y_pred, unconnected_gradients="zero")

    def tensor(array):
        if array is None or array.dtype.kind != "f":
            return None if array is None else tf.constant(array)
        return tf.cast(array, dtype)

$trace    try:
        value, gradient = step(*map(tensor, (y_true, y_pred, mask, sample_weight)))
    except Exception as refusal:
        return refusal
    answer = {"value": value, "gradient": gradient}
    return {part: tf.cast(array, "float64").numpy() for part, array in answer.items()}
'''

# How Keras 3 attaches a mask: a function of its own from 3.6 on.
ATTACHING = '''\
def attach(tensor, mask):
    """As a Masking layer leaves it."""
    if hasattr(keras.src.backend, "set_keras_mask"):
        keras.src.backend.set_keras_mask(tensor, mask)
    else:
        tensor._keras_mask = mask


'''

ON_JAX = (
    ATTACHING
    + '''\
def ask(loss, dtype, y_true, y_pred, mask, sample_weight$parameter):
    """Value and gradient of the loss, or the exception that it raised."""

    def array(given):
        if given is None or given.dtype.kind != "f":
            return None if given is None else jax.numpy.asarray(given)
        return jax.numpy.asarray(given, dtype)

    y_true, y_pred, mask, sample_weight = map(array, (y_true, y_pred, mask, sample_weight))

    def total(y_pred):
        if mask is not None:
            attach(y_pred, mask)
        value = jax.numpy.asarray(loss(y_true, y_pred, sample_weight=sample_weight))
        return value.sum(), value

    step = jax.value_and_grad(total, has_aux=True)
$trace    try:
        (_, value), gradient = step(y_pred)
    except Exception as refusal:
        return refusal
    answer = {"value": value, "gradient": gradient}
    wide = "float64" if dtype == "float64" else "float32"  # NumPy has no bfloat16
    return {part: np.asarray(each.astype(wide), "float64") for part, each in answer.items()}
'''
)

ON_TORCH = (
    ATTACHING
    + '''\
def ask(loss, dtype, y_true, y_pred, mask, sample_weight$parameter):
    """Value and gradient of the loss, or the exception that it raised."""

    def tensor(given):
        if given is None or given.dtype.kind != "f":
            return None if given is None else torch.tensor(given)
        return torch.tensor(given).to(getattr(torch, dtype))

    y_true, y_pred, mask, sample_weight = map(tensor, (y_true, y_pred, mask, sample_weight))
    y_pred.requires_grad_(True)

    def step(y_true, y_pred, sample_weight):
        if mask is not None:
            attach(y_pred, mask)
        return loss(y_true, y_pred, sample_weight=sample_weight)

$trace    try:
        value = torch.as_tensor(step(y_true, y_pred, sample_weight))
        gradient = torch.zeros_like(y_pred)
        if value.requires_grad:
            (found,) = torch.autograd.grad(value.sum(), y_pred, allow_unused=True)
            gradient = gradient if found is None else found
    except Exception as refusal:
        return refusal
    answer = {"value": value, "gradient": gradient}
    return {part: each.detach().double().numpy() for part, each in answer.items()}
'''
)

ASK = {
    "tensorflow": Template(ON_TENSORFLOW + SHOWN),
    "jax": Template(ON_JAX + SHOWN),
    "torch": Template(ON_TORCH + SHOWN),
}

TRACE = {
    "tensorflow": """\
    if mode != "eager":
        step = tf.function(step, jit_compile=mode == "xla")
""",
    "jax": """\
    if mode != "eager":
        step = jax.jit(step)
""",
    "torch": """\
    if mode != "eager":
        step = torch.compile(step, backend="aot_eager", dynamic=False)
""",
}

EXPECTED = Template("""\
answer = ask(loss, **case)
expected = "$part$place = $expected, within $bound"
observed = shown(answer)
there = $refused
if not isinstance(answer, Exception):
    observed = f"$part$place = {answer['$part']$index} ({observed})"
    there = not near(answer["$part"]$index, $expected, $bound)
""")

MUST_ANSWER = Template("""\
answer = ask(loss, **case)
expected = "a loss"
observed = shown(answer)
there = isinstance(answer, Exception)
""")

MUST_REFUSE = Template("""\
answer = ask(loss, **case)
expected = "a clear error"
observed = shown(answer)
there = not isinstance(answer, Exception)
""")

BOTH_ANSWER = Template("""\
first, second = $first, $second
expected = "$what: both have a loss, or neither"
observed = f"{shown(first)} | {shown(second)}"
there = isinstance(first, Exception) != isinstance(second, Exception)
""")

SHAPE = Template("""\
answer = ask(loss, **case)
expected = $expected
observed = shown(answer)
if not isinstance(answer, Exception):
    observed = f"shape {answer['$part'].shape}"
there = observed != expected
""")

IDENTICAL = Template("""\
first, second = ask(loss, **case), $altered
expected = f"the same for both batches: {shown(first)}"
observed = shown(second)
there = not same(first, second)
""")

REPEATS = Template("""\
first, _, second = ask(loss, **case), $altered, ask(loss, **case)
expected = f"the same again: {shown(first)}"
observed = shown(second)
there = not same(first, second)
""")

FINITE = Template("""\
answer = ask(loss, **case)
expected = "a finite value and gradient"
observed = shown(answer)
there = isinstance(answer, Exception)
if not there:
    there = not all(np.isfinite(array).all() for array in answer.values())
""")

CLOSE = Template("""\
first, second = $first, $second
expected = "$what: $factor times the first, within $bound"
observed = f"{shown(first)} | {shown(second)}"
there = isinstance(first, Exception) != isinstance(second, Exception)
if isinstance(first, Exception):
    there = there and $refused  # whether a clear error counts as the behaviour
elif not there:
    one, other = first["$part"]$index_of_case, second["$part"]$index
    observed = f"first $part {one}, second $part {other}"
    there = not near(other, $factor * one, $bound)
""")

COMPARISONS = {
    "same(": '''\
def same(one, other):
    """Bit for bit; two refusals are alike."""
    if isinstance(one, Exception) or isinstance(other, Exception):
        return isinstance(one, Exception) and isinstance(other, Exception)
    return all(np.array_equal(one[part], other[part], equal_nan=True) for part in one)
''',
    "near(": '''\
def near(observed, expected, bound):
    """Within the bound; a NaN or an infinity only where one is expected."""
    same = (observed == expected) | (np.isnan(observed) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        return bool(np.all(same | (np.abs(observed - expected) <= bound)))
''',
}
