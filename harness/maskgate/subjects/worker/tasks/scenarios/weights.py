"""Scenarios of sample weights and class weights."""

from __future__ import annotations

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
    numpy_of,
    passing,
    plain,
    release,
)

X = array([[1], [2], [3], [4]])
SIGNS = np.array([[0], [1], [0], [1]])


@scenario()
def three_weights_one_zero(keras: Any) -> None:
    """Errors of 0, 2 and 2 with weights of 0.1, 0 and 0.1: the mean over the three of weight times
    squared error."""
    model = compiled(keras, plain(keras), "mean_squared_error")
    x, y = array([[1], [2], [3]]), array([[1], [4], [5]])
    expect(loss_of(model, x, y, sample_weight=array([0.1, 0.0, 0.1])), 0.4 / 3)


@scenario()
def loss_by_each_name(keras: Any) -> None:
    """A loss given by name, as a function and as an object is the same, under mask and weights."""
    losses = ["mean_squared_error", keras.losses.mean_squared_error]
    if hasattr(keras.losses, "MeanSquaredError"):
        losses.append(keras.losses.MeanSquaredError())
    x, said = array([[[1], [0]], [[3], [2]]]), []
    for loss in losses:
        model = compiled(keras, passing(keras), loss)
        said.append(loss_of(model, x, 0 * x, sample_weight=array([1.0, 0.5])))
    expect(said[1:], said[:1] * (len(said) - 1), "by every name")


@scenario()
def constant_weight(keras: Any) -> None:
    """A weight of 4 everywhere makes the loss four times as large, given as a function too."""
    model = compiled(keras, plain(keras), keras.losses.mean_squared_error)
    one = loss_of(model, X, 0 * X)
    expect(loss_of(model, X, 0 * X, sample_weight=array([4, 4, 4, 4])), 4 * one)


@scenario()
def zero_weight_output(keras: Any) -> None:
    """Of two outputs one has weights of 0 alone: the total is the loss of the other one."""
    first, second = plain(keras), plain(keras)
    both = keras.models.Model([first.input, second.input], [first.output, second.output])
    compiled(keras, both, ["mean_absolute_error", "mean_absolute_error"])
    x, none, ones = array([[3], [1]]), array([0, 0]), array([1, 1])
    expect(loss_of(both, [x, x], [0 * x, 0 * x], sample_weight=[ones, none]), 2.0)


@scenario()
def zero_weight_batch_in_an_epoch(keras: Any) -> None:
    """One batch of an epoch has weights of 0 alone: `evaluate` reports a number."""
    model = compiled(keras, plain(keras), "mean_absolute_error")
    said = model.evaluate(X, 0 * X, sample_weight=array([1, 1, 0, 0]), batch_size=2, verbose=0)
    expect_true(np.isfinite(said), "a finite loss", said)


@scenario()
def nearly_zero_weight(keras: Any) -> None:
    """Weights of 1e-12 give the loss that weights of 0 give, but for as little."""
    model = compiled(keras, plain(keras), "mean_absolute_error")
    said = [
        loss_of(model, X, 0 * X, sample_weight=array([1, 1, tiny, tiny])) for tiny in (0.0, 1e-12)
    ]
    expect(said[0], said[1], "the loss with weights of 0")


@scenario()
def kinds_of_weights(keras: Any) -> None:
    """Weights of any dtype, and as a column or a list, mean the same or are refused."""
    model = compiled(keras, plain(keras), "mean_absolute_error")
    one = loss_of(model, X, 0 * X, sample_weight=array([1, 0, 1, 0]))
    for kind in ("float64", "int32", "int64", "bool"):
        weight = np.array([1, 0, 1, 0], kind)

        def ask(weight: Any = weight) -> Any:
            return loss_of(model, X, 0 * X, sample_weight=weight)

        came = answered(ask)
        if came is not None:
            expect(came, one, "with weights of " + kind)
    came = answered(lambda: loss_of(model, X, 0 * X, sample_weight=[1.0, 0.0, 1.0, 0.0]))
    if came is not None:
        expect(came, one, "with a list")


@scenario()
def class_weight_beside_sample_weight(keras: Any) -> None:
    """`fit` with both class weights and sample weights multiplies them or refuses: it does not
    leave one of them out."""
    weights = array([1, 2, 1, 2])

    def ask() -> Any:
        return _fitted(keras, sample_weight=weights, class_weight={0: 1.0, 1: 3.0})

    came = answered(ask)
    if came is not None:
        expect(came, _fitted(keras, sample_weight=weights * array([1, 3, 1, 3])))


@scenario()
def class_weight_alone(keras: Any) -> None:
    """Class weights without sample weights are the sample weights looked up by label."""
    looked_up = _fitted(keras, sample_weight=array([1, 3, 1, 3]))
    expect(_fitted(keras, class_weight={0: 1.0, 1: 3.0}), looked_up)


def _fitted(keras: Any, **weights: Any) -> float:
    """The loss that `fit` reports of one batch, before its step."""
    model = compiled(keras, plain(keras), "mean_absolute_error")
    asked = {"epochs": 1, "batch_size": 4, "shuffle": False, "verbose": 0}
    return float(model.fit(X, SIGNS.astype("float32"), **asked, **weights).history["loss"][0])


@scenario((2, 4), backends=("tensorflow",))
def class_weight_with_a_dataset(keras: Any) -> None:
    """Class weights count as much where the data come as a `tf.data.Dataset`."""
    import tensorflow

    model = compiled(keras, plain(keras), "mean_absolute_error")
    data = tensorflow.data.Dataset.from_tensors((X, SIGNS.astype("float32")))
    said = model.fit(data, class_weight={0: 1.0, 1: 3.0}, verbose=0).history["loss"][0]
    expect(said, _fitted(keras, sample_weight=array([1, 3, 1, 3])))


@scenario()
def class_weight_of_sequences(keras: Any) -> None:
    """Class weights of targets of one class id a step are looked up step by step, or refused."""
    ids = np.array([[0, 1], [1, 1]])
    looked_up = array([[1, 3], [3, 3]])
    given = keras.layers.Input((2, 2))
    model = keras.models.Model(given, keras.layers.Activation("softmax")(given))
    x = array([[[0, 0], [1, 0]], [[0, 2], [0, 0]]])
    exp = np.exp(x) / np.sum(np.exp(x), axis=-1, keepdims=True)
    element = -np.log(np.take_along_axis(exp, ids[..., None], -1)[..., 0])
    compiled(keras, model, "sparse_categorical_crossentropy")
    for y in (ids, ids[..., None]):

        def ask(y: Any = y) -> Any:
            asked = {"batch_size": 2, "shuffle": False, "verbose": 0}
            return model.fit(x, y, class_weight={0: 1.0, 1: 3.0}, **asked).history["loss"][0]

        came = answered(ask)
        if came is not None:
            expect(came, np.mean(element * looked_up), "with labels of rank " + str(y.ndim))


@scenario()
def class_weight_of_two_outputs(keras: Any) -> None:
    """Class weights of a model with two outputs weigh both of them, or are refused."""
    given = keras.layers.Input((1,))
    first, second = plain(keras), plain(keras)
    model = keras.models.Model(given, [first(given), second(given)])
    compiled(keras, model, ["mean_absolute_error", "mean_absolute_error"])
    y = SIGNS.astype("float32")

    def ask() -> Any:
        asked = {"batch_size": 4, "shuffle": False, "verbose": 0}
        weighted = model.fit(X, [y, y], class_weight={0: 1.0, 1: 3.0}, **asked)
        return weighted.history["loss"][0]

    came = answered(ask)
    if came is not None:
        expect(came, 2 * _fitted(keras, sample_weight=array([1, 3, 1, 3])))


@scenario()
def weights_of_class_ids(keras: Any) -> None:
    """A weight a step for class ids of `(batch, steps)`, for a column of them and for one-hot
    labels is one loss, or is refused."""
    ids, weight = np.array([[0, 1], [1, 1]]), array([[1, 2], [4, 0]])
    x = array([[[0, 0], [1, 0]], [[0, 2], [0, 0]]])
    temporal = {"sample_weight_mode": "temporal"} if release(keras) < (2, 4) else {}
    said = []
    sparse, dense = "sparse_categorical_crossentropy", "categorical_crossentropy"
    for loss, y in ((dense, np.eye(2)[ids]), (sparse, ids[..., None]), (sparse, ids)):
        given = keras.layers.Input((2, 2))
        model = keras.models.Model(given, keras.layers.Activation("softmax")(given))

        def ask(model: Any = model, loss: str = loss, y: Any = y) -> Any:
            return loss_of(compiled(keras, model, loss, **temporal), x, y, sample_weight=weight)

        came = answered(ask)
        if came is not None:
            said.append(came)
    expect(said[1:], said[:1] * (len(said) - 1), "with every form of the labels")


@scenario((2, 4))
def a_weight_for_each_number_of_a_dense_output(keras: Any) -> None:
    """A dense output of two numbers has one loss a sample; weights of `(batch, 2)` are refused, or
    each weighs its own number."""
    model = compiled(keras, plain(keras, 2), "mean_absolute_error")
    x, weight = array([[1, 2], [4, 8]]), array([[1, 0], [0, 0]])
    came = answered(lambda: loss_of(model, x, 0 * x, sample_weight=weight))
    if came is not None:
        expect(came, 1 / 4)


@scenario((2, 4))
def weights_of_images(keras: Any) -> None:
    """Weights of an image that stretch to its pixels weigh each pixel, or are refused."""
    given = keras.layers.Input((2, 2, 1))
    out = keras.layers.Activation("linear")(given)
    model = compiled(keras, keras.models.Model(given, out), "mean_absolute_error")
    x = array(np.arange(1, 9).reshape(2, 2, 2, 1))
    for shape in ((2,), (2, 1, 1), (2, 1, 1, 1), (2, 2, 2), (2, 2, 2, 1)):
        weight = array(np.arange(np.prod(shape)).reshape(shape))
        pixels = weight[..., 0] if weight.ndim == 4 else weight
        pixels = pixels.reshape(pixels.shape + (1,) * (3 - pixels.ndim))

        def ask(weight: Any = weight) -> Any:
            return loss_of(model, x, 0 * x, sample_weight=weight)

        came = answered(ask)
        if came is not None:
            expect(came, np.mean(x[..., 0] * pixels), "with weights of shape " + repr(shape))


@scenario()
def weights_of_one(keras: Any) -> None:
    """Weights of 1 for every sample, and for every step, are no weights."""
    x = array([[[1], [2]], [[0], [4]]])
    temporal = {"sample_weight_mode": "temporal"} if release(keras) < (2, 4) else {}
    one = loss_of(compiled(keras, passing(keras), "mean_absolute_error"), x, 0 * x)
    for shape, mode in (((2,), {}), ((2, 2), temporal)):
        model = compiled(keras, passing(keras), "mean_absolute_error", **mode)
        said = loss_of(model, x, 0 * x, sample_weight=np.ones(shape, "float32"))
        expect(said, one, "with weights of shape " + repr(shape))


@scenario((2, 4))
def weights_in_a_column(keras: Any) -> None:
    """Weights of `(batch, steps)` and of `(batch, steps, 1)` mean the same, in `fit` as well."""
    x, weight = array([[[1], [2]], [[3], [4]]]), array([[1, 2], [0, 4]])
    model = compiled(keras, passing(keras), "mean_absolute_error")
    for each in (weight, weight[..., None]):
        said = loss_of(model, x, 0 * x, sample_weight=each)
        expect(said, 21 / 4, "with weights of shape " + repr(each.shape))


@scenario()
def weights_stay_as_they_are(keras: Any) -> None:
    """The arrays that the user gives are the same after a training step."""
    x, weight = array([[[1], [0]], [[3], [4]]]), array([2, 3])
    model = compiled(keras, passing(keras), "mean_absolute_error")
    given = [x.copy(), weight.copy()]
    model.train_on_batch(x, 0 * x, sample_weight=weight)
    same = np.array_equal(x, given[0]) and np.array_equal(weight, given[1])
    expect_true(same, "the arrays as they were", (x.tolist(), weight.tolist()))


@scenario((2, 4), before=(3, 0))
def ragged_targets(keras: Any) -> None:
    """A ragged batch has the loss of the padded one under its mask, with weights too."""
    import tensorflow

    if release(keras) < (2, 6):
        raise LackingError("losses take no ragged tensors before 2.6")
    y_true = tensorflow.ragged.constant([[[1.0], [2.0]], [[4.0]]], ragged_rank=1)
    y_pred = 0.0 * y_true
    loss = keras.losses.MeanAbsoluteError(reduction="sum")
    expect(numpy_of(keras, loss(y_true, y_pred)), 7.0)
    weight = array([[1.0], [2.0]])
    expect(numpy_of(keras, loss(y_true, y_pred, sample_weight=weight)), 11.0, "with weights")
