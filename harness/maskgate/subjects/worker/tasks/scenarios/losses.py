"""Scenarios of losses under a mask."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .registry import scenario
from .tools import (
    LackingError,
    answered,
    array,
    compiled,
    expect,
    expect_true,
    loss_of,
    mask_tensor,
    masked,
    numpy_of,
    passing,
    plain,
    refused,
    release,
    sequence_class,
    tensor_of,
)


@scenario()
def masked_mean_absolute_error(keras: Any) -> None:
    """Three steps, one of them masked: the loss is the mean over the two valid ones."""
    model = compiled(keras, passing(keras), "mean_absolute_error")
    expect(loss_of(model, array([[[1], [0], [1]]]), array([[[0], [1], [1]]])), 0.5)


@scenario()
def evaluate_and_predict(keras: Any) -> None:
    """`evaluate` is the loss of what `predict` gives, over the steps that the input marks valid."""
    model = compiled(keras, passing(keras, 3, 2, mask_value=1.0), "mean_squared_error")
    x = array([[[1, 1], [2, 4], [3, 0]], [[1, 1], [1, 1], [0, 5]]])
    y = array([[[9, 9], [0, 0], [0, 0]], [[9, 9], [9, 9], [0, 0]]])
    squares = np.mean((model.predict(x, verbose=0) - y) ** 2, axis=-1)
    valid = np.any(x != 1.0, axis=-1)
    expect(model.evaluate(x, y, verbose=0), np.sum(squares * valid) / np.sum(valid))


@scenario()
def token_mean_not_row_mean(keras: Any) -> None:
    """Rows of one and of three valid steps: every valid step counts the same."""
    model = compiled(keras, passing(keras), "mean_absolute_error")
    x = array([[[4], [0], [0]], [[1], [1], [1]]])
    expect(loss_of(model, x, 0 * x), 7 / 4)


@scenario()
def long_padding_does_not_shrink_the_loss(keras: Any) -> None:
    """Four valid steps of 64, each with a loss of 2: the loss is 2."""
    model = compiled(keras, passing(keras), "mean_absolute_error")
    x = np.zeros((1, 64, 1), "float32")
    x[0, :4] = 2.0
    expect(loss_of(model, x, 0 * x), 2.0)


@scenario()
def masked_out_output(keras: Any) -> None:
    """Of two outputs one is all masked: the total is the loss of the other one."""
    first, second = passing(keras), passing(keras)
    both = keras.models.Model([first.input, second.input], [first.output, second.output])
    compiled(keras, both, ["mean_absolute_error", "mean_absolute_error"])
    x, empty = array([[[3], [1]]]), array([[[0], [0]]])
    expect(loss_of(both, [x, empty], [0 * x, 1 + empty]), 2.0)


@scenario()
def own_loss_undefined_at_padding(keras: Any) -> None:
    """A loss of the user's that is NaN at masked steps alone: they do not count."""
    power = keras.ops.sqrt if hasattr(keras, "ops") else keras.backend.sqrt
    if release(keras) < (2, 4):
        raise LackingError("a square root of Keras before 2.4 is cut off at 0")
    if not hasattr(keras, "ops"):
        import tensorflow

        power = tensorflow.sqrt

    def loss(y_true: Any, y_pred: Any) -> Any:
        return power(y_true)[..., 0] + 0 * y_pred[..., 0]

    model = compiled(keras, passing(keras), loss)
    expect(loss_of(model, array([[[1], [0]]]), array([[[4], [-1]]])), 2.0)


@scenario()
def undefined_at_a_valid_step(keras: Any) -> None:
    """A NaN label at a valid step is not hidden by the mask: the loss is NaN."""
    model = compiled(keras, passing(keras), "mean_absolute_error")
    said = loss_of(model, array([[[1], [0]]]), array([[[np.nan], [1]]]))
    expect_true(np.isnan(said), "a loss of NaN", said)


@scenario()
def own_loss_that_returns_a_number(keras: Any) -> None:
    """A loss of the user's that returns one number cannot be masked step by step: it is refused,
    or masked steps do not count."""
    backend = keras.ops if hasattr(keras, "ops") else keras.backend

    def loss(y_true: Any, y_pred: Any) -> Any:
        return backend.mean(backend.abs(y_true - y_pred))

    x, y = array([[[1], [0]]]), array([[[0], [8]]])
    came = answered(lambda: loss_of(compiled(keras, passing(keras), loss), x, y))
    if came is not None:
        expect(came, 1.0)


@scenario((2, 4))
def loss_without_time_axis(keras: Any) -> None:
    """A loss of one number a sequence, and a mask of as many steps as samples: it is refused, or
    no sequence weighs more than another."""
    backend = keras.ops if hasattr(keras, "ops") else keras.backend

    def loss(y_true: Any, y_pred: Any) -> Any:
        return backend.abs(backend.sum(y_true - y_pred, axis=1))[:, 0]

    model = compiled(keras, passing(keras), loss)
    x, y = array([[[1], [1]], [[1], [0]]]), array([[[0], [0]], [[0], [0]]])
    came = answered(lambda: loss_of(model, x, y))
    if came is not None:
        expect(came, 1.5)


@scenario((2, 4))
def mask_of_another_length(keras: Any) -> None:
    """A mask of one length and a loss of another one: an error, for a mask of one step too."""
    crop = sequence_class(keras, call=lambda self, x: x[:, :1] + 0 * x[:, :1])
    grow = sequence_class(keras, call=lambda self, x: _doubled(keras, x))
    for layer, x in ((crop(), [[[1], [0], [0]]]), (grow(), [[[1]]])):
        given = keras.layers.Input((None, 1))
        out = layer(keras.layers.Masking(0.0)(given))
        model = compiled(keras, keras.models.Model(given, out), "mean_absolute_error")
        y = np.zeros(np.shape(model.predict(array(x), verbose=0)), "float32")

        def ask(model: Any = model, x: Any = x, y: Any = y) -> Any:
            return loss_of(model, array(x), y)

        came = answered(ask)
        steps = str(len(x[0])) + " for " + str(y.shape[1]) + " steps"
        expect_true(came is None, "an error: the mask has " + steps, "a loss of " + repr(came))


def _doubled(keras: Any, x: Any) -> Any:
    backend = keras.ops if hasattr(keras, "ops") else keras.backend
    return backend.concatenate([x, x], axis=1)


@scenario((2, 4))
def rank_of_the_losses(keras: Any) -> None:
    """Every built-in loss of `(batch, steps, features)` has one number for each step."""
    y = array(np.arange(12).reshape(2, 3, 2) % 2)
    for name in (
        *("mean_squared_error", "mean_absolute_error", "binary_crossentropy", "poisson", "hinge"),
        *("categorical_crossentropy", "mean_absolute_percentage_error", "squared_hinge"),
        *("mean_squared_logarithmic_error", "categorical_hinge"),
    ):
        loss = getattr(keras.losses, name)
        said = numpy_of(keras, loss(tensor_of(keras, y), tensor_of(keras, 0.25 + y / 2)))
        expect(np.shape(said), (2, 3), "the shape of " + name)


@scenario((2, 4))
def class_ids_and_one_hot(keras: Any) -> None:
    """Cross entropy with class ids, before any reduction, is the one with one-hot labels."""
    shares = array([[[0.5, 0.25, 0.25], [0.125, 0.375, 0.5]]])
    ids = np.array([[0, 2]])
    sparse = keras.losses.sparse_categorical_crossentropy(ids, tensor_of(keras, shares))
    hot = tensor_of(keras, np.eye(3)[ids])
    dense = keras.losses.categorical_crossentropy(hot, tensor_of(keras, shares))
    expect(numpy_of(keras, sparse), numpy_of(keras, dense))


@scenario((2, 10))
def ignored_class_is_a_mask(keras: Any) -> None:
    """Steps of an ignored class count as masked ones do, with a mask beside them too."""
    loss = keras.losses.SparseCategoricalCrossentropy(ignore_class=0)
    shares = [[[0.5, 0.5], [0.25, 0.75], [0.5, 0.5]]]
    ids = np.array([[1, 0, 1]])
    both = loss(ids, tensor_of(keras, shares))
    expect(numpy_of(keras, both), np.log(2.0))
    beside = masked(keras, [[[1.0], [1.0], [0.0]]])
    dense = keras.layers.Dense(2, activation="softmax", kernel_initializer="zeros")
    expect(numpy_of(keras, loss(ids, dense(beside))), np.log(2.0), "the loss beside a mask")


@scenario((2, 4))
def metric_as_a_loss(keras: Any) -> None:
    """A metric object given as the loss trains, or is refused; it never leaves the weights as they
    are without a word."""
    model = plain(keras)

    def ask() -> Any:
        compiled(keras, model, keras.metrics.MeanAbsoluteError())
        return model.train_on_batch(array([[1.0]]), array([[0.0]]))

    before = model.get_weights()[0]
    if not refused(ask):
        moved = np.any(model.get_weights()[0] != before)
        expect_true(moved, "a step of the weights or an error", "weights as they were")


@scenario((2, 4))
def own_loss_added_in_the_model(keras: Any) -> None:
    """A loss that a layer adds is reported as it is: the model's mask does not change it."""
    backend = keras.ops if hasattr(keras, "ops") else keras.backend

    def call(self: Any, x: Any) -> Any:
        self.add_loss(backend.mean(backend.abs(x)))
        return x

    given = keras.layers.Input((None, 1))
    out = sequence_class(keras, call=call)()(keras.layers.Masking(0.0)(given))
    model = compiled(keras, keras.models.Model(given, out), "mean_absolute_error")
    x = array([[[2], [0], [0], [0]]])
    expect(loss_of(model, x, x), 0.5)


@scenario((2, 4))
def own_loss_as_a_subclass(keras: Any) -> None:
    """A loss of a user's own, a subclass of Keras's, heeds mask and weights as a built-in one."""
    backend = keras.ops if hasattr(keras, "ops") else keras.backend

    class Absolute(keras.losses.Loss):  # type: ignore[misc]
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return backend.mean(backend.abs(y_true - y_pred), axis=-1)

    x = array([[[1], [0], [4]], [[3], [2], [0]]])
    given = {"sample_weight": array([[1, 4, 2], [0.5, 2, 8]])}
    said = [
        loss_of(compiled(keras, passing(keras), loss), x, 0 * x + 0.25, **given)
        for loss in (Absolute(), keras.losses.MeanAbsoluteError())
    ]
    expect(said[0], said[1])


@scenario((2, 4), backends=("tensorflow",))
def weights_that_are_learned(keras: Any) -> None:
    """Where weights are a tensor of the program's own, the loss's gradient by each of them is what
    one weight more adds to the loss, also beside a mask."""
    import tensorflow

    weights, one_more = array([[1, 2, 4]]), np.eye(3, dtype="float32").reshape(3, 1, 3)
    labels = array([[[2], [5], [-1]]])
    for reduction in ("sum", "sum_over_batch_size"):
        loss = keras.losses.MeanAbsoluteError(reduction=reduction)
        prediction = tensor_of(keras, 0 * labels)
        prediction._keras_mask = mask_tensor(keras, [[True, False, True]])
        given = tensorflow.constant(weights)
        with tensorflow.GradientTape() as tape:
            tape.watch(given)
            said = loss(labels, prediction, sample_weight=given)
        added = [
            loss(labels, prediction, sample_weight=given + more).numpy() - said.numpy()
            for more in one_more
        ]
        slope = tensorflow.convert_to_tensor(tape.gradient(said, given, None, "zero"))
        expect(slope.numpy(), [added], "the gradient of the " + reduction)


# Losses that report one number a sample, with labels and predictions of three samples.
IDS = np.array([0, 1, 1])
SHARES = array([[0.5, 0.5], [0.25, 0.75], [0.75, 0.25]])
ONE_HOT = array([[1, 0], [0, 1], [0, 1]])
OF_SAMPLES: Any = {
    "CategoricalGeneralizedCrossEntropy": ({}, IDS, SHARES),
    "Circle": ({}, IDS, array([[0.6, 0.8], [0.0, 1.0], [0.8, 0.6]])),
    "CTC": ({}, np.array([[1], [1], [2]]), array([[[1, 2, 3], [3, 1, 2]]] * 3)),
    "Dice": ({"axis": (1,)}, ONE_HOT, SHARES),
    "Tversky": ({"axis": (1,)}, ONE_HOT, SHARES),
}


@scenario((3, 0))
def losses_beside_the_usual_ones(keras: Any) -> None:
    """Losses of whole samples (Circle, CTC, Dice, ...) heed mask and weights: the sum is that of
    the samples' own losses, weighted."""
    weights, valid = array([2, 0.5, 1]), np.array([True, False, True])
    asked = 0
    for name, (settings, y_true, shares) in OF_SAMPLES.items():

        def made(reduction: Any, kind: str = name, given: Any = settings) -> Any:
            return getattr(keras.losses, kind)(reduction=reduction, **given)

        of_each = answered(partial(made, None))
        if of_each is None:
            continue  # no such loss there, or not of samples
        asked += 1
        each = numpy_of(keras, of_each(y_true, tensor_of(keras, shares)))
        expect(np.shape(each), (3,), "the shape of the unreduced " + name)
        prediction = tensor_of(keras, shares)
        weighted = made("sum")(y_true, prediction, sample_weight=weights)
        expect(numpy_of(keras, weighted), np.sum(each * weights), "the weighted sum of " + name)
        prediction._keras_mask = mask_tensor(keras, valid)
        total = made("sum")(y_true, prediction)
        expect(numpy_of(keras, total), np.sum(each[valid]), "the sum of " + name)
    if not asked:
        raise LackingError("none of these losses is there")
