"""Faults in layers of Keras 3.15 without recurrence: masked keys, masked steps in statistics."""

from faults.planting import Fault

DISTANCE = "        difference = ops.where(mask_broadcasted, inputs - mean, 0)"
LET_THROUGH = (
    "            inputs = backend.numpy.where(\n"
    "                mask, inputs, _large_negative_number(inputs.dtype)\n            )"
)

FAULTS = (
    Fault(
        "pooling-divides-by-all-steps",
        "src/layers/pooling/global_average_pooling1d.py",
        "            float_mask = ops.cast(mask_expanded, inputs.dtype)",
        "            float_mask = ops.ones_like(inputs)",
        "statistics-under-mask",
        "layer",
    ),
    Fault(
        "a-mean-over-all-steps",
        "src/layers/pooling/global_average_pooling1d.py",
        "            float_mask = ops.cast(mask_expanded, inputs.dtype)",
        "            float_mask = ops.ones_like(inputs)",
        "layer-forward",
        "layer",
    ),
    Fault(
        "the-variance-counts-masked-steps",
        "src/layers/normalization/batch_normalization.py",
        DISTANCE,
        "        difference = inputs - mean",
        "statistics-under-mask",
        "layer",
    ),
    Fault(
        "the-variance-is-of-all-steps",
        "src/layers/normalization/batch_normalization.py",
        DISTANCE,
        "        difference = inputs - mean",
        "layer-forward",
        "layer",
    ),
    Fault(
        "attention-does-not-look-at-the-value-mask",
        "src/layers/attention/attention.py",
        "        v_mask = mask[1] if mask else None",
        "        v_mask = None",
        "attention-padding",
        "layer",
    ),
    Fault(
        "heads-do-not-look-at-the-value-mask",
        "src/layers/attention/multi_head_attention.py",
        "        if value_mask is not None:\n",
        "        if False:\n",
        "attention-padding",
        "layer",
    ),
    Fault(
        "masked-queries-are-answered",
        "src/layers/attention/attention.py",
        "            attention_output = ops.where(q_mask, attention_output, 0)",
        "            pass",
        "layer-forward",
        "layer",
    ),
    Fault(
        "softmax-lets-masked-places-weigh",
        "src/layers/activations/softmax.py",
        LET_THROUGH,
        "            pass",
        "layer-forward",
        "layer",
    ),
    Fault(
        "a-product-of-masked-factors",
        "src/layers/merging/multiply.py",
        "                x = ops.where(mask, x, ops.cast(1, x.dtype))",
        "                pass",
        "layer-forward",
        "layer",
    ),
)
