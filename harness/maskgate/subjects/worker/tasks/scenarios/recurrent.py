"""Scenarios of recurrent layers and their wrappers."""

from __future__ import annotations

from typing import Any

import numpy as np

from .registry import scenario
from .tools import (
    answered,
    array,
    compiled,
    expect,
    expect_mask,
    expect_true,
    loss_of,
    mask_of,
    mask_tensor,
    masked,
    numpy_of,
    refused,
    tensor_of,
)

# Less than 64 operations on numbers below 1, each good to a few units of 1 in float32.
ABSOLUTE = 256 * 2.0**-24


def _alike(got: Any, wanted: Any, what: str) -> None:
    far = float(np.max(np.abs(np.subtract(got, wanted))))
    expect_true(far <= ABSOLUTE, what + " the same", "a difference of " + repr(far))


@scenario((2, 4))
def rows_of_different_lengths(keras: Any) -> None:
    """What an LSTM makes of a sequence does not depend on the lengths of the others beside it."""
    layer = keras.layers.LSTM(2)
    x = array([[[1], [2], [0], [0]], [[1], [2], [3], [4]], [[0], [0], [0], [5]]])
    together = numpy_of(keras, layer(masked(keras, x)))
    for row in range(len(x)):
        alone = numpy_of(keras, layer(masked(keras, x[row : row + 1])))
        _alike(together[row : row + 1], alone, "row " + str(row))


@scenario((2, 4))
def padding_left_right_and_inside(keras: Any) -> None:
    """Where the padding stands does not change the state of a recurrent layer, in any direction."""
    for name in ("SimpleRNN", "LSTM", "GRU"):
        layer = keras.layers.Bidirectional(getattr(keras.layers, name)(2))
        x = array([[[1], [2], [0], [0]], [[0], [0], [1], [2]], [[1], [0], [0], [2]]])
        right, left, inside = numpy_of(keras, layer(masked(keras, x)))
        _alike(left, right, name + ", padded left or right,")
        _alike(inside, right, name + ", padded inside or right,")


@scenario((2, 4))
def padding_in_a_traced_model(keras: Any) -> None:
    """The loss of an LSTM model does not depend on where the padding stands, traced too."""
    given = keras.layers.Input((None, 1))
    out = keras.layers.LSTM(2)(keras.layers.Masking(0.0)(given))
    model = compiled(
        keras, keras.models.Model(given, out), "mean_absolute_error", run_eagerly=False
    )
    rows = (
        array([[[1], [2], [0], [0]]]),
        array([[[0], [0], [1], [2]]]),
        array([[[1], [0], [2], [0]]]),
    )
    y = array([[1, 1]])
    said = [loss_of(model, x, y) for x in rows]
    _alike(said[1:], said[:1] * 2, "losses")


@scenario((2, 4))
def zeros_or_the_last_output_at_padding(keras: Any) -> None:
    """Whether masked steps give the last output or zeros changes nothing in the masked loss."""
    said, x = [], array([[[1], [0], [2]]])
    for zeros in (False, True):
        given = keras.layers.Input((None, 1))
        layer = keras.layers.LSTM(1, return_sequences=True, zero_output_for_mask=zeros)
        out = layer(keras.layers.Masking(0.0)(given))
        model = compiled(keras, keras.models.Model(given, out), "mean_absolute_error")
        weights = [np.full(each.shape, 0.5, "float32") for each in model.get_weights()]
        model.set_weights(weights)
        said.append(loss_of(model, x, 0 * x))
    expect(said[1], said[0])


@scenario((2, 4))
def wrapped_recurrent_layer(keras: Any) -> None:
    """TimeDistributed hands each step's own mask to the layer inside, whatever the batch size."""
    x = array([[[[1], [0]], [[2], [3]]], [[[4], [0]], [[0], [5]]]])
    inner = keras.layers.GRU(2)
    wanted = np.stack(
        [numpy_of(keras, inner(masked(keras, x[:, step]))) for step in range(2)], axis=1
    )
    for batch in (None, 2):
        shape = {"batch_size": batch} if batch else {}
        given = keras.layers.Input((2, 2, 1), **shape)
        out = keras.layers.TimeDistributed(inner)(keras.layers.Masking(0.0)(given))
        model = compiled(keras, keras.models.Model(given, out), "mean_absolute_error")
        got = model.predict(x, batch_size=2, verbose=0)
        _alike(got, wanted, "with batch size " + str(batch) + " outputs")


@scenario()
def wrapped_stack_of_layers(keras: Any) -> None:
    """Masking, then TimeDistributed of a Sequential, then LSTM: the model builds and trains."""
    layers = keras.layers
    inner = keras.models.Sequential([layers.Dense(2, input_shape=(1,)), layers.Activation("tanh")])
    given = layers.Input((3, 1))
    out = layers.LSTM(1)(layers.TimeDistributed(inner)(layers.Masking(0.0)(given)))
    model = compiled(keras, keras.models.Model(given, out), "mean_absolute_error")
    said = model.train_on_batch(array([[[1], [2], [0]]]), array([[1]]))
    expect_true(np.isfinite(said), "a finite loss", said)


@scenario((2, 4))
def convolutional_recurrent_layer(keras: Any) -> None:
    """ConvLSTM2D takes a mask of `(batch, steps)` and holds its state there, or refuses it."""
    layer = keras.layers.ConvLSTM2D(1, 1)
    x = np.ones((1, 3, 2, 2, 1), "float32")
    mask = mask_tensor(keras, [[True, True, False]])

    def ask() -> Any:
        return numpy_of(keras, layer(tensor_of(keras, x), mask=mask))

    came = answered(ask)
    if came is not None:
        _alike(came, numpy_of(keras, layer(tensor_of(keras, x[:, :2]))), "states")


@scenario((2, 4))
def padded_row_on_a_processor(keras: Any) -> None:
    """A row of padding alone has the state that no step at all leaves: zeros."""
    for name in ("LSTM", "GRU"):
        layer = getattr(keras.layers, name)(2)
        out = numpy_of(keras, layer(masked(keras, [[[0], [0]], [[1], [2]]])))
        expect(out[0], [0.0, 0.0], name + ": the state")


@scenario((2, 4))
def mask_of_a_recurrent_layer_of_another_length(keras: Any) -> None:
    """A recurrent layer refuses a mask of another length than its input."""
    layer, mask = keras.layers.LSTM(2), mask_tensor(keras, [[True, False]])
    x = tensor_of(keras, [[[1], [2], [3]]])
    said = refused(lambda: numpy_of(keras, layer(x, mask=mask)))
    expect_true(said, "an error: the mask has 2 steps for 3", "an answer")


@scenario((2, 4))
def explicit_mask(keras: Any) -> None:
    """A mask given by hand, `layer(x, mask=mask)`, goes on with the output like an attached one."""
    mask = mask_tensor(keras, [[True, False]])
    out = keras.layers.GRU(1, return_sequences=True)(tensor_of(keras, [[[1], [2]]]), mask=mask)
    expect_mask(mask_of(keras, out), [[True, False]])
