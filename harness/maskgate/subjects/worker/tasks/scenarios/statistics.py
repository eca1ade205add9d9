"""Scenarios of layers that count steps: normalisation and pooling."""

from __future__ import annotations

from typing import Any

import numpy as np

from .registry import scenario
from .tools import array, expect, mask_tensor, masked, numpy_of, tensor_of


@scenario((2, 4))
def batch_statistics_under_a_mask(keras: Any) -> None:
    """BatchNormalization in training: mean and variance are of the valid steps."""
    x = array([[[1, 2], [3, 8], [0, 0], [0, 0]]])
    layer = keras.layers.BatchNormalization(momentum=0.0, epsilon=0.0)
    out = numpy_of(keras, layer(masked(keras, x), training=True))
    # The square root and the division are good to a few units of 1.
    expect(np.round(out[0, :2], 3), [[-1.0, -1.0], [1.0, 1.0]], "valid steps, normalised,")


@scenario((2, 4))
def batch_statistics_of_one_feature(keras: Any) -> None:
    """BatchNormalization of a masked batch of one feature computes at all."""
    layer = keras.layers.BatchNormalization()
    out = numpy_of(keras, layer(masked(keras, [[[1], [3], [0]]]), training=True))
    expect(np.shape(out), (1, 3, 1), "the shape")


@scenario((3, 0))
def batch_statistics_of_more_axes(keras: Any) -> None:
    """The same for a batch of rank 4 under a mask of rank 3."""
    x = np.array([[[[1.0, 1], [7, 7]], [[3, 3], [7, 7]]]], "float32")
    mask = mask_tensor(keras, [[[True, False], [True, False]]])
    layer = keras.layers.BatchNormalization(momentum=0.0, epsilon=0.0)
    out = numpy_of(keras, layer(tensor_of(keras, x), training=True, mask=mask))
    expect(np.round(out[0, :, 0], 3), [[-1.0, -1.0], [1.0, 1.0]], "valid places, normalised,")


@scenario((3, 0))
def batch_statistics_of_one_channel_mask(keras: Any) -> None:
    """A mask that stretches over an axis: ones stay ones less their mean, which is 0."""
    x, mask = np.ones((1, 2, 3, 4), "float32"), mask_tensor(keras, np.ones((1, 2, 1)))
    layer = keras.layers.BatchNormalization()
    try:
        out = layer(tensor_of(keras, x), training=True, mask=mask)
    except ValueError:
        return  # a clear error is as good
    expect(np.round(numpy_of(keras, out), 3), 0 * x, "ones, normalised,")


@scenario((2, 4))
def mean_pooling_under_a_mask(keras: Any) -> None:
    """The mean over the valid steps, in a model whose length is not known beforehand too."""
    x = array([[[2], [0], [4]]])
    layer = keras.layers.GlobalAveragePooling1D()
    expect(numpy_of(keras, layer(masked(keras, x))), [[3.0]], "the mean")
    given = keras.layers.Input((None, 1))
    model = keras.models.Model(given, layer(keras.layers.Masking(0.0)(given)))
    expect(model.predict(x, verbose=0), [[3.0]], "the mean, in a model,")


@scenario((2, 4))
def mean_pooling_with_channels_first(keras: Any) -> None:
    """The mean over the valid steps where the channels come first."""
    layer = keras.layers.GlobalAveragePooling1D(data_format="channels_first")
    mask = mask_tensor(keras, [[True, False, True]])
    out = layer(tensor_of(keras, [[[2, 9, 4]]]), mask=mask)
    expect(numpy_of(keras, out), [[3.0]], "the mean")


@scenario((2, 4))
def softmax_under_a_mask(keras: Any) -> None:
    """Softmax with a mask gives masked places nothing."""
    mask = mask_tensor(keras, [[True, False, True]])
    out = keras.layers.Softmax()(tensor_of(keras, [[1, 5, 1]]), mask=mask)
    expect(numpy_of(keras, out), [[0.5, 0.0, 0.5]], "the shares")
