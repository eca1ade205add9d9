"""Scenarios of masks on their way through layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from .registry import scenario
from .tools import (
    LackingError,
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
    passing,
    refused,
    tensor_of,
    warned,
)

X = array([[[1], [0], [-2]]])
MASK = [[True, False, True]]


@scenario((2, 4))
def merged_with_itself(keras: Any) -> None:
    """Adding, averaging or multiplying a masked tensor with itself keeps its mask."""
    for name in ("Add", "Multiply", "Maximum", "Average", "Subtract"):
        x = masked(keras, X)
        expect_mask(mask_of(keras, getattr(keras.layers, name)()([x, x])), MASK, name + ": mask")


@scenario((2, 4))
def residual_branch_without_a_mask(keras: Any) -> None:
    """A masked tensor plus one without a mask: the padding of the first stays masked."""
    merged = keras.layers.Add()([masked(keras, X), tensor_of(keras, X)])
    expect_mask(mask_of(keras, merged), MASK)


@scenario((2, 4))
def merged_masks(keras: Any) -> None:
    """A sum of two masked tensors is valid where both are valid."""
    other = masked(keras, [[[1], [1], [0]]])
    merged = keras.layers.Add()([masked(keras, X), other])
    expect_mask(mask_of(keras, merged), [[True, False, False]])


@scenario((2, 4))
def arithmetic_in_a_model(keras: Any) -> None:
    """`x * 1` inside a functional model does not lose the mask, or says so."""
    given = keras.layers.Input((None, 1))

    def build() -> Any:
        return keras.layers.Activation("linear")(keras.layers.Masking(0.0)(given) * 1.0)

    out, said = warned(build)
    y = array([[[0], [9], [0]]])
    wanted = loss_of(compiled(keras, passing(keras), "mean_absolute_error"), X, y)
    model = compiled(keras, keras.models.Model(given, out), "mean_absolute_error")
    if not said:
        expect(loss_of(model, X, y), wanted)


@scenario((2, 4))
def joined_along_time(keras: Any) -> None:
    """Masked sequences that are joined along time have their masks joined."""
    joined = keras.layers.Concatenate(axis=1)([masked(keras, X), masked(keras, X[:, :2])])
    expect_mask(mask_of(keras, joined), [[True, False, True, True, False]])


@scenario((2, 4))
def concatenation_with_a_part_unmasked(keras: Any) -> None:
    """Of a masked sequence and one without a mask, joined along time, the steps of the second are
    all valid."""
    joined = keras.layers.Concatenate(axis=1)([masked(keras, X), tensor_of(keras, X[:, :2])])
    expect_mask(mask_of(keras, joined), [[True, False, True, True, True]])


@scenario((2, 4))
def joined_embeddings_in_a_model(keras: Any) -> None:
    """Two masked embeddings of different lengths, joined, then normalised: the model trains."""
    layers, ids = keras.layers, [keras.layers.Input((n,), dtype="int32") for n in (2, 3)]
    parts = [layers.Embedding(4, 2, mask_zero=True)(each) for each in ids]
    out = layers.BatchNormalization()(layers.Concatenate(axis=1)(parts))
    model = compiled(keras, keras.models.Model(ids, out), "mean_absolute_error")
    fed = [np.array([[1, 0], [2, 3]]), np.array([[1, 1, 0], [3, 0, 0]])]
    said = model.train_on_batch(fed, np.zeros((2, 5, 2), "float32"))
    expect_true(np.isfinite(said), "a finite loss", said)


@scenario((2, 4))
def flatten_says_that_the_mask_ends(keras: Any) -> None:
    """A layer that cannot pass the mask on, such as Flatten, warns or raises."""
    _loud(keras, keras.layers.Flatten())


@scenario((2, 4))
def reshape_says_that_the_mask_ends(keras: Any) -> None:
    """Reshape passes the mask on where the time axis stays, or warns or raises."""
    _loud(keras, keras.layers.Reshape((3, 1)))


@scenario((2, 4))
def convolution_says_that_the_mask_ends(keras: Any) -> None:
    """A convolution over time passes the mask on, or warns or raises."""
    _loud(keras, keras.layers.Conv1D(1, 1))


@scenario((2, 4))
def max_pooling_under_a_mask(keras: Any) -> None:
    """The largest of the valid steps, all negative, beside padding of 0; or a warning."""
    layer = keras.layers.GlobalMaxPooling1D()
    try:
        out, said = warned(lambda: layer(masked(keras, [[[-1], [0], [-2]]])))
    except Exception:
        return
    if not said:
        expect(numpy_of(keras, out), [[-1.0]], "the largest")


def _loud(keras: Any, layer: Any) -> None:
    try:
        out, said = warned(lambda: layer(masked(keras, X)))
    except Exception:
        return
    if mask_of(keras, out) is None:
        expect_true(said, "a mask, a warning or an error", "none of them")


@scenario((2, 4))
def elementwise_layers_keep_the_mask(keras: Any) -> None:
    """Activation layers, dropout and noise keep the mask, in training too."""
    layers = keras.layers
    for layer in (
        *(layers.ReLU(), layers.LeakyReLU(), layers.PReLU(shared_axes=[1]), layers.ELU()),
        *(layers.Activation("tanh"), layers.Dropout(0.5), layers.SpatialDropout1D(0.5)),
        *(layers.GaussianNoise(0.5), layers.LayerNormalization()),
    ):
        for training in (False, True):
            takes = isinstance(layer, (layers.Dropout, layers.GaussianNoise))
            asked = {"training": training} if takes else {}
            out = layer(masked(keras, X), **asked)
            expect_mask(mask_of(keras, out), MASK, type(layer).__name__ + ": the mask")


@scenario((2, 4))
def own_function_as_a_layer(keras: Any) -> None:
    """A Lambda that computes step by step keeps the mask, or warns that it does not."""
    _loud(keras, keras.layers.Lambda(lambda x: x * 2.0))


@scenario((2, 4))
def embedding_of_embeddings(keras: Any) -> None:
    """A layer of the user's that adds two embeddings and has a mask of its own: that mask goes
    on, and nothing is said of a lost one."""
    layers = keras.layers

    def __init__(self: Any) -> None:  # noqa: N807
        super(kind, self).__init__()
        self.tokens = layers.Embedding(4, 2, mask_zero=True)
        self.places = layers.Embedding(3, 2)
        self.supports_masking = True

    kind: Any = type(
        "Places",
        (layers.Layer,),
        {
            "__init__": __init__,
            "call": lambda self, x: self.tokens(x) + self.places(np.array([[0, 1, 2]])),
            "compute_mask": lambda self, x, mask=None: x != 0,
        },
    )
    ids = keras.ops.convert_to_tensor(np.array([[1, 0, 2]])) if hasattr(keras, "ops") else None
    if ids is None:
        import tensorflow

        ids = tensorflow.constant([[1, 0, 2]])
    out, said = warned(lambda: kind()(ids))
    expect_mask(mask_of(keras, out), MASK)
    expect_true(not said, "no warning of a mask", said)


@scenario((2, 10))
def attention_passes_the_query_mask(keras: Any) -> None:
    """MultiHeadAttention of a masked query gives out the query's mask, and no warning."""
    layer = keras.layers.MultiHeadAttention(1, 2)
    x = masked(keras, X)
    out, said = warned(lambda: layer(x, x))
    expect_mask(mask_of(keras, out), MASK)
    expect_true(not said, "no warning of a mask", said)


@scenario((2, 10))
def attention_does_not_see_padded_keys(keras: Any) -> None:
    """What stands at masked keys does not change what MultiHeadAttention gives elsewhere."""
    layer, said = keras.layers.MultiHeadAttention(1, 2), []
    for padding in (5.0, -7.0):
        # Masking would set padding to zero: the mask is given beside it.
        x = tensor_of(keras, [[[1], [padding], [-2]]])
        out = layer(x, x, attention_mask=mask_tensor(keras, MASK)[:, None, :])
        said.append(numpy_of(keras, out)[:, [0, 2]])
    expect_true(np.array_equal(*said), "the same at valid steps", np.subtract(*said).tolist())


@scenario((2, 4))
def attention_in_half_precision(keras: Any) -> None:
    """Attention with masks computes in float16: finite, also where a row is all masked."""
    for name in ("Attention", "AdditiveAttention"):
        layer = getattr(keras.layers, name)(dtype="float16")
        x = tensor_of(keras, [[[1], [0]], [[1], [2]]])
        keep = mask_tensor(keras, [[True, False], [False, False]])
        out = np.asarray(numpy_of(keras, layer([x, x], mask=[keep, keep])), "float64")
        expect_true(np.isfinite(out).all(), name + ": finite numbers", out.tolist())


@scenario((2, 4))
def mask_of_integers(keras: Any) -> None:
    """Masking takes integers: their dtype stays, or the layer refuses them."""
    ids = np.array([[[1], [0]]], "int32")
    layer = keras.layers.Masking(0, dtype="int32")
    out = layer(keras.ops.convert_to_tensor(ids) if hasattr(keras, "ops") else ids)
    expect_mask(mask_of(keras, out), [[True, False]])
    expect_true("int32" in str(out.dtype), "int32", out.dtype)


@scenario((2, 4))
def padding_value_of_nan(keras: Any) -> None:
    """Masking with the value NaN masks steps of NaN, or refuses."""
    if refused(lambda: keras.layers.Masking(float("nan"))):
        return
    out = keras.layers.Masking(float("nan"))(array([[[np.nan], [1]]]))
    expect_mask(mask_of(keras, out), [[False, True]])


@scenario((2, 4))
def padding_value_that_is_large(keras: Any) -> None:
    """Masking puts 0 where the padding value stands, 1e30 too; a step with that value in one
    feature alone is no padding."""
    for value in (1e30, -1.0):
        batch = array([[[value, value], [value, 2], [3, 4]]])
        out = keras.layers.Masking(value)(batch)
        wanted = batch * array([[[0], [1], [1]]])
        expect(numpy_of(keras, out), wanted, "the batch")
        expect_mask(mask_of(keras, out), [[False, True, True]])


@scenario((2, 4))
def mask_has_one_axis_less(keras: Any) -> None:
    """Masking of images over time has a mask without the last axis."""
    out = keras.layers.Masking(0.0)(np.ones((1, 2, 3, 4), "float32"))
    expect_mask(mask_of(keras, out), np.ones((1, 2, 3), bool))


@scenario()
def outputs_at_padding_are_nobodys(keras: Any) -> None:
    """After a dense layer with a bias, padding has outputs; the loss of valid steps stays 0."""
    model = passing(keras)
    model.layers[-1].set_weights([array([[1]]), array([1])])
    compiled(keras, model, "mean_absolute_error")
    expect(loss_of(model, array([[[1], [0]]]), array([[[2], [7]]])), 0.0)


@scenario()
def masked_input_in_two_uses(keras: Any) -> None:
    """Two outputs with masks of their own: each loss is over the steps of its own mask."""
    first, second = passing(keras), passing(keras)
    both = keras.models.Model([first.input, second.input], [first.output, second.output])
    compiled(keras, both, ["mean_absolute_error", "mean_absolute_error"])
    batches = array([[[2], [0], [0]]]), array([[[0], [1], [5]]])
    labels = [np.ones_like(each) for each in batches]
    compiled(keras, first, "mean_absolute_error")
    compiled(keras, second, "mean_absolute_error")
    models = zip((first, second), batches, labels)  # noqa: B905
    alone = [loss_of(model, x, y) for model, x, y in models]
    expect(loss_of(both, list(batches), labels), sum(alone))


@scenario((2, 10))
def keys_with_a_mask_of_their_own(keras: Any) -> None:
    """Where keys and values carry a mask each, MultiHeadAttention does not look at a place that
    either of them leaves out."""
    layer, said = keras.layers.MultiHeadAttention(1, 2), []
    for hidden in (1.0, 9.0):
        keys = tensor_of(keras, [[[hidden], [1], [-2], [hidden]]])
        values = tensor_of(keras, [[[hidden], [3], [2], [hidden]]])
        keys._keras_mask = mask_tensor(keras, [[False, True, True, True]])
        values._keras_mask = mask_tensor(keras, [[True, True, True, False]])
        said.append(numpy_of(keras, layer(tensor_of(keras, [[[1], [2]]]), values, keys)))
    expect(said[1], said[0], "the outputs")


@scenario((3, 0))
def grouped_attention_under_a_mask(keras: Any) -> None:
    """What grouped query attention gives does not depend on the values that a mask leaves out."""
    if not hasattr(keras.layers, "GroupQueryAttention"):
        raise LackingError("no GroupQueryAttention")
    layer = keras.layers.GroupQueryAttention(2, 2, 1)
    query = tensor_of(keras, np.ones((1, 2, 4)))
    valid = mask_tensor(keras, [[True, True, False]])
    out = []
    for padding in (1.0, 9.0):
        values = np.ones((1, 3, 4))
        values[:, 2] = padding
        out.append(numpy_of(keras, layer(query, tensor_of(keras, values), value_mask=valid)))
    expect(out[1], out[0], "the outputs")
