"""Scenarios of how masks are carried: models in models, layers of the user's own, saving."""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from .registry import scenario
from .tools import (
    LackingError,
    answered,
    array,
    compiled,
    expect,
    expect_mask,
    expect_true,
    handing_on,
    loss_of,
    mask_of,
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

X, Y = array([[[1], [0]]]), array([[[0], [9]]])


def _without_wrapping(keras: Any) -> float:
    """The masked loss of `X` and `Y` in a model of two plain layers."""
    return loss_of(compiled(keras, passing(keras), "mean_absolute_error"), X, Y)


@scenario((2, 4))
def model_inside_a_model(keras: Any) -> None:
    """A model inside a model, Sequential or functional, hands the mask on."""
    layers = keras.layers
    inside = layers.Input((None, 1))
    for inner in (
        keras.models.Sequential([layers.Activation("linear"), layers.Activation("linear")]),
        keras.models.Model(inside, layers.Activation("linear")(inside)),
    ):
        model = keras.models.Sequential([layers.Masking(0.0), inner])
        said = loss_of(compiled(keras, model, "mean_absolute_error"), X, Y)
        expect(said, _without_wrapping(keras))


@scenario((2, 4))
def masks_of_two_inputs_by_hand(keras: Any) -> None:
    """A model of two inputs that is called with a mask for each gives each input its own."""
    layers = keras.layers
    given = [layers.Input((None, 1)), layers.Input((None, 1))]
    model = keras.models.Model(given, [layers.GlobalAveragePooling1D()(each) for each in given])
    # A tensor each: the mask is kept on the tensor.
    x = [tensor_of(keras, [[[1], [3]]]), tensor_of(keras, [[[1], [3]]])]
    masks = [mask_tensor(keras, [[True, False]]), mask_tensor(keras, [[False, True]])]
    left, right = (numpy_of(keras, each) for each in model(x, mask=masks))
    expect([left, right], [[[1.0]], [[3.0]]], "the means")


@scenario((2, 4))
def model_inside_that_makes_the_mask(keras: Any) -> None:
    """A model inside a model that makes a mask hands it out."""
    given = keras.layers.Input((None, 1))
    out = keras.layers.Activation("linear")(passing(keras)(given))
    model = compiled(keras, keras.models.Model(given, out), "mean_absolute_error")
    expect(loss_of(model, X, Y), _without_wrapping(keras))


@scenario((2, 4))
def two_outputs_into_two_inputs(keras: Any) -> None:
    """A layer with two outputs, each with a mask, feeds a layer with two inputs: each mask comes
    with its tensor."""
    seen = []

    def compute_mask(self: Any, x: Any, mask: Any = None) -> Any:
        return [mask, mask != True]  # noqa: E712

    def call(self: Any, x: Any, mask: Any = None) -> Any:
        seen.append(mask)
        return x[0] + x[1]

    def unmasked(self: Any, x: Any, mask: Any = None) -> Any:
        return None

    split = sequence_class(keras, call=lambda self, x: [x * 1, x * 2], compute_mask=compute_mask)
    join = sequence_class(keras, call=call, compute_mask=unmasked)
    join()(split()(masked(keras, X)))
    got = seen[-1]
    expect_true(isinstance(got, (list, tuple)), "a list of two masks", got)
    read = [np.asarray(mask_values(keras, each)) for each in got]
    expect_mask(read, [[[True, False]], [[False, True]]], "the masks")


def mask_values(keras: Any, mask: Any) -> Any:
    """The values of a mask, or None."""
    if mask is None or not hasattr(keras, "ops"):
        return None if mask is None else mask.numpy()
    return keras.ops.convert_to_numpy(mask)


@scenario((2, 4))
def identity_with_a_mask_of_its_own(keras: Any) -> None:
    """A layer that hands its input on unchanged, with a `compute_mask` of its own: that is the mask
    that goes on."""
    layer = sequence_class(
        keras,
        call=lambda self, x: x,
        compute_mask=lambda self, x, mask=None: mask != True,  # noqa: E712
    )()
    expect_mask(mask_of(keras, layer(masked(keras, X))), [[False, True]])


@scenario((2, 4))
def fresh_tensors_have_no_mask(keras: Any) -> None:
    """A new tensor has no mask, whatever tensors with masks were there before; one that has a mask
    keeps it."""
    kept = masked(keras, X)
    for _ in range(64):
        masked(keras, X)
        gc.collect(0)
        fresh = tensor_of(keras, X)
        expect_true(mask_of(keras, fresh) is None, "no mask", "the mask of another tensor")
    gc.collect()
    expect_mask(mask_of(keras, kept), [[True, False]])


@scenario((2, 4))
def dictionary_of_inputs_without_masks(keras: Any) -> None:
    """A model of a dictionary of inputs, without any mask, trains, traced too."""
    given = {name: keras.layers.Input((1,), name=name) for name in ("a", "b")}
    out = keras.layers.Dense(1)(keras.layers.Add()([given["a"], given["b"]]))
    model = keras.models.Model(given, out)
    compiled(keras, model, "mean_absolute_error", run_eagerly=False)
    x = array([[1], [2]])
    said = model.train_on_batch({"a": x, "b": x}, x)
    expect_true(np.isfinite(said), "a finite loss", said)


@scenario((2, 4))
def argument_named_like_a_mask(keras: Any) -> None:
    """A layer of the user's may call an argument `padding_mask`: it is built with its shape and
    given what the user gives."""
    seen: dict[str, Any] = {}

    def build(self: Any, x_shape: Any, padding_mask_shape: Any = None) -> None:
        seen["shape"] = padding_mask_shape
        self.built = True

    def call(self: Any, x: Any, padding_mask: Any) -> Any:
        return x * padding_mask

    methods = {"call": call, "build": build} if release(keras) >= (3, 0) else {"call": call}
    layer = sequence_class(keras, **methods)()
    x = tensor_of(keras, [[1, 2]])
    out = layer(x, tensor_of(keras, [[0, 3]]))
    expect(mask_values(keras, out), [[0.0, 6.0]], "the product")
    if release(keras) >= (3, 0):
        expect_true(seen["shape"] is not None, "a shape of padding_mask", "none")


@scenario((2, 4))
def empty_list_among_the_arguments(keras: Any) -> None:
    """An argument that is an empty list does not keep the mask from a layer of the user's."""
    seen: list[Any] = []

    def call(self: Any, x: Any, states: Any = None, mask: Any = None) -> Any:
        seen.append(mask)
        return x * 1.0

    sequence_class(keras, call=call)()(masked(keras, X), states=[])
    expect_mask(mask_values(keras, seen[-1]), [[True, False]])


@scenario((2, 4))
def saved_layer_of_the_users(keras: Any) -> None:
    """A model with a layer of the user's that lets masks through has the same masked loss after it
    was saved and loaded."""
    kind = sequence_class(keras, call=lambda self, x: x * 1.0)
    given = keras.layers.Input((None, 1))
    out = keras.layers.Dense(1)(kind()(keras.layers.Masking(0.0)(given)))
    model = compiled(keras, keras.models.Model(given, out), "mean_absolute_error")
    before = loss_of(model, X, Y)
    with tempfile.TemporaryDirectory() as folder:
        name = "model.keras" if release(keras) >= (2, 12) else "model.h5"
        path = str(Path(folder) / name)
        model.save(path)
        again = keras.models.load_model(path, custom_objects={"OwnLayer": kind}, compile=False)
    compiled(keras, again, "mean_absolute_error")
    expect(loss_of(again, X, Y), before)


@scenario((2, 4))
def model_from_its_configuration(keras: Any) -> None:
    """A model made again from its configuration and weights has the same masked loss."""
    model = compiled(keras, passing(keras), "mean_absolute_error")
    again = keras.models.Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    expect(loss_of(compiled(keras, again, "mean_absolute_error"), X, Y), loss_of(model, X, Y))


@scenario((3, 0), backends=("tensorflow",))
def exported_model_as_a_layer(keras: Any) -> None:
    """A model that is exported and put into another one as a layer hands its mask on, or the other
    one says that it is lost."""
    import warnings

    model = passing(keras, 2, 1)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if refused(lambda: model.export(folder)):
            raise LackingError("the export itself fails with the TensorFlow there")
        layer = answered(lambda: keras.layers.TFSMLayer(folder, call_endpoint="serve"))
        if layer is None:
            raise LackingError("no exported model can be a layer with the TensorFlow there")
        given = keras.layers.Input((2, 1))
        out = keras.layers.Activation("linear")(layer(given))
        whole = compiled(keras, keras.models.Model(given, out), "mean_absolute_error")
        said = loss_of(whole, X, Y)
    if not any("mask" in str(each.message) for each in caught):
        expect(said, _without_wrapping(keras))


@scenario()
def model_without_masks(keras: Any) -> None:
    """A model without any mask has the plain mean as its loss."""
    model = compiled(keras, plain(keras), "mean_absolute_error")
    x = array([[1], [0], [2]])
    expect(loss_of(model, x, 0 * x), 1.0)


@scenario((2, 4))
def mask_through_other_precisions(keras: Any) -> None:
    """A layer that computes in half or in double precision hands its mask on as one of float32."""
    for dtype in ("mixed_bfloat16", "mixed_float16", "float64"):
        given = keras.layers.Input((None, 1))
        dense = keras.layers.Dense(1, dtype=dtype)
        # From float32: the dense layer casts what it is given, and its mask must come along.
        out = dense(keras.layers.Masking(0.0)(given))
        handing_on(dense)
        model = compiled(keras, keras.models.Model(given, out), "mean_absolute_error")
        expect(loss_of(model, X, Y), _without_wrapping(keras), "the loss in " + dtype)
