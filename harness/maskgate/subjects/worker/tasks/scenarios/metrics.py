"""Scenarios of metrics, and of what an epoch reports."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .registry import scenario
from .tools import (
    LackingError,
    array,
    compiled,
    expect,
    handing_on,
    numpy_of,
    passing,
    plain,
    refused,
    release,
    tensor_of,
    told,
)

# Three steps, the second masked; errors of 1 at the others' first.
X, Y = array([[[1], [0], [1]]]), array([[[0], [1], [1]]])


@scenario()
def metric_without_weights_under_a_mask(keras: Any) -> None:
    """A metric of a masked batch without weights is the mean over the valid steps."""
    model = compiled(keras, passing(keras), "mean_squared_error", metrics=["mean_absolute_error"])
    expect(told(model, X, Y)[1], 0.5, "the metric")


@scenario()
def same_function_as_loss_and_metric(keras: Any) -> None:
    """One function as loss and as metric gives one number on a masked batch."""
    model = compiled(keras, passing(keras), "mean_squared_error", metrics=["mean_squared_error"])
    loss, metric = told(model, 3 * X, Y)
    expect(loss, metric, "the loss, which is the metric,")


def _both(keras: Any) -> Any:
    metric = keras.metrics.MeanAbsoluteError
    return {"metrics": [metric(name="plain")], "weighted_metrics": [metric(name="weighing")]}


@scenario((2, 4))
def metrics_and_weighted_metrics(keras: Any) -> None:
    """Without weights, a metric and a weighted metric of one kind are one number."""
    model = compiled(keras, passing(keras), "mean_squared_error", **_both(keras))
    _, plain_one, weighted_one = told(model, 3 * X, Y)
    expect(plain_one, weighted_one, "the metric, which is the weighted one,")


@scenario((2, 4))
def count_metrics_under_a_mask(keras: Any) -> None:
    """Precision and recall do not count masked steps."""
    chosen = [keras.metrics.Precision(), keras.metrics.Recall()]
    model = compiled(keras, passing(keras), "mean_squared_error", metrics=chosen)
    model.layers[-1].set_weights([array([[0]]), array([1])])
    expect(told(model, X, X)[1:], [1.0, 1.0], "precision and recall")


@scenario()
def metric_with_weights_that_are_the_mask(keras: Any) -> None:
    """Weights equal to the mask do not change a weighted accuracy under that mask."""
    temporal = {"sample_weight_mode": "temporal"} if release(keras) < (2, 4) else {}
    model = passing(keras)
    model.layers[-1].set_weights([array([[0]]), array([1])])
    compiled(keras, model, "mean_squared_error", weighted_metrics=["binary_accuracy"], **temporal)
    y = array([[[1], [0], [0]]])
    mask = array([[1, 0, 1]])
    expect(told(model, X, y, sample_weight=mask)[1], 0.5, "the weighted accuracy")


@scenario((2, 4))
def metric_with_weights_in_a_column(keras: Any) -> None:
    """Weights of `(batch, steps)` and of `(batch, steps, 1)` mean the same to a metric, beside a
    mask."""
    model = passing(keras)
    compiled(keras, model, "mean_squared_error", weighted_metrics=["mean_absolute_error"])
    x, y = array([[[1], [2]], [[3], [0]]]), array([[[0], [0]], [[0], [8]]])
    weight = array([[1, 2], [0.5, 4]])
    said = [told(model, x, y, sample_weight=each)[1] for each in (weight, weight[..., None])]
    expect(said[1], said[0], "the weighted metric")


@scenario((2, 4))
def weights_of_each_output_in_its_metric(keras: Any) -> None:
    """Of two outputs, each with weights of its own, the weighted metrics each heed their own."""
    given, names = keras.layers.Input((1,)), ("first", "second")
    outputs = [keras.layers.Dense(1, name=name) for name in names]
    model = keras.models.Model(given, [output(given) for output in outputs])
    for output in outputs:
        handing_on(output)
    error = "mean_absolute_error"
    compiled(keras, model, [error] * 2, weighted_metrics=[[error], [error]])
    x, weights = array([[3], [1]]), [array([1, 0]), array([0, 1])]
    said = model.test_on_batch(x, [0 * x] * 2, sample_weight=weights, return_dict=True)
    expect([said[name + "_" + error] for name in names], [3.0, 1.0], "the weighted metrics")


@scenario()
def weighted_accuracy(keras: Any) -> None:
    """A weighted accuracy is the weight of the hits over the weight of all."""
    model = compiled(
        keras, plain(keras), "mean_squared_error", weighted_metrics=["binary_accuracy"]
    )
    x, y = array([[1], [1], [0]]), array([[1], [0], [1]])
    said = told(model, x, y, sample_weight=array([3.0, 0.5, 0.5]))[1]
    expect(said, 0.75, "the weighted accuracy")


@scenario((2, 4))
def metrics_heed_weights_where_named_so(keras: Any) -> None:
    """Of one kind, the metric ignores the sample weights and the weighted metric heeds them."""
    model = compiled(keras, plain(keras), "mean_squared_error", **_both(keras))
    x = array([[1], [3]])
    expect(told(model, x, 0 * x, sample_weight=array([3, 1]))[1:], [2.0, 1.5], "the metrics")


@scenario((3, 7))
def weighted_mean_as_loss_and_metric(keras: Any) -> None:
    """The reduction `mean_with_sample_weight` gives the number of the weighted metric."""
    loss = keras.losses.MeanAbsoluteError(reduction="mean_with_sample_weight")
    both = {"weighted_metrics": [keras.metrics.MeanAbsoluteError()]}
    model = compiled(keras, passing(keras), loss, **both)
    x, weight = array([[[1], [0]], [[4], [2]]]), array([1, 3])
    loss_said, metric_said = told(model, x, 0 * x, sample_weight=weight)
    expect(loss_said, metric_said, "the loss, which is the metric,")


@scenario((2, 10))
def ignored_class_in_a_metric(keras: Any) -> None:
    """The metric of a cross entropy leaves an ignored class out, as the loss does."""
    metric = keras.metrics.SparseCategoricalCrossentropy
    try:
        metric = metric(ignore_class=0)
    except TypeError as problem:
        raise LackingError("the metric has no ignore_class") from problem
    metric.update_state(np.array([[1, 0]]), tensor_of(keras, [[[0.5, 0.5], [0.25, 0.75]]]))
    expect(numpy_of(keras, metric.result()), np.log(2.0), "the metric")


@scenario((2, 4))
def weights_of_rank_two_in_a_mean(keras: Any) -> None:
    """A mean metric of `(batch, steps)` with weights of that shape is the weighted mean."""
    metric = keras.metrics.Mean()
    metric.update_state(array([[1, 2], [3, 4]]), sample_weight=array([[1, 0], [0, 3]]))
    expect(numpy_of(keras, metric.result()), 13 / 4, "the metric")


@scenario()
def smaller_last_batch(keras: Any) -> None:
    """Three samples in batches of two: `evaluate` reports the mean over the samples."""
    model = compiled(keras, plain(keras), "mean_absolute_error")
    x = array([[1], [2], [9]])
    expect(model.evaluate(x, 0 * x, batch_size=2, verbose=0), 4.0)


@scenario()
def masked_epoch_in_batches(keras: Any) -> None:
    """Sequences of one, of two and of one valid step, in batches of two: `evaluate` reports the
    mean over the valid steps of the epoch."""
    model = compiled(keras, passing(keras), "mean_absolute_error")
    x = array([[[1], [0], [0]], [[2], [2], [0]], [[4], [0], [0]]])
    expect(model.evaluate(x, 0 * x, batch_size=2, verbose=0), 9 / 4)


@scenario((3, 3))
def accumulated_halves(keras: Any) -> None:
    """Two halves of a masked batch, their gradients accumulated, are one step on the whole."""
    x = array([[[1], [0], [0]], [[2], [3], [4]]])
    after = []
    for steps, batches in ((1, [x]), (2, [x[:1], x[1:]])):
        model = passing(keras)
        accumulated = {} if steps == 1 else {"gradient_accumulation_steps": steps}
        sgd = keras.optimizers.SGD(0.125, **accumulated)
        model.compile(optimizer=sgd, loss="mean_absolute_error", run_eagerly=True)
        for batch in batches:
            model.train_on_batch(batch, 0 * batch)
        after.append(model.get_weights()[0])
    expect(after[1], after[0], "the weights")


@scenario((2, 4))
def weights_of_scores(keras: Any) -> None:
    """A sample of weight 2 counts in a score as two do, and one of weight 0 not at all; or the
    score refuses weights."""
    ids, shares = array([[1, 0], [0, 1], [0, 1]]), array([[0.75, 0.25], [0.6, 0.4], [0.1, 0.9]])
    kinds: Any = [
        ("F1Score", {}),
        ("FBetaScore", {"beta": 2.0}),
        ("R2Score", {}),
        ("Precision", {"class_id": 1}),
        ("Recall", {"top_k": 1}),
    ]
    order, weights, asked = [0, 0, 1], array([2, 1, 0]), 0
    for name, settings in kinds:
        if not hasattr(keras.metrics, name):
            continue
        weighted, repeated = (getattr(keras.metrics, name)(**settings) for _ in range(2))
        if refused(partial(weighted.update_state, ids, shares, sample_weight=weights)):
            continue
        asked += 1
        repeated.update_state(ids[order], shares[order])
        wanted = numpy_of(keras, repeated.result())
        expect(numpy_of(keras, weighted.result()), wanted, "the " + name)
    if not asked:
        raise LackingError("no score takes weights")


@scenario()
def second_epoch_of_a_fit(keras: Any) -> None:
    """`fit` reports of its second epoch the loss of that epoch: what `evaluate` says after one."""
    said = []
    for epochs in (1, 2):
        model = compiled(keras, passing(keras), "mean_squared_error")
        losses = model.fit(3 * X, Y, epochs=epochs, verbose=0).history["loss"]
        said.append(losses[-1] if epochs == 2 else told(model, 3 * X, Y)[0])
    after_one, second = said
    expect(second, after_one, "the loss of the second epoch")
