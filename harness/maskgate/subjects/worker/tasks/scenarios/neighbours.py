"""Scenarios of the backends' own masked losses, beside Keras's."""

from __future__ import annotations

from typing import Any

import numpy as np

from .registry import scenario
from .tools import array, expect, expect_true


@scenario((3, 0), backends=("torch",))
def torch_batch_of_ignored_labels(_keras: Any) -> None:
    """Cross entropy of PyTorch over a batch of ignored labels alone is 0."""
    import torch

    loss = torch.nn.functional.cross_entropy(torch.zeros(2, 3), torch.tensor([-100, -100]))
    expect(loss.numpy(), 0.0)


@scenario((3, 0), backends=("torch",))
def torch_class_weights_in_the_mean(_keras: Any) -> None:
    """Cross entropy of PyTorch with class weights and an ignored class is the weighted mean over
    the labels that are not ignored."""
    import torch

    weight, ids = torch.tensor([1.0, 3.0, 5.0]), torch.tensor([0, 1, 2])
    logits = torch.tensor([[0.0, 1, 0], [2, 0, 0], [0, 0, 3]])
    given = {"weight": weight, "ignore_index": 2}
    loss = torch.nn.functional.cross_entropy(logits, ids, **given)
    each = torch.nn.functional.cross_entropy(logits, ids, reduction="none")
    expect(loss.numpy(), ((each[0] + 3 * each[1]) / 4).numpy())


@scenario((3, 0), backends=("torch",))
def torch_errors_selected_by_a_mask(_keras: Any) -> None:
    """Squared errors of PyTorch, of which a mask leaves out one with a NaN label: the gradient of
    the others is a number, and zero there."""
    import torch

    x = torch.tensor([1.0, 2.0], requires_grad=True)
    each = torch.nn.functional.mse_loss(x, torch.tensor([0.0, float("nan")]), reduction="none")
    each[torch.tensor([True, False])].sum().backward()
    expect(x.grad.numpy(), [2.0, 0.0], "the gradient")


@scenario((3, 0), backends=("torch",))
def torch_attention_with_a_masked_row(_keras: Any) -> None:
    """Attention of PyTorch with a query that sees no key: what the loss leaves out does not make
    the gradient of the weights NaN."""
    import torch

    layer = torch.nn.MultiheadAttention(2, 1, batch_first=True)
    x = torch.ones(1, 2, 2)
    hidden = torch.tensor([[True, True], [False, False]])
    out, _ = layer(x, x, x, attn_mask=hidden)
    out[0, 1].sum().backward()
    said = layer.in_proj_weight.grad.numpy()
    expect_true(np.isfinite(said).all(), "finite gradients", said.tolist())


@scenario((2, 4), backends=("tensorflow",))
def tensorflow_softmax_of_minus_infinity(_keras: Any) -> None:
    """A softmax whose masked logits are minus infinity has a gradient without NaN."""
    import tensorflow

    x = tensorflow.constant([[1.0, 2.0, 3.0]])
    hidden = tensorflow.constant([[0.0, -np.inf, 0.0]])
    with tensorflow.GradientTape() as tape:
        tape.watch(x)
        said = tensorflow.nn.softmax(x + hidden)[0, 0]
    slope = tape.gradient(said, x).numpy()
    expect_true(np.isfinite(slope).all(), "a finite gradient", slope.tolist())


@scenario((3, 0), backends=("jax",))
def jax_entropy_under_a_mask(_keras: Any) -> None:
    """The entropy of a masked softmax, each part selected by the mask, has a gradient without
    NaN."""
    import jax

    keep = np.array([True, False, True])

    def entropy(x: Any) -> Any:
        share = jax.nn.softmax(x, where=keep)
        share = share / jax.numpy.sum(share, where=keep)
        return -jax.numpy.sum(share * jax.numpy.log2(share), where=keep)

    slope = np.asarray(jax.grad(entropy)(array([1, 2, 3])))
    expect_true(np.isfinite(slope).all(), "a finite gradient", slope.tolist())
